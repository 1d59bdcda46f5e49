"""Images under filters, side by side."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from discern.labs.filters.scipy_filters import WHITE

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MAX_COLUMNS = 4

Range = Literal["image", "signed", "magnitude"]  # gray levels, numbers around 0, or numbers from 0


@dataclass(frozen=True)
class Panel:
    """One image (H, W) or (H, W, 3) of the figure."""

    title: str
    image: np.ndarray
    range: Range


def grid_shape(count: int) -> tuple[int, int]:
    """Return the rows and columns of a grid of ``count`` panels."""
    columns = min(MAX_COLUMNS, count)
    return -(-count // columns), columns


def draw_panels(figure: Figure, panels: Sequence[Panel]) -> None:
    """Draw the panels in a grid."""
    axes = figure.subplots(*grid_shape(len(panels)), squeeze=False).ravel()
    for ax in axes:
        ax.set_axis_off()
    for ax, panel in zip(axes, panels, strict=False):
        limit = max(1.0, float(np.percentile(np.abs(panel.image), 99)))  # outliers must not turn the rest gray
        low, high = {"image": (0.0, WHITE), "signed": (-limit, limit), "magnitude": (0.0, limit)}[panel.range]
        if panel.image.ndim == 3:
            ax.imshow(np.clip(panel.image, 0, WHITE).astype(np.uint8))
        else:
            ax.imshow(panel.image, cmap="gray", vmin=low, vmax=high)
        ax.set_title(panel.title, fontsize=9)
