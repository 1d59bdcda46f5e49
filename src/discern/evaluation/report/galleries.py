"""Examples on the page: the surest mistakes, the least certain, and training pictures as the network sees them."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from html import escape

from discern.evaluation.predictions import Predictions
from discern.evaluation.report.kept import Kept, Samples
from discern.evaluation.report.tables import tall
from discern.i18n import _


def address(data: bytes) -> str:
    """A picture as a data address, which asks nobody for it; what is tiny is a PNG."""
    kind = "png" if data.startswith(b"\x89PNG") else "jpeg"
    return f"data:image/{kind};base64,{base64.b64encode(data).decode('ascii')}"


def said(predictions: Predictions, picture: int) -> str:
    """What a picture is and was named, and how surely; of a right one, what came next."""
    first, second = _two(predictions, picture)
    truth = predictions.classes[int(predictions.labels[picture])]
    if first[0] == truth:
        sentence = _("{truth}, named right ({p:.1%}; next {second} {q:.1%})")
        return sentence.format(truth=truth, p=first[1], second=second[0], q=second[1])
    return _("{truth}, named {named} ({p:.1%})").format(truth=truth, named=first[0], p=first[1])


def _two(predictions: Predictions, row: int) -> list[tuple[str, float]]:
    """The two most probable classes and their probabilities."""
    probabilities = predictions.probabilities[row]
    order = (-probabilities).argsort(kind="stable")[:2].tolist()
    return [(predictions.classes[label], float(probabilities[label])) for label in order]


def gallery(predictions: Predictions, kept: Kept | None, pictures: Sequence[int]) -> str:
    """Pictures with what was said of them; where a picture was not kept, its name alone."""
    figures = []
    for picture in pictures:
        name, words = escape(predictions.paths[picture]), escape(said(predictions, picture))
        data = kept.pictures.get(picture) if kept else None
        image = f'<img data-row="{picture}" src="{address(data)}" alt="{name}">' if data else ""
        figures.append(f'<figure>{image}<figcaption>{words}<span class="soft">{name}</span></figcaption></figure>')
    return f'<div class="pictures">{"".join(figures)}</div>'


def lines(predictions: Predictions, rows: Sequence[int]) -> str:
    """Rows of a table of numbers, which have no pictures, with what was said of them."""
    told = []
    for row in rows:
        (named, p), (second, q) = _two(predictions, row)
        truth = predictions.classes[int(predictions.labels[row])]
        told.append((predictions.paths[row], truth, named, f"{p:.1%}", second, f"{q:.1%}"))
    return tall((_("row"), _("true"), _("named"), _("probability"), _("next"), _("probability")), told)


def versions(samples: Samples) -> str:
    """A row a training picture: as it is, then as the network sees it."""
    rows = []
    for name, pictures in zip(samples.classes, samples.pictures, strict=True):
        images = []
        for i, data in enumerate(pictures):
            words = _("{name}, as it is") if i == 0 else _("{name}, changed at random")
            images.append(f'<img src="{address(data)}" alt="{escape(words.format(name=name))}">')
        rows.append(f'<div class="versions">{"".join(images)}<span class="soft">{escape(name)}</span></div>')
    told = escape(_("Left the picture as it is, then as the network sees it in one epoch and another."))
    return f'<p class="soft">{told}</p>{"".join(rows)}'
