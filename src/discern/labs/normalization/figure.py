"""A tensor N x C x H x W as blocks of colored cells, and running statistics."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from discern.i18n import _

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MAX_NUMBERS = 128  # cells: in smaller ones numbers are not readable
GAP = 0.4  # between maps, in cells


def draw_blocks(axes: Axes, values: np.ndarray, groups: np.ndarray, numbers: bool = True) -> None:
    """Draw (N, C, H, W) as a grid of maps, one example a row; maps of one group, (N, C) of int, have one color."""
    from matplotlib import colormaps
    from matplotlib.collections import PatchCollection
    from matplotlib.patches import Rectangle

    examples, channels, height, width = values.shape
    palette = colormaps["Set3"].colors + colormaps["Pastel1"].colors  # type: ignore[attr-defined]
    squares, colors = [], []
    for n, c, h, w in np.ndindex(values.shape):
        x, y = c * (width + GAP) + w, n * (height + GAP) + h
        squares.append(Rectangle((x, y), 1, 1))
        colors.append(palette[groups[n, c] % len(palette)])
        if numbers and values.size <= MAX_NUMBERS:
            text = f"{values[n, c, h, w]:.3g}"
            axes.text(x + 0.5, y + 0.5, text, ha="center", va="center", fontsize=8, color="black")  # cells are light
    axes.add_collection(PatchCollection(squares, facecolor=colors, edgecolor="black", linewidth=0.5))
    limits = (-GAP, channels * (width + GAP)), (examples * (height + GAP), -GAP)
    axes.set(xlim=limits[0], ylim=limits[1], aspect="equal")
    axes.set_xticks([c * (width + GAP) + width / 2 for c in range(channels)], [str(c + 1) for c in range(channels)])
    axes.set_yticks([n * (height + GAP) + height / 2 for n in range(examples)], [str(n + 1) for n in range(examples)])
    axes.tick_params(length=0)
    for spine in axes.spines.values():
        spine.set_visible(False)


def draw_running_means(ax: Axes, means: np.ndarray, batch_means: Sequence[float], done: int) -> None:
    """Draw the running means (steps + 1, C) up to step ``done``, and the means of the batch that they approach."""
    for channel, values in enumerate(means.T):
        label, color = _("channel {c}").format(c=channel + 1), f"C{channel % 10}"
        ax.plot(values[: done + 1], color=color, marker=".", label=label)
        ax.axhline(batch_means[channel], color=color, linestyle=":")
    extent = np.concatenate([means.ravel(), batch_means])
    ax.set(xlim=(-0.5, len(means) - 0.5), ylim=(extent.min() - 0.5, extent.max() + 0.5))
    ax.set(xlabel=_("batches"), title=_("running means; dotted: means of the batch"))
    if means.shape[1] <= 8:
        ax.legend(fontsize=8, loc="upper left")
