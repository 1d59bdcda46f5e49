"""What was asked of a run and what came out, in a sentence."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from discern.evaluation.metrics import Metrics
from discern.evaluation.regression import RegressionMetrics
from discern.evaluation.report.story import Story
from discern.i18n import _


def headline(story: Story) -> str:
    """One sentence: what was asked and what came out, of how many, and how sure that is."""
    facts = {
        "model": story.model,
        "data": story.data,
        "classes": len(story.config["classes"]),
        "train": f"{story.split.get('counts', {}).get('train', 0):,}",
        "things": _("rows") if story.is_table else _("pictures"),
        "part": {"test": _("test"), "validation": _("validation")}[story.part],
    }
    m = story.metrics
    if m is None:
        sentence = _(
            "{model} was to learn from {train} {things} to tell {classes} classes of {data} apart; training stopped "
            "after {done} of {planned} epochs."
        )
        return sentence.format(**facts, done=len(story.epochs), planned=story.planned)
    if isinstance(m, RegressionMetrics):
        return _regression(m, facts)
    sentence = _(
        "{model} learnt from {train} {things} to tell {classes} classes of {data} apart: of {n} {part} {things} it "
        "names {right} right, {top1:.1%} ({low:.1%} to {high:.1%} at 95 %)."
    )
    low, high = m.interval
    right = f"{int(m.confusion.trace()):,}"
    return sentence.format(**facts, n=f"{m.n:,}", right=right, top1=m.top1, low=low, high=high)


def _regression(m: RegressionMetrics, facts: Mapping[str, Any]) -> str:
    """As `headline`, of a number."""
    bounds = m.intervals["r2"]
    sentence = _(
        "{model} learnt from {train} {things} of {data} to say {target}: on {n} {part} {things} it is off by {mae:.4g} "
        "on average and explains {r2:.3f} of the variance (R2, {low:.3f} to {high:.3f} at 95 %)."
    )
    if bounds is None:
        sentence = _(
            "{model} learnt from {train} {things} of {data} to say {target}: on {n} {part} {things} it is off by "
            "{mae:.4g} on average and explains {r2:.3f} of the variance (R2; too few for an interval)."
        )
    low, high = bounds or (0.0, 0.0)
    return sentence.format(**facts, target=m.target, n=f"{m.n:,}", mae=m.mae, r2=m.r2, low=low, high=high)


def baseline(metrics: Metrics) -> str:
    """What naming the commonest class always would come to."""
    support = metrics.confusion.sum(axis=1)
    name, share = metrics.classes[int(support.argmax())], support.max() / max(1, support.sum())
    return _("Naming all of them {name} would be right in {share:.1%}.").format(name=name, share=share)
