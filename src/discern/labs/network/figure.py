"""The parameters of each layer as bars, and a convolution's matrix in the colors of its weights."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from discern.i18n import _
from discern.labs.network.matrix import Matrix
from discern.models.summary import ModelSummary

if TYPE_CHECKING:
    from matplotlib.axes import Axes

WHITE = (1.0, 1.0, 1.0, 1.0)


def draw_parameters(ax: Axes, summary: ModelSummary, name: str) -> None:
    """Draw a bar per layer that has parameters."""
    layers = [layer for layer in summary.layers if layer.parameters]
    size = min(9.0, 300 / len(layers))
    bars = ax.barh(range(len(layers)), [layer.parameters for layer in layers], color="tab:blue")
    ax.bar_label(bars, [f"{layer.parameters:,}" for layer in layers], padding=3, fontsize=size)
    ax.set_yticks(range(len(layers)), [layer.name for layer in layers], fontsize=size)
    ax.invert_yaxis()
    ax.margins(x=0.2)  # room for the numbers
    ax.set(xlabel=_("parameters"), title=_("parameters of each layer of {name}").format(name=name))


def draw_weights(ax: Axes, matrix: Matrix) -> None:
    """Draw the block of the first kernel on the first channel, a color per weight."""
    from matplotlib import colormaps
    from matplotlib.colors import ListedColormap

    block = matrix.weight[: matrix.product[0].size, : matrix.image[0].size]
    n_weights = matrix.kernel[0, 0].size
    colors = [WHITE, *colormaps["turbo"](np.linspace(0.05, 0.95, n_weights))]
    ax.imshow(block, cmap=ListedColormap(colors), vmin=0, vmax=n_weights, interpolation="nearest")
    message = _("{layer}: the first kernel on one channel, {weights} weights, a color each")
    ax.set_title(message.format(layer=matrix.layer, weights=n_weights), fontsize=10)
    ax.set(xlabel=_("input cell"), ylabel=_("output cell"))
