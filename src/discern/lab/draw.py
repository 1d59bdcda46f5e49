"""Drawings that several labs share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MOST_WRITTEN = 400  # cells: more than these cannot be read as numbers


def show_matrix(
    ax: Axes,
    values: np.ndarray,
    title: str,
    marked: Sequence[tuple[int, int]] = (),
    cmap: str = "Blues",
    limits: tuple[float, float] | None = None,
) -> None:
    """A matrix as coloured cells with their numbers in them.

    Parameters
    ----------
    values : numpy.ndarray
        (H, W); a cell that is not a number stays empty.
    marked : sequence of (int, int)
        Cells (row, column) to frame.
    limits : tuple of float, optional
        Values at the two ends of the colours; those of ``values`` unless given.
    """
    from matplotlib.patches import Rectangle

    low, high = limits or (float(np.nanmin(values)), float(np.nanmax(values)))
    image = ax.imshow(values, cmap=cmap, vmin=low, vmax=high if high > low else low + 1)
    ax.set_title(title, fontsize=10)
    ax.set_xticks([])
    ax.set_yticks([])
    if values.size <= MOST_WRITTEN:
        for row, column in np.argwhere(np.isfinite(values)):
            value = values[row, column]
            red, green, blue, _alpha = image.cmap(image.norm(value))
            ink = "black" if 0.299 * red + 0.587 * green + 0.114 * blue > 0.5 else "white"
            ax.text(column, row, f"{value:.3g}", ha="center", va="center", fontsize=8, color=ink)
    for row, column in marked:
        ax.add_patch(Rectangle((column - 0.5, row - 0.5), 1, 1, fill=False, edgecolor="crimson", linewidth=2))
