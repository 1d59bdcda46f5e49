"""Drawings that several labs share: matrices with their numbers, points in a plane, rows of images."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from discern.i18n import _

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MAX_NUMBERS = 400  # cells: in smaller ones numbers are not readable
# Of clusters and classes, from the first again after the last: Okabe and Ito's colors for the color-blind, and more.
PALETTE = np.array(
    ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#7f3c8d", "#8c564b", "#7f7f7f", "#bcbd22")
)


def draw_matrix(
    ax: Axes,
    values: np.ndarray,
    title: str,
    framed: Sequence[tuple[int, int]] = (),
    cmap: str = "Blues",
    limits: tuple[float, float] | None = None,
) -> None:
    """Draw values (H, W) as colored cells with their numbers in them; NaN leaves a cell empty.

    ``framed`` are cells (row, column), ``limits`` the values at the two ends of the colors, by default of ``values``.
    """
    from matplotlib.patches import Rectangle

    low, high = limits or (float(np.nanmin(values)), float(np.nanmax(values)))
    image = ax.imshow(values, cmap=cmap, vmin=low, vmax=high if high > low else low + 1)
    ax.set_title(title, fontsize=10)
    ax.set(xticks=[], yticks=[])
    if values.size <= MAX_NUMBERS:
        for row, column in np.argwhere(np.isfinite(values)):
            value = values[row, column]
            red, green, blue, _alpha = image.cmap(image.norm(value))
            ink = "black" if 0.299 * red + 0.587 * green + 0.114 * blue > 0.5 else "white"
            ax.text(column, row, f"{value:.3g}", ha="center", va="center", fontsize=8, color=ink)
    for row, column in framed:
        ax.add_patch(Rectangle((column - 0.5, row - 0.5), 1, 1, fill=False, edgecolor="crimson", linewidth=2))


def fit_plane_projection(
    values: np.ndarray, features: Sequence[str]
) -> tuple[Callable[[np.ndarray], np.ndarray], tuple[str, str]]:
    """Return a function that maps (..., F) to points (..., 2) to draw, and the labels of the two axes.

    Two features are drawn as they are; more are projected on the first two principal components of ``values`` (N, F).
    """
    if len(features) == 2:
        return (lambda vectors: vectors), (features[0], features[1])
    mean = values.mean(axis=0)
    directions = np.linalg.svd(values - mean, full_matrices=False)[2][:2]  # (2 or fewer, F)
    padded = np.zeros((2, values.shape[1]))
    padded[: len(directions)] = directions
    names = _("first principal component"), _("second principal component")
    return (lambda vectors: (vectors - mean) @ padded.T), names


def draw_images(ax: Axes, images: np.ndarray, titles: Sequence[str], cmap: str = "gray_r", columns: int = 5) -> None:
    """Draw images (n, H, W) in rows of ``columns``, each under its title; diverging colors have their middle at 0."""
    from matplotlib.patches import Rectangle

    count, height, width = images.shape
    pitch, limit = 1.4 * height, float(np.abs(images).max()) or 1.0
    low = None if cmap == "gray_r" else -limit
    for i, (image, title) in enumerate(zip(images, titles, strict=True)):
        x, y = i % columns * 1.15 * width, i // columns * pitch
        ax.imshow(image, cmap=cmap, vmin=low, vmax=limit, extent=(x, x + width, y + height, y))
        ax.add_patch(Rectangle((x, y), width, height, fill=False, edgecolor="#bbbbbb", linewidth=0.6))
        ax.text(x + width / 2, y - 0.05 * height, title, ha="center", va="bottom", fontsize=9)
    across = min(columns, count)
    bottom = -(-count // columns) * pitch - 0.4 * height
    ax.set(xlim=(-0.05 * width, (1.15 * across - 0.1) * width), ylim=(bottom, -0.3 * height))
    ax.set_aspect("equal")
    ax.set_axis_off()
