"""Images and heat maps on the axes of a figure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from discern.i18n import _
from discern.preprocess.spec import Box

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLORMAP = "plasma"
OPACITY = 0.65  # of the hottest pixel; colder ones fade out, so that the image stays visible
QUANTILE = 0.99  # the heat that gets the last color: a few single pixels may be far hotter
DIMMED = 0.3  # brightness of what the network never saw


def draw_image(ax: Axes, image: np.ndarray) -> None:
    """Draw uint8 (H, W, 1 or 3), or floats in 0..1, without axes."""
    values, white = image[..., 0] if image.shape[-1] == 1 else image, 255 if image.dtype == np.uint8 else 1
    height, width = image.shape[:2]
    ax.imshow(values, cmap="gray", vmin=0, vmax=white, interpolation="nearest", extent=(0, width, height, 0))
    ax.set_axis_off()


def draw_heat(ax: Axes, image: np.ndarray, heat: np.ndarray, box: Box | None = None) -> None:
    """Draw a heat map, float (h, w) in 0 to 1, over an image, uint8 (H, W, 1 or 3).

    With ``box`` it covers that part of the image, in its pixels, and the rest is dimmed.
    """
    height, width = image.shape[:2]
    left, top, right, bottom = box or (0, 0, width, height)
    rows, columns = np.ogrid[:height, :width]
    inside = (rows + 0.5 > top) & (rows + 0.5 < bottom) & (columns + 0.5 > left) & (columns + 0.5 < right)
    gray = image.mean(axis=2, keepdims=True)  # colors are heat alone
    draw_image(ax, np.where(inside[..., None], 0.8 * gray + 40, DIMMED * gray).astype(np.uint8))  # heat shows on black
    scaled = relative_heat(heat)
    ax.imshow(
        scaled, cmap=COLORMAP, alpha=OPACITY * scaled, vmin=0, vmax=1, interpolation="bilinear",
        extent=(left, right, bottom, top),
    )  # fmt: skip
    ax.set_xlim(0, width)
    ax.set_ylim(height, 0)


def relative_heat(heat: np.ndarray) -> np.ndarray:
    """Divide by the heat of the hottest pixels (`QUANTILE`), at most 1."""
    return np.clip(heat / (float(np.quantile(heat, QUANTILE)) or 1.0), 0, 1)


def draw_colorbar(figure: Figure, axes: Sequence[Axes]) -> None:
    """Draw the colors of `draw_heat` over middle gray beside ``axes``."""
    from matplotlib import colormaps
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import ListedColormap

    heat = np.linspace(0, 1, 256)
    opacity = OPACITY * heat[:, None]
    colors = ListedColormap(opacity * colormaps[COLORMAP](heat)[:, :3] + (1 - opacity) * 0.5)
    bar = figure.colorbar(ScalarMappable(cmap=colors), ax=list(axes), shrink=0.8, pad=0.02, ticks=[0, 0.5, 1])
    bar.set_label(_("importance, relative to the hottest pixels"), fontsize=8)
    bar.ax.tick_params(labelsize=8)


def draw_tiles(figure: Figure, tiles: Sequence[tuple[str, np.ndarray]], columns: int, title: str = "") -> None:
    """Draw images with their titles, row by row."""
    rows = -(-len(tiles) // columns)
    axes = figure.subplots(rows, columns, squeeze=False).flat
    for ax in axes:
        ax.set_axis_off()
    for ax, (name, image) in zip(figure.axes, tiles, strict=False):
        draw_image(ax, image)
        ax.set_title(name, fontsize=8, pad=2)
    figure.suptitle(title, fontsize=9)
