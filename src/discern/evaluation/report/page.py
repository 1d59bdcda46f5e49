"""The report as one HTML page that needs no network, in light and dark, in the reader's language."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from html import escape
from importlib.resources import files

from discern import pages
from discern.evaluation.metrics import Metrics
from discern.evaluation.predictions import Predictions
from discern.evaluation.regression import RegressionMetrics
from discern.evaluation.report import galleries, regression, tables
from discern.evaluation.report.choice import Choice, choose, shown
from discern.evaluation.report.curves import calibration, curves
from discern.evaluation.report.headline import baseline, headline
from discern.evaluation.report.matrix import confusion, dialog, store
from discern.evaluation.report.story import Story
from discern.i18n import _

SURE = 0.9  # rows of a table named with less are told as uncertain


def page(story: Story) -> str:
    """The report as one HTML page."""
    title = f"{story.data} · {story.model}"
    opening = f"<h1>{escape(title)}</h1><p>{escape(headline(story))}</p>"
    if story.remedy is not None:
        opening += f'<p class="remedy" role="note">{escape(story.remedy)}</p>'
    parts = [*_outcome(story), *_background(story)]
    links = "".join(f'<li><a href="#s{i}">{escape(name)}</a></li>' for i, (name, _body) in enumerate(parts))
    sections = "".join(
        f'<section id="s{i}"><h2>{escape(name)}</h2>{body}</section>\n' for i, (name, body) in enumerate(parts)
    )
    label = escape(_("Sections"))
    body = f'<main>{opening}<nav aria-label="{label}"><ul>{links}</ul></nav>\n{sections}</main>'
    here = files(__package__)
    style, script = (here.joinpath(name).read_text(encoding="utf-8") for name in ("report.css", "report.js"))
    if 'id="store"' not in body:
        script = ""
    return pages.page(title, body, style, script)


def _outcome(story: Story) -> Iterator[tuple[str, str]]:
    """(title, body) of each section about what came out."""
    if story.epochs:
        title = _("Curves") if story.metrics else _("Curves so far")
        yield title, f'<div class="charts">{curves(story.epochs)}</div>'
    if isinstance(story.metrics, RegressionMetrics):
        yield from _regression(story.metrics, story)
    elif story.metrics is not None:
        yield from _classification(story.metrics, story)
    if story.search:
        yield _("What the search tried"), tables.search(story.search)


def _regression(metrics: RegressionMetrics, story: Story) -> Iterator[tuple[str, str]]:
    yield _("Numbers"), regression.scores(metrics)
    if story.estimates is not None:
        yield _("Said and true"), regression.scatter(story.estimates)
        yield _("The largest errors"), regression.worst(story.estimates)


def _classification(metrics: Metrics, story: Story) -> Iterator[tuple[str, str]]:
    predictions, kept = story.predictions, story.kept
    matrix = shown(metrics.confusion)
    choice = choose(predictions, matrix) if predictions else None
    body = _soft(baseline(metrics)) + confusion(metrics, matrix, choice)
    if predictions is None or choice is None:
        lost = _("What was said of each one was not kept (predictions.npz): train again to see it here.")
        yield _("Confusion matrix"), body + _soft(lost)
    else:
        yield _("Confusion matrix"), body + dialog() + store(predictions, kept, choice)
        yield from _examples(predictions, choice, story)
    yield _("Numbers"), tables.numbers(metrics) + _soft(story.views)
    yield _("Classes"), tables.per_class(metrics)
    sentence = _("Calibration error {error:.3f} (n {n}): how far its probability is, on average, from its share right.")
    told = sentence.format(error=metrics.reliability.error, n=f"{metrics.n:,}")
    yield _("Calibration"), calibration(metrics.reliability) + _soft(told) + _soft(story.temperature)
    if kept and kept.samples.pictures:
        yield _("What training saw"), galleries.versions(kept.samples)


def _examples(predictions: Predictions, choice: Choice, story: Story) -> Iterator[tuple[str, str]]:
    """Single pictures, or rows: of these only those that are in doubt."""
    mistakes, unsure = choice.mistakes, choice.unsure
    show = partial(galleries.gallery, predictions, story.kept)
    if story.is_table:
        show = partial(galleries.lines, predictions)
        unsure = tuple(row for row in unsure if predictions.probabilities[row].max() < SURE)
    none = _soft(_("There is none: all were named right."))
    yield _("The surest mistakes"), show(mistakes) if mistakes else none
    if unsure:
        yield _("The least certain"), show(unsure)


def _background(story: Story) -> Iterator[tuple[str, str]]:
    """(title, body) of each section about where it came from."""
    yield _("What the audit found"), tables.findings(story.audit.get("findings", []))
    if story.layers:
        yield _("The network"), tables.layers(story.layers)
    yield _("How to make it again"), _again(story)
    if story.split:
        yield _("Split"), tables.split(story.split)


def _again(story: Story) -> str:
    config, machine = story.config, story.config["machine"]
    versions = {"discern": config["discern"], "Python": machine["python"], "torch": machine["torch"], **story.made_with}
    rows = [
        *versions.items(),
        (_("seed"), str(config["config"]["seed"])),
        (_("fingerprint of the data"), config["data"]["fingerprint"]),
        (_("machine"), ", ".join(str(machine[name]) for name in ("processor", "gpu") if name in machine)),
    ]
    if "seconds" in story.result:
        rows.append((_("seconds of training"), f"{story.result['seconds']:,.1f}"))
    notices = "".join(f"<li>{escape(text)}</li>" for text in config["notices"])
    moved, decided = story.moved(), escape(_("What was decided, and why"))
    return (
        f"<pre><code>{escape(story.command)}</code></pre>{_soft(moved) if moved else ''}"
        f'<div class="facts">{pages.table(("", ""), rows)}</div>'
        f"<h3>{decided}</h3><ul>{notices}</ul>"
        f"{tables.settings(config['config'] | {'machine': machine})}"
    )


def _soft(sentence: str) -> str:
    return f'<p class="soft">{escape(sentence)}</p>' if sentence else ""
