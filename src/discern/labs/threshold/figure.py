"""Two classes on a line, with their thresholds and the errors of every other threshold."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from discern.i18n import _
from discern.labs.threshold.rules import Pair

if TYPE_CHECKING:
    from matplotlib.axes import Axes

COLORS = ("tab:blue", "tab:red")
LINES = (("-", "black"), ("--", "tab:green"), ("-.", "tab:purple"), (":", "tab:orange"))


def draw_thresholds(ax: Axes, pair: Pair) -> None:
    """Draw values, LDA's Gaussians and every threshold."""
    x = np.linspace(pair.candidates[0] - pair.deviation, pair.candidates[-1] + pair.deviation, 200)
    for i, (name, values) in enumerate(((pair.low, pair.low_values), (pair.high, pair.high_values))):
        ax.scatter(values, np.full(len(values), -0.08 - 0.1 * i), color=COLORS[i], label=name, s=30, alpha=0.8)
        if pair.deviation:
            prior = len(values) / max(len(pair.low_values), len(pair.high_values))  # so they cross at LDA's threshold
            density = prior * np.exp(-0.5 * np.square((x - values.mean()) / pair.deviation))
            ax.fill_between(x, density, color=COLORS[i], alpha=0.15, linewidth=0)
    for rule, (dash, color) in zip(pair.rules, LINES[-len(pair.rules) :], strict=True):
        label = f"{rule.name} {rule.threshold:.4g} ({rule.errors}/{pair.n})"
        ax.axvline(rule.threshold, linestyle=dash, color=color, label=label, linewidth=1.8)
    ax.set(title=pair.title, yticks=[], ylim=(-0.28, 1.75))
    ax.legend(fontsize=8, loc="upper left", ncols=2)


def draw_errors(ax: Axes, pair: Pair, quantity: str) -> None:
    """Draw how many values each possible threshold gets wrong."""
    edges = np.union1d(np.union1d(pair.low_values, pair.high_values), pair.candidates[[0, -1]])
    ax.stairs(pair.errors, edges, baseline=None, color="black", linewidth=1.5)
    ax.set(xlim=pair.candidates[[0, -1]], ylim=(-0.2, 1.1 * pair.errors.max()), xlabel=quantity, ylabel=_("errors"))
    ax.yaxis.get_major_locator().set_params(integer=True)  # type: ignore[call-arg]
