"""Learning curves and the reliability diagram, as charts of the page."""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence
from typing import Any

from discern.evaluation.calibration import Reliability
from discern.evaluation.report.svg import Chart, levels
from discern.i18n import _


def curves(epochs: Sequence[Mapping[str, Any]]) -> str:
    """Accuracy and loss over the epochs, training and validation together, a chart each."""
    if not epochs:
        return ""
    return "".join(
        _curve(title, {part: [record[part][key] for record in epochs] for part in ("train", "validation")}, top)
        for title, key, top in ((_("accuracy by epoch"), "top1", 1.0), (_("loss by epoch"), "loss", None))
    )


def _curve(title: str, lines: Mapping[str, Sequence[float]], top: float | None) -> str:
    values = [value for line in lines.values() for value in line]
    # One wild epoch must not flatten the rest of the chart.
    high = top or min(max(values), 1.5 * max(*lines["train"], statistics.median(lines["validation"]))) or 1.0
    low = 0.0 if top is None else min(values)
    known = math.isfinite(low) and math.isfinite(high) and low < high
    grid = levels(low, high) if known else [0.0, 1.0]
    n = len(lines["train"])
    chart = Chart(title, x=(1, max(2, n)), y=(grid[0], grid[-1]))
    marks = [chart.line(enumerate(line, 1), part) for part, line in lines.items()]
    ticks = [(float(epoch), str(epoch)) for epoch in sorted({1, (n + 1) // 2, n})]
    return chart.draw(marks, ticks, [("train", _("training")), ("validation", _("validation"))])


def calibration(found: Reliability) -> str:
    """How often the classifier was right by how sure it was: a bar a bin, its interval, and the diagonal."""
    title = _("share right by the probability of the class named")
    chart = Chart(title, x=(0.0, 1.0), y=(0.0, 1.0))
    words = _("{low:.2f} to {high:.2f}: {accuracy:.1%} of {n} named right")
    marks = [chart.line([(0, 0), (1, 1)], "ideal")]
    bins = zip(found.edges, found.edges[1:], found.count, found.accuracy, found.intervals(), strict=False)
    for low, high, n, accuracy, interval in bins:
        if interval is not None:
            told = words.format(low=low, high=high, n=n, accuracy=accuracy)
            marks.append(chart.bar(low, high, accuracy, "bin", told))
            marks.append(chart.line([((low + high) / 2, bound) for bound in interval], "interval"))
    return chart.draw(marks, [(0.0, "0"), (0.5, "0.5"), (1.0, "1")], [("bin", _("this run")), ("ideal", _("ideal"))])
