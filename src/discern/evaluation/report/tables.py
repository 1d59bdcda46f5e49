"""The report's tables: metrics, classes, the network, the split, settings; and the findings of the audit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

import numpy as np

from discern.data.findings import Finding
from discern.evaluation.intervals import number_text
from discern.evaluation.metrics import Metrics, TaskMetrics
from discern.evaluation.regression import RegressionPredictions
from discern.evaluation.report.headline import DIGITS
from discern.evaluation.report.report_data import SplitSummary
from discern.i18n import _
from discern.models.summary import ModelSummary
from discern.pages import render_details, render_table
from discern.settings import format_setting

MAX_ROWS = 20  # of a table; the others are folded away
MAX_ERRORS = 24  # rows in the table of the largest errors
MAX_NAMES = 50  # of images below a finding
SPLITS = ("train", "validation", "test")


def render_summary(metrics: TaskMetrics) -> str:
    """Render every number of the whole."""
    table = metrics.summary_table(DIGITS) if isinstance(metrics, Metrics) else metrics.tables()[0]
    return render_table(table.columns, table.texts(), table.text_columns, MAX_ROWS)


def render_classes(metrics: Metrics) -> str:
    """Render a row a class; of many classes those with the lowest recall first."""
    table = metrics.class_table(DIGITS)
    rows = table.texts()
    if len(rows) > MAX_ROWS:
        recall = [row["recall"] for row in metrics.per_class().values()]
        rows = [rows[i] for i in sorted(range(len(rows)), key=recall.__getitem__)]
    return render_table(table.columns, rows, table.text_columns, MAX_ROWS)


def render_largest_errors(predictions: RegressionPredictions) -> str:
    """Render the rows whose prediction is furthest off."""
    errors = predictions.values - predictions.targets
    rows = [
        (predictions.paths[i], f"{predictions.targets[i]:.4g}", f"{predictions.values[i]:.4g}", f"{errors[i]:+.4g}")
        for i in np.argsort(-np.abs(errors), kind="stable")[:MAX_ERRORS].tolist()
    ]
    return render_table((_("row"), _("true"), _("predicted"), _("prediction error")), rows)


def render_search(search: Mapping[str, Any]) -> str:
    """Render the settings that were tried, the best first, each with its score over the folds."""
    message = _("Settings chosen by {cv}-fold cross-validation on the training split (n {n:,}).")
    rows = []
    for trial in search["candidates"]:
        settings = ", ".join(f"{name}={value}" for name, value in trial["settings"].items())
        rows.append((settings, number_text(trial["mean"], ".3f"), number_text(trial["std"], ".3f")))
    columns = (_("settings"), _("mean {score}").format(score=search["score"]), _("standard deviation"))
    return render_notes([message.format(cv=search["cv"], n=search["n"])]) + render_table(columns, rows, 1, MAX_ROWS)


def render_layers(summary: ModelSummary) -> str:
    """Render the network layer by layer, folded away."""
    table = summary.layer_table()
    rows = render_table(table.columns, table.texts(), table.text_columns)
    return render_details(_("Every layer"), f'<div class="layers">{rows}</div>') + render_notes(summary.totals())


def render_split(split: SplitSummary) -> str:
    """Render how many examples of each class are in each split, and the reasons."""
    rows = [(name, *(f"{counts.get(each, 0):,}" for each in SPLITS)) for name, counts in split.classes.items()]
    rows.append((_("total"), *(f"{split.counts.get(each, 0):,}" for each in SPLITS)))
    names = {
        "train": _("training"),
        "validation": _("validation"),
        "test": _("test"),
        "unlabeled": _("unlabeled"),
        "excluded": _("left out"),
    }
    order = list(names)
    reasons = [
        (names[each], reason.text(), f"{n:,}")
        for each, reason, n in sorted(split.reasons, key=lambda row: (order.index(row[0]), -row[2]))
    ]
    notes = [notice.text() for notice in split.notices]
    seed = _("Seed of the split: {seed}.").format(seed=split.seed)
    by_class = render_table((_("class"), *(names[each] for each in SPLITS)), rows, 1, MAX_ROWS)
    return render_notes([*notes, seed]) + by_class + render_table((_("split"), _("reason"), _("n")), reasons, 2)


def render_settings(settings: Mapping[str, Any]) -> str:
    """Render every resolved setting, folded away."""
    rows = [(name, format_setting(value)) for name, value in settings.items()]
    return render_details(_("All settings"), render_table((_("setting"), _("value")), rows, 2))


def render_findings(findings: Sequence[Finding]) -> str:
    """Render what the audit found, the worst first; the names of the images are folded away."""
    severities = {"error": _("error"), "warning": _("warning"), "note": _("note")}
    items = []
    for finding in findings:
        names = "".join(f"<li>{escape(path)}</li>" for path in finding.paths[:MAX_NAMES])
        more = _("and {n:,} more in audit.json").format(n=len(finding.paths) - MAX_NAMES)
        names += f"<li>{escape(more)}</li>" if len(finding.paths) > MAX_NAMES else ""
        listed = render_details(_("Show them"), f"<ul>{names}</ul>") if names else ""
        text = escape(finding.notice.text())
        items.append(f"<li><b>{escape(severities[finding.severity])}</b> {text}{listed}</li>")
    return f"<ul>{''.join(items)}</ul>" if items else render_notes([_("Nothing found.")])


def render_notes(notes: Sequence[str]) -> str:
    """Render sentences that stand back, a paragraph each."""
    return "".join(f'<p class="soft">{escape(note)}</p>' for note in notes)
