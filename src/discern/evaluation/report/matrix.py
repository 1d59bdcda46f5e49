"""The confusion matrix whose cells open the images in them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from html import escape

from rich.cells import cell_len

from discern.evaluation.metrics import Metrics
from discern.evaluation.predictions import Predictions
from discern.evaluation.report.galleries import describe_prediction, to_data_url
from discern.evaluation.report.selection import MAX_CLASSES, CondensedMatrix, Selection
from discern.evaluation.report.stored_images import StoredImages
from discern.evaluation.report.tables import render_notes
from discern.i18n import _

# Classes up to which a cell has so many rem a side, on a phone so many, and names so wide stand upright in it.
CELL_SIZES = ((4, 4.5, 3.5, 6), (10, 2.7, 1.75, 2), (MAX_CLASSES + 1, 2.3, 1.75, 2))


def render_matrix(metrics: Metrics, matrix: CondensedMatrix, selection: Selection | None) -> str:
    """Render it with true classes in rows, shaded by the fraction of the row; cells with images are buttons."""
    names = [metrics.classes[label] for label in matrix.classes]
    names += [_("all others")] if matrix.has_others else []
    head = "".join(f'<th scope="col"><span title="{escape(name)}">{escape(name)}</span></th>' for name in names)
    corner = _("true ↓ predicted →")
    rows = [f'<tr><td class="corner">{escape(corner)}</td>{head}</tr>']
    for i, name in enumerate(names):
        total = max(1, int(matrix.counts[i].sum()))
        cells = "".join(
            f'<td{_style_cell(i, j, n, matrix)} style="--fraction: {n / total:.3f}">'
            f"{_render_cell(i, j, names, matrix, selection)}</td>"
            for j, n in enumerate(matrix.counts[i].tolist())
        )
        rows.append(f'<tr><th scope="row"><span title="{escape(name)}">{escape(name)}</span></th>{cells}</tr>')
    label = escape(_("Confusion matrix"))
    _classes, side, on_phone, width = next(row for row in CELL_SIZES if len(names) <= row[0])
    upright = " upright" if max(map(cell_len, names)) <= width else ""
    sizes = f"--side: {side}rem; --side-on-phone: {on_phone}rem"
    table = (
        f'<table class="confusion{upright}" style="{sizes}" role="grid" aria-label="{label}">{"".join(rows)}</table>'
    )
    return f'<div class="scroll">{table}</div>{render_notes(list(_list_hints(metrics, matrix, selection)))}'


def _list_hints(metrics: Metrics, matrix: CondensedMatrix, selection: Selection | None) -> Iterator[str]:
    yield _("Shaded by the fraction of the true class.")
    if matrix.has_others:
        message = _("These are the {shown} of {all} classes that are confused most often.")
        yield message.format(shown=len(matrix.classes), all=len(metrics.classes))
    if selection:
        yield _("Select a number to see its examples; arrow keys move from number to number.")


def _style_cell(i: int, j: int, n: int, matrix: CondensedMatrix) -> str:
    """Return the class of a cell of correct or of wrong predictions; nothing for one of both, and for an empty one."""
    if not n or i == j == len(matrix.classes):
        return ""
    return f' class="{"correct" if i == j else "wrong"}"'


def _render_cell(i: int, j: int, names: list[str], matrix: CondensedMatrix, selection: Selection | None) -> str:
    n, support = int(matrix.counts[i, j]), int(matrix.counts[i].sum())
    listed = len(selection.cells.get((i, j), ())) if selection else 0
    if not listed:
        return str(n) if n else ""
    if matrix.has_others and i == j == len(matrix.classes):
        label = _("all others, predicted as one of them: {n} of {support}")
    elif i == j:
        label = _("{truth}, correct: {n} of {support}")
    else:
        label = _("{truth}, predicted {predicted}: {n} of {support}")
    label = label.format(truth=names[i], predicted=names[j], n=n, support=support)
    note = "" if listed == n else _("{shown} of them are shown.").format(shown=listed)
    return (
        f'<button type="button" data-cell="{i},{j}" data-note="{escape(note)}" aria-label="{escape(label)}"'
        f' title="{escape(label)}" aria-haspopup="dialog">{n}</button>'
    )


def render_dialog() -> str:
    """Render the dialog that shows the images of a cell; Escape closes it and goes back to the cell."""
    close = escape(_("Close"))
    return (
        '<dialog id="cell" aria-labelledby="cell-title"><form method="dialog">'
        f'<button aria-label="{close}">✕</button></form>'
        '<h3 id="cell-title"></h3><p class="soft"></p><div class="images"></div></dialog>'
    )


def render_store(predictions: Predictions, stored: StoredImages | None, selection: Selection) -> str:
    """Write what the cells open, for the script; images that the galleries show are taken from there."""
    shown = {*selection.errors, *selection.unsure}
    images = {}
    for image in sorted({image for members in selection.cells.values() for image in members}):
        data = stored.images.get(image) if stored and image not in shown else None
        words = describe_prediction(predictions, image)
        images[image] = [predictions.paths[image], words, to_data_url(data) if data else ""]
    cells = {f"{i},{j}": members for (i, j), members in selection.cells.items()}
    text = json.dumps({"cells": cells, "images": images}, ensure_ascii=False).replace("<", "\\u003c")
    return f'<script type="application/json" id="store">{text}</script>'
