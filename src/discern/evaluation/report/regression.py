"""What the report tells of a run that learnt a number."""

from __future__ import annotations

import numpy as np

from discern.evaluation.regression import Estimates, RegressionMetrics
from discern.evaluation.report.svg import Chart, levels
from discern.evaluation.report.tables import tall
from discern.i18n import _
from discern.pages import table

MOST_DOTS = 2000  # in the chart: 80 kB of the page
WORST = 24  # rows in the table of the largest errors


def scores(metrics: RegressionMetrics) -> str:
    """Every score with its interval."""
    return table((_("n {n}").format(n=metrics.n), "", _("95 %")), metrics.rows())


def scatter(found: Estimates) -> str:
    """What was said against the truth; on the diagonal they agree."""
    some = np.unique(np.linspace(0, len(found) - 1, MOST_DOTS).round().astype(np.int64))
    low, high = (float(pick([pick(found.truth), pick(found.values)])) for pick in (np.min, np.max))
    grid = levels(low, high) if low < high else [low - 0.5, low + 0.5]
    ends = (grid[0], grid[-1])
    chart = Chart(_("said, by the true {target}").format(target=found.target), x=ends, y=ends)
    pairs = zip(found.truth[some].tolist(), found.values[some].tolist(), strict=True)
    marks = [chart.line([(end, end) for end in ends], "ideal"), *(chart.line([pair], "dot") for pair in pairs)]
    return chart.draw(marks, [(value, f"{value:g}") for value in ends], [("ideal", _("ideal"))])


def worst(found: Estimates) -> str:
    """The rows that it is furthest off."""
    off = found.values - found.truth
    rows = [
        (found.paths[i], f"{found.truth[i]:.4g}", f"{found.values[i]:.4g}", f"{off[i]:+.4g}")
        for i in np.argsort(-np.abs(off), kind="stable")[:WORST].tolist()
    ]
    return tall((_("row"), _("true"), _("said"), _("off by")), rows)
