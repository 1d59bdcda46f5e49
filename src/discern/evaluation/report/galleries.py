"""Examples on the page: confident errors, unsure predictions, and training images as the network sees them."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from html import escape

from discern.evaluation.predictions import Predictions
from discern.evaluation.report.stored_images import AugmentedExamples, StoredImages
from discern.evaluation.report.tables import MAX_ROWS
from discern.i18n import _
from discern.pages import render_table, shorten_middle

NAME_LENGTH = 18  # characters of a file name: one line below a thumbnail


def to_data_url(data: bytes) -> str:
    """Return an image as a data address, which needs no request; what is tiny is a PNG."""
    kind = "png" if data.startswith(b"\x89PNG") else "jpeg"
    return f"data:image/{kind};base64,{base64.b64encode(data).decode('ascii')}"


def describe_prediction(predictions: Predictions, image: int) -> str:
    """Say what an image is and what was predicted with which probability; of a correct one, what came next."""
    (first, p), (second, q) = _top_two(predictions, image)
    truth = predictions.classes[int(predictions.labels[image])]
    if first == truth:
        return _("{truth}, correct ({p:.3f}; next {second} {q:.3f})").format(truth=truth, p=p, second=second, q=q)
    return _("{truth}, predicted {predicted} ({p:.3f})").format(truth=truth, predicted=first, p=p)


def _top_two(predictions: Predictions, index: int) -> list[tuple[str, float]]:
    """Return the two most probable classes and their probabilities."""
    probabilities = predictions.probabilities[index]
    order = (-probabilities).argsort(kind="stable")[:2].tolist()
    return [(predictions.classes[label], float(probabilities[label])) for label in order]


def render_gallery(predictions: Predictions, stored: StoredImages | None, images: Sequence[int]) -> str:
    """Render images with their predictions; where an image is not stored, its name alone."""
    figures = []
    for image in images:
        path, words = predictions.paths[image], escape(describe_prediction(predictions, image))
        data = stored.images.get(image) if stored else None
        element = f'<img data-image="{image}" src="{to_data_url(data)}" alt="{escape(path)}">' if data else ""
        name = f'<span class="soft" title="{escape(path)}">{escape(shorten_middle(path, NAME_LENGTH))}</span>'
        figures.append(f"<figure>{element}<figcaption>{words}{name}</figcaption></figure>")
    more = escape(_("Show all {n}").format(n=len(images)))
    toggle = f'<label class="more"><input type="checkbox"> {more}</label>' if len(images) > 6 else ""
    return f'<div class="gallery"><div class="images">{"".join(figures)}</div>{toggle}</div>'


def render_rows(predictions: Predictions, indices: Sequence[int]) -> str:
    """Render rows of a table of numbers, which have no images, with their predictions."""
    rows = []
    for index in indices:
        (predicted, p), (second, q) = _top_two(predictions, index)
        truth = predictions.classes[int(predictions.labels[index])]
        rows.append((predictions.paths[index], truth, predicted, f"{p:.3f}", second, f"{q:.3f}"))
    columns = (_("row"), _("true"), _("predicted"), _("probability"), _("next"), _("probability"))
    return render_table(columns, rows, max_rows=MAX_ROWS)


def render_examples(examples: AugmentedExamples) -> str:
    """Render a row a training image: the original, then versions of it."""
    rows = []
    for name, images in zip(examples.classes, examples.images, strict=True):
        elements = []
        for i, data in enumerate(images):
            words = _("{name}, augmented") if i else _("{name}, original")
            elements.append(f'<img src="{to_data_url(data)}" alt="{escape(words.format(name=name))}">')
        rows.append(f'<div class="versions">{"".join(elements)}<span class="soft">{escape(name)}</span></div>')
    words = escape(_("First the original, then as the network sees it in one epoch and another."))
    return f'<p class="soft">{words}</p>{"".join(rows)}'
