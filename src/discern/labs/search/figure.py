"""Curves of the best value so far, Rastrigin's function as a surface, and tours."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from discern.figures import INK, PAPER
from discern.i18n import _
from discern.search.problems import Problem
from discern.search.race import RACERS
from discern.search.scipy_baselines import SCIPY_BASELINES

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MIN_VALUE = 1e-4  # drawn instead of what is smaller, on the logarithmic axis


def draw_curves(ax: Axes, problem: str, algorithms: Sequence[str], evaluations: np.ndarray, curves: np.ndarray) -> None:
    """Draw the median over the seeds, (A, seeds, E) -> (A, E); random search dotted, SciPy's algorithms dashed."""
    for name, values in zip(algorithms, curves, strict=True):
        style = ":" if name == "random" else "--" if name in SCIPY_BASELINES else "-"
        median = np.maximum(np.median(values, axis=0), MIN_VALUE)
        color = INK if name == "random" else f"C{RACERS.index(name)}"
        ax.plot(evaluations, median, style, color=color, label=name, linewidth=1.6)
    if problem != "tour":
        ax.set_yscale("log")
    ax.set(title=problem, xlabel=_("evaluations"), ylabel=_("best so far (median)"))


def draw_surface(ax: Axes, problem: Problem) -> None:
    """Draw a function of two numbers as colors, dark where it is small."""
    side = (np.arange(200) + 0.5) / 200
    keys = np.stack(np.meshgrid(side, side), axis=-1).reshape(-1, 2)
    low, high = (float(value) for value in problem.space.cells[0].values(np.array([0.0, 1.0])))
    heights = problem.value(problem.space.from_keys(keys)).reshape(200, 200)
    ax.imshow(heights, origin="lower", extent=(low, high, low, high), cmap="viridis", interpolation="bilinear")


def draw_tour(ax: Axes, cities: np.ndarray, order: Sequence[int] | np.ndarray) -> None:
    """Draw cities (n, 2) and the closed tour through them."""
    ax.plot(*cities[[*order, order[0]]].T, "-o", color="C0", markerfacecolor=PAPER)
    ax.set(aspect="equal", xticks=[], yticks=[])
