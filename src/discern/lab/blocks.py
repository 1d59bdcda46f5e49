"""A tensor N x C x H x W as blocks of coloured cells."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MOST_WRITTEN = 128  # cells: more than these cannot be read as numbers
GAP = 0.4  # between maps, in cells


def draw_blocks(axes: Axes, values: np.ndarray, sets: np.ndarray, numbers: bool = True) -> None:
    """(N, C, H, W) as a grid of maps, an example in each row, cells of one set in one colour."""
    from matplotlib import colormaps
    from matplotlib.collections import PatchCollection
    from matplotlib.patches import Rectangle

    examples, channels, height, width = values.shape
    palette = colormaps["Set3"].colors + colormaps["Pastel1"].colors  # type: ignore[attr-defined]
    squares, colours = [], []
    for n, c, h, w in np.ndindex(values.shape):
        x, y = c * (width + GAP) + w, n * (height + GAP) + h
        squares.append(Rectangle((x, y), 1, 1))
        colours.append(palette[sets[n, c] % len(palette)])
        if numbers and values.size <= MOST_WRITTEN:
            axes.text(x + 0.5, y + 0.5, f"{values[n, c, h, w]:.3g}", ha="center", va="center", fontsize=8)
    axes.add_collection(PatchCollection(squares, facecolor=colours, edgecolor="black", linewidth=0.5))
    axes.set_xlim(-GAP, channels * (width + GAP))
    axes.set_ylim(examples * (height + GAP), -GAP)
    axes.set_aspect("equal")
    axes.set_xticks([c * (width + GAP) + width / 2 for c in range(channels)], [str(c + 1) for c in range(channels)])
    axes.set_yticks([n * (height + GAP) + height / 2 for n in range(examples)], [str(n + 1) for n in range(examples)])
    axes.tick_params(length=0)
    for spine in axes.spines.values():
        spine.set_visible(False)
