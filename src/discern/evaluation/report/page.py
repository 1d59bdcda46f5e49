"""The report as one HTML page that needs no network, in light and dark, in the reader's language."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from html import escape
from importlib.resources import files

from discern.evaluation.metrics import Metrics
from discern.evaluation.predictions import Predictions
from discern.evaluation.regression import RegressionPredictions
from discern.evaluation.report import tables
from discern.evaluation.report.charts import draw_curves, draw_reliability, draw_scatter
from discern.evaluation.report.galleries import render_examples, render_gallery, render_rows
from discern.evaluation.report.headline import DIGITS, write_headline
from discern.evaluation.report.matrix import render_dialog, render_matrix, render_store
from discern.evaluation.report.report_data import ReportData
from discern.evaluation.report.selection import Selection, condense_matrix, select_images
from discern.evaluation.report.tables import render_notes
from discern.i18n import _
from discern.pages import render_page, render_table

Section = tuple[str, str]  # title, body


def render_report(report: ReportData) -> str:
    """Return the report as one HTML page."""
    title = f"{report.data} · {report.model}"
    opening = f"<h1>{escape(title)}</h1><p>{escape(write_headline(report))}</p>"
    opening += "".join(f'<p class="alert" role="note">{escape(alert.text())}</p>' for alert in report.alerts)
    overview, others = list(_render_overview(report)), [*_render_outcome(report), *_render_background(report)]
    links = "".join(f'<li><a href="#s{i}">{escape(name)}</a></li>' for i, (name, _body) in enumerate(overview + others))
    sections = [
        f'<section id="s{i}"><h2>{escape(name)}</h2>{body}</section>\n'
        for i, (name, body) in enumerate(overview + others)
    ]
    label, n = escape(_("Sections")), len(overview)
    navigation = f'<nav aria-label="{label}"><ul>{links}</ul></nav>\n'
    body = (
        f'<main>{opening}{navigation}<div class="overview">{"".join(sections[:n])}</div>{"".join(sections[n:])}</main>'
    )
    style, script = (files(__package__).joinpath(name).read_text("utf-8") for name in ("report.css", "report.js"))
    return render_page(title, body, style, script if 'id="store"' in body else "")


def _render_overview(report: ReportData) -> Iterator[Section]:
    """Render what stands side by side where the screen is wide: curves, and the outcome at a glance."""
    if report.epochs:
        title = _("Learning curves") if report.metrics else _("Learning curves so far")
        yield title, f'<div class="charts">{draw_curves(report.epochs)}</div>'
    metrics, predictions = report.metrics, report.predictions
    if isinstance(metrics, Metrics):
        matrix, selection = condense_matrix(metrics.confusion), _select(report)
        body = render_matrix(metrics, matrix, selection) + render_notes([metrics.baseline(DIGITS)])
        if isinstance(predictions, Predictions) and selection:
            body += render_dialog() + render_store(predictions, report.images, selection)
        else:
            body += render_notes([_("The predictions are not stored (predictions.npz): train again to see them here.")])
        yield _("Confusion matrix"), body
    elif isinstance(predictions, RegressionPredictions):
        yield _("Predicted against true values"), draw_scatter(predictions)


def _select(report: ReportData) -> Selection | None:
    if not isinstance(report.predictions, Predictions) or not isinstance(report.metrics, Metrics):
        return None
    return select_images(report.predictions, condense_matrix(report.metrics.confusion))


def _render_outcome(report: ReportData) -> Iterator[Section]:
    """Render single examples and every number."""
    selection, metrics, predictions = _select(report), report.metrics, report.predictions
    if isinstance(predictions, Predictions) and selection:
        show = partial(render_gallery, predictions, report.images)
        if report.unit == "rows":
            show = partial(render_rows, predictions)
        none = render_notes([_("None: every prediction is correct.")])
        yield _("Most confident errors"), show(selection.errors) if selection.errors else none
        if selection.unsure:
            yield _("Least confident predictions"), show(selection.unsure)
    elif isinstance(predictions, RegressionPredictions):
        yield _("Largest errors"), tables.render_largest_errors(predictions)
    remarks = render_notes([remark.text() for remark in report.remarks])
    if metrics:
        yield _("Metrics"), tables.render_summary(metrics)
    if isinstance(metrics, Metrics):
        yield _("Per-class metrics"), tables.render_classes(metrics)
        reliability = metrics.reliability
        notes = render_notes(reliability.sentences())
        yield _("Calibration"), draw_reliability(reliability) + notes + remarks
    if report.images and report.images.examples.images:
        yield _("Augmented training examples"), render_examples(report.images.examples)
    if report.search:
        yield _("Hyper-parameter search"), tables.render_search(report.search)


def _render_background(report: ReportData) -> Iterator[Section]:
    """Render where it came from, and how to have it again."""
    yield _("Data audit"), tables.render_findings(report.findings)
    if report.layers:
        yield _("Network"), tables.render_layers(report.layers)
    provenance = render_table(("", ""), list(report.provenance.items()), 2)
    yield _("Reproduce this run"), f"<pre><code>{escape(report.command)}</code></pre>{provenance}"
    choices = "".join(f"<li>{escape(choice.text())}</li>" for choice in report.choices)
    listed = f"<ul>{choices}</ul>" if choices else ""
    yield _("Automatic choices"), listed + tables.render_settings(report.settings)
    yield _("Split"), tables.render_split(report.split)
