"""The panels of a k-means figure: clusters in a plane with the paths of their centers, and the inertia."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from discern.i18n import _
from discern.labs.drawing import PALETTE, fit_plane_projection

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def draw_clusters(
    ax: Axes, values: np.ndarray, features: Sequence[str], labels: np.ndarray | None, history: np.ndarray
) -> None:
    """Draw examples (N, F) in the color of their cluster, gray without labels, and the centers' paths (t, k, F)."""
    project, axis_labels = fit_plane_projection(values, features)
    x, y = project(values).T
    colors = "#bbbbbb" if labels is None else PALETTE[labels % len(PALETTE)]
    ax.scatter(x, y, s=14, c=colors, alpha=0.6, linewidths=0)
    for i in range(history.shape[1]):
        path = project(history[:, i])
        ax.plot(*path.T, "-", color="black", linewidth=1)
        ax.plot(*path[-1], "X", color=PALETTE[i % len(PALETTE)], markeredgecolor="black", markersize=12)
    ax.set(xlabel=axis_labels[0], ylabel=axis_labels[1])


def draw_inertia(ax: Axes, inertia: Sequence[float], done: int) -> None:
    """Draw the inertia up to ``done`` iterations, on axes that fit all of them."""
    from matplotlib.ticker import MaxNLocator

    margin = 0.05 * (inertia[0] - inertia[-1]) + 1e-9
    ax.plot(range(done + 1), inertia[: done + 1], "o-", color="black", markersize=4)
    ax.set(xlim=(-0.5, len(inertia) - 0.5), ylim=(inertia[-1] - margin, inertia[0] + margin))
    ax.set(xlabel=_("iteration"), ylabel=_("inertia"))
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
