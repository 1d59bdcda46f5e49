"""What was asked of a run and what came out, in a sentence."""

from __future__ import annotations

from discern.evaluation.metrics import Metrics
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
    sentence = _(
        "{model} learnt from {train} {things} to tell {classes} classes of {data} apart: of {n} {part} {things} it "
        "names {right} right, {top1:.1%} ({low:.1%} to {high:.1%} at 95 %)."
    )
    low, high = m.interval
    right = f"{int(m.confusion.trace()):,}"
    return sentence.format(**facts, n=f"{m.n:,}", right=right, top1=m.top1, low=low, high=high)


def baseline(metrics: Metrics) -> str:
    """What naming the commonest class always would come to."""
    support = metrics.confusion.sum(axis=1)
    name, share = metrics.classes[int(support.argmax())], support.max() / max(1, support.sum())
    return _("Naming all of them {name} would be right in {share:.1%}.").format(name=name, share=share)
