"""The confusion matrix whose cells open the pictures in them."""

from __future__ import annotations

import json
from html import escape

from discern.evaluation.metrics import Metrics
from discern.evaluation.predictions import Predictions
from discern.evaluation.report.choice import Choice, Matrix
from discern.evaluation.report.galleries import address, said
from discern.evaluation.report.kept import Kept
from discern.i18n import _


def confusion(metrics: Metrics, matrix: Matrix, choice: Choice | None) -> str:
    """Rows are the true classes; the colour is the share of the row; cells with pictures are buttons."""
    names = [metrics.classes[label] for label in matrix.classes]
    names += [_("all others")] if matrix.has_others else []
    head = "".join(f'<th scope="col"><span title="{escape(name)}">{escape(name)}</span></th>' for name in names)
    corner = _("true ↓ named →")
    rows = [f'<tr><td class="corner">{escape(corner)}</td>{head}</tr>']
    for i, name in enumerate(names):
        total = max(1, int(matrix.counts[i].sum()))
        cells = "".join(
            f'<td{_kind(i, j, n, matrix)} style="--share: {n / total:.3f}">{_cell(i, j, n, names, matrix, choice)}</td>'
            for j, n in enumerate(matrix.counts[i].tolist())
        )
        rows.append(f'<tr><th scope="row"><span title="{escape(name)}">{escape(name)}</span></th>{cells}</tr>')
    label = escape(_("Confusion matrix"))
    upright = " upright" if max(map(len, names)) <= 3 else ""
    table = f'<table class="confusion{upright}" role="grid" aria-label="{label}">{"".join(rows)}</table>'
    return f'{_hint(metrics, matrix, choice)}<div class="scroll">{table}</div>'


def _hint(metrics: Metrics, matrix: Matrix, choice: Choice | None) -> str:
    words = []
    if matrix.has_others:
        sentence = _("Shown are the {shown} of {all} classes that are confused most often.")
        words.append(sentence.format(shown=len(matrix.classes), all=len(metrics.classes)))
    if choice:
        words.append(_("A number opens what it counts; with the keyboard, arrow keys move from number to number."))
    return f'<p class="soft">{escape(" ".join(words))}</p>' if words else ""


def _kind(i: int, j: int, n: int, matrix: Matrix) -> str:
    """Whether a cell holds right or wrong ones; nothing for both, and for none."""
    if not n or i == j == len(matrix.classes):
        return ""
    return f' class="{"right" if i == j else "wrong"}"'


def _cell(i: int, j: int, n: int, names: list[str], matrix: Matrix, choice: Choice | None) -> str:
    listed = len(choice.cells.get((i, j), ())) if choice else 0
    if not listed:
        return str(n) if n else ""
    if matrix.has_others and i == j == len(matrix.classes):
        label = _("all others, named as one of them: {n}").format(n=n)
    elif i == j:
        label = _("{truth}, named right: {n}").format(n=n, truth=names[i])
    else:
        label = _("{truth}, named {named}: {n}").format(n=n, truth=names[i], named=names[j])
    note = "" if listed == n else _("{shown} of them are shown.").format(shown=listed)
    return (
        f'<button type="button" data-cell="{i},{j}" data-note="{escape(note)}" aria-label="{escape(label)}"'
        f' aria-haspopup="dialog">{n}</button>'
    )


def dialog() -> str:
    """Where a cell's pictures are shown; Escape closes it and goes back to the cell."""
    close = escape(_("Close"))
    return (
        '<dialog id="cell" aria-labelledby="cell-title"><form method="dialog">'
        f'<button aria-label="{close}">✕</button></form>'
        '<h3 id="cell-title"></h3><p class="soft"></p><div class="pictures"></div></dialog>'
    )


def store(predictions: Predictions, kept: Kept | None, choice: Choice) -> str:
    """What the cells open, for the script; pictures that the galleries show are taken from there."""
    shown = {*choice.mistakes, *choice.unsure}
    pictures = {}
    for picture in sorted({picture for some in choice.cells.values() for picture in some}):
        data = kept.pictures.get(picture) if kept and picture not in shown else None
        pictures[picture] = [predictions.paths[picture], said(predictions, picture), address(data) if data else ""]
    cells = {f"{i},{j}": some for (i, j), some in choice.cells.items()}
    text = json.dumps({"cells": cells, "pictures": pictures}, ensure_ascii=False).replace("<", "\\u003c")
    return f'<script type="application/json" id="store">{text}</script>'
