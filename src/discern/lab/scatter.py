"""Rows of numbers and pictures made of them, drawn."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from discern.i18n import _

if TYPE_CHECKING:
    from matplotlib.axes import Axes

COLOURS = np.array(
    ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#7f3c8d", "#8c564b", "#7f7f7f", "#bcbd22")
)
"""Okabe and Ito's, and some more: of clusters and classes, again from the first after the last."""


def plane(values: np.ndarray, features: Sequence[str]) -> tuple[Callable[[np.ndarray], np.ndarray], tuple[str, str]]:
    """How rows (..., F) become points (..., 2) to draw, and what to write at the axes.

    Two columns are drawn as they are; of more, the plane in which ``values`` (N, F) spread most.
    """
    if len(features) == 2:
        return (lambda rows: rows), (features[0], features[1])
    middle = values.mean(axis=0)
    directions = np.linalg.svd(values - middle, full_matrices=False)[2][:2]  # (2 or fewer, F)
    padded = np.zeros((2, values.shape[1]))
    padded[: len(directions)] = directions
    return (lambda rows: (rows - middle) @ padded.T), (_("first principal component"), _("second principal component"))


def show_pictures(
    ax: Axes, pictures: np.ndarray, titles: Sequence[str], cmap: str = "gray_r", columns: int = 5
) -> None:
    """Pictures (n, H, W) in rows of ``columns``, each under its title; colours with a middle have it at 0."""
    from matplotlib.patches import Rectangle

    count, height, width = pictures.shape
    high, reach = 1.4 * height, float(np.abs(pictures).max()) or 1.0
    low = None if cmap == "gray_r" else -reach
    for i, (picture, title) in enumerate(zip(pictures, titles, strict=True)):
        x, y = i % columns * 1.15 * width, i // columns * high
        ax.imshow(picture, cmap=cmap, vmin=low, vmax=reach, extent=(x, x + width, y + height, y))
        ax.add_patch(Rectangle((x, y), width, height, fill=False, edgecolor="#bbbbbb", linewidth=0.6))
        ax.text(x + width / 2, y - 0.05 * height, title, ha="center", va="bottom", fontsize=9)
    across = min(columns, count)
    bottom = -(-count // columns) * high - 0.4 * height
    ax.set(xlim=(-0.05 * width, (1.15 * across - 0.1) * width), ylim=(bottom, -0.3 * height))
    ax.set_aspect("equal")
    ax.set_axis_off()
