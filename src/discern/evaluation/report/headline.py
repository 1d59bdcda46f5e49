"""The outcome of a run in a sentence."""

from __future__ import annotations

from discern.evaluation.metrics import Metrics, count_examples
from discern.evaluation.report.report_data import ReportData
from discern.i18n import _

DIGITS = 3  # of every score on the page


def write_headline(report: ReportData) -> str:
    """Say what was trained on what, and what came out: on how many examples, and how sure that is."""
    facts = {
        "model": report.model,
        "train": count_examples(report.split.counts.get("train", 0), report.unit).text(),
        "data": report.data,
        "classes": len(report.outputs),
        "target": ", ".join(report.outputs),
    }
    if report.metrics is None:
        message = _("{model} on {train} of {data}: training stopped after {done} of {planned} epochs.")
        return message.format(**facts, done=len(report.epochs), planned=report.planned)
    message = _("{model}, trained on {train} of {data} to predict {target}: {outcome}.")
    if isinstance(report.metrics, Metrics):
        message = _("{model}, trained on {train} of {data} ({classes} classes): {outcome}.")
    return message.format(**facts, outcome=report.metrics.headline(DIGITS))
