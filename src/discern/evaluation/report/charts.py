"""The charts of the page: learning curves, the reliability diagram, predicted against true numbers."""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from discern.evaluation.calibration import Reliability
from discern.evaluation.regression import RegressionPredictions
from discern.evaluation.report.svg import Chart, choose_ticks
from discern.i18n import _

MAX_DOTS = 2000  # of the scatter chart: 80 kB of the page


def draw_curves(epochs: Sequence[Mapping[str, Any]]) -> str:
    """Draw accuracy and loss over the epochs, training and validation together, a chart each."""
    if not epochs:
        return ""
    return "".join(
        _draw_curve(title, {split: [record[split][key] for record in epochs] for split in ("train", "validation")}, top)
        for title, key, top in ((_("accuracy by epoch"), "top1", 1.0), (_("loss by epoch"), "loss", None))
    )


def _draw_curve(title: str, lines: Mapping[str, Sequence[float]], top: float | None) -> str:
    values = [value for line in lines.values() for value in line]
    # One wild epoch must not flatten the rest of the chart.
    high = top or min(max(values), 1.5 * max(*lines["train"], statistics.median(lines["validation"]))) or 1.0
    low = 0.0 if top is None else min(values)
    drawable = math.isfinite(low) and math.isfinite(high) and low < high
    grid = choose_ticks(low, high) if drawable else [0.0, 1.0]
    n = len(lines["train"])
    chart = Chart(title, x=(1, max(2, n)), y=(grid[0], grid[-1]))
    marks = [chart.draw_line(enumerate(line, 1), split) for split, line in lines.items()]
    ticks = [(float(epoch), str(epoch)) for epoch in sorted({1, (n + 1) // 2, n})]
    return chart.draw(marks, ticks, [("train", _("training")), ("validation", _("validation"))])


def draw_reliability(reliability: Reliability) -> str:
    """Draw accuracy by the probability of the predicted class: a bar a bin, its interval, and the diagonal."""
    chart = Chart(_("accuracy by predicted probability"), x=(0.0, 1.0), y=(0.0, 1.0))
    message = _("probability {low:.2f}–{high:.2f}: accuracy {accuracy:.3f} (n {n})")
    marks = [chart.draw_line([(0, 0), (1, 1)], "ideal")]
    edges, intervals = reliability.edges, reliability.intervals()
    bins = zip(edges, edges[1:], reliability.count, reliability.accuracy, intervals, strict=False)
    for low, high, n, accuracy, interval in bins:
        if interval is not None:
            words = message.format(low=low, high=high, n=n, accuracy=accuracy)
            marks.append(chart.draw_bar(low, high, accuracy, "bin", words))
            marks.append(chart.draw_line([((low + high) / 2, bound) for bound in interval], "interval"))
    legend = [("bin", _("this run")), ("ideal", _("ideal"))]
    return chart.draw(marks, [(0.0, "0"), (0.5, "0.5"), (1.0, "1")], legend)


def draw_scatter(predictions: RegressionPredictions) -> str:
    """Draw predicted against true values; on the diagonal they agree."""
    indices = np.unique(np.linspace(0, len(predictions) - 1, MAX_DOTS).round().astype(np.int64))
    both = np.stack([predictions.targets, predictions.values])
    low, high = float(both.min()), float(both.max())
    grid = choose_ticks(low, high) if low < high else [low - 0.5, low + 0.5]
    ends = (grid[0], grid[-1])
    title = _("predicted by true {target}").format(target=predictions.target)
    chart = Chart(title, x=ends, y=ends)
    dots = (chart.draw_line([(true, value)], "dot") for true, value in both[:, indices].T.tolist())
    marks = [chart.draw_line([(end, end) for end in ends], "ideal"), *dots]
    return chart.draw(marks, [(value, f"{value:g}") for value in ends], [("ideal", _("ideal"))])
