"""Paths on the contours of a surface, and their losses."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from discern.figures import INK
from discern.i18n import _
from discern.labs.optimizer.steps import Path
from discern.labs.optimizer.surfaces import Surface

if TYPE_CHECKING:
    from matplotlib.axes import Axes

GRID = 101  # points a side of the contours
LEVELS = 18
# Color (Okabe and Ito's, distinct for the color-blind, too) and line of each optimizer.
STYLES = {
    "gd": (INK, "-"),
    "sgd": ("#8a8a8a", "-"),
    "momentum": ("#d55e00", "-"),
    "nesterov": ("#e69f00", "--"),
    "rmsprop": ("#0072b2", "-"),
    "rmsprop-torch": ("#56b4e9", "--"),
    "adam": ("#009e73", "-"),
    "adamw": ("#cc79a7", "--"),
}


def draw_paths(ax: Axes, surface: Surface, paths: Sequence[Path], step: int) -> None:
    """Draw the paths up to a step on the contours, with the start and the minima."""
    _draw_contours(ax, surface, paths[0].points[0])
    for path in paths:
        color, line = STYLES[path.name]
        x, y = path.points[: step + 1].T
        ax.plot(x, y, line, color=color, linewidth=1.4)
        ax.plot(x[-1], y[-1], "o", color=color, markersize=5)


def draw_losses(ax: Axes, surface: Surface, paths: Sequence[Path], step: int, steps: int) -> None:
    """Draw the losses above the minimum up to a step, on axes that fit all ``steps``."""
    minimum = min(surface.value_at(np.array(point)) for point in surface.minima)
    for path in paths:
        color, line = STYLES[path.name]
        above = np.maximum(path.values - minimum, 1e-12)  # a logarithm has no 0
        ax.plot(above[: step + 1], line, color=color, linewidth=1.4, label=path.name)
    losses = np.concatenate([path.values for path in paths]) - minimum
    top = max(10 * (surface.value_at(paths[0].points[0]) - minimum), 1e-3)
    ax.set(xlim=(0, max(1, steps)), ylim=(max(float(losses.min()), 1e-6) / 2, top), yscale="log")
    ax.set(xlabel=_("step"), ylabel=_("loss above the minimum"), title=_("step {t}").format(t=step))
    ax.minorticks_off()
    ax.legend(fontsize=8, loc="upper left", bbox_to_anchor=(1, 1))


def _draw_contours(ax: Axes, surface: Surface, start: np.ndarray) -> None:
    from_x, to_x, from_y, to_y = surface.box
    x, y = np.meshgrid(np.linspace(from_x, to_x, GRID), np.linspace(from_y, to_y, GRID))
    z = surface.value(x, y)
    low = min(surface.value_at(np.array(minimum)) for minimum in surface.minima)
    levels = low + (z.max() - low) * np.linspace(0, 1, LEVELS + 1)[1:] ** 2.5  # closer where it is flat
    ax.contour(x, y, z, levels, cmap="Greys_r", linewidths=0.6, alpha=0.8)
    ax.plot(*start, "^", color=INK, markersize=8)
    minima = np.array(surface.minima).T
    ax.plot(*minima, "*", color="crimson", markerfacecolor="none", markersize=14, zorder=3)  # paths show through
    ax.set(xlim=(from_x, to_x), ylim=(from_y, to_y), xlabel="x", ylabel="y", title=surface.formula)
