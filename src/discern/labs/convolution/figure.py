"""Input, kernels and feature maps side by side, for one layer or several in a row."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING

import numpy as np

from discern.i18n import _
from discern.labs.convolution.layer import Layer
from discern.labs.drawing import draw_matrix

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure, SubFigure

MAX_PLANES = 4  # channels or kernels: more would be too small to read

Cells = Collection[tuple[int, int]]


def draw_layers(
    figure: Figure, layers: Sequence[Layer], framed: Sequence[Cells], outputs: Sequence[np.ndarray]
) -> None:
    """Draw input, kernels and feature maps of every layer from left to right.

    ``framed`` are cells of the first layer's padded input, then of the output of each layer; ``outputs`` the feature
    maps (O, H', W') of each layer, NaN where they are not yet computed.
    """
    widths: list[int] = [2]
    for layer in layers:
        widths += [min(len(layer.kernels), MAX_PLANES), 2]
    panels = np.asarray(figure.subfigures(1, len(widths), width_ratios=widths))
    padded = layers[0].padded
    for ax in _draw_channels(panels[0], padded, _("input"), framed[0], _choose_colors(padded)):
        _outline_image(ax, layers[0])
    for i, layer in enumerate(layers):
        _draw_kernels(panels[2 * i + 1], layer)
        colors = _choose_colors(layer.output)
        _draw_channels(panels[2 * i + 2], outputs[i], _("feature map"), framed[i + 1], colors)


def _choose_colors(values: np.ndarray) -> tuple[str, tuple[float, float]]:
    """Return a color map and its limits: blue above zero, red below."""
    limit = float(np.abs(values).max())
    return ("RdBu", (-limit, limit)) if values.min() < 0 else ("Blues", (0.0, limit))


def _draw_channels(
    panel: SubFigure, planes: np.ndarray, title: str, framed: Cells, colors: tuple[str, tuple[float, float]]
) -> list[Axes]:
    shown = planes[:MAX_PLANES]
    axes: list[Axes] = list(panel.subplots(len(shown), 1, squeeze=False)[:, 0])
    for i, (ax, plane) in enumerate(zip(axes, shown, strict=True)):
        heading = _("{title}, channel {n} of {total}").format(title=title, n=i + 1, total=len(planes))
        draw_matrix(ax, plane, heading if len(planes) > 1 else title, list(framed), *colors)
    return axes


def _draw_kernels(panel: SubFigure, layer: Layer) -> None:
    shown = layer.kernels[:MAX_PLANES, :MAX_PLANES]  # (O, C / groups, kh, kw)
    axes = panel.subplots(shown.shape[1], len(shown), squeeze=False)
    for ax, (kernel, channel) in zip(axes.T.flat, np.ndindex(*shown.shape[:2]), strict=True):
        title = _("kernel") if len(layer.kernels) == 1 else _("kernel {n}").format(n=kernel + 1)
        if layer.bias is not None:
            title = title + "\n" + _("bias {bias:g}").format(bias=layer.bias[kernel])
        draw_matrix(ax, shown[kernel, channel], "" if channel else title, (), *_choose_colors(layer.kernels))


def _outline_image(ax: Axes, layer: Layer) -> None:
    """Draw a dashed frame around the image inside its padding."""
    from matplotlib.patches import Rectangle

    (above, below), (left, right) = layer.pads
    if above + below + left + right:
        height, width = layer.image.shape[1:]
        ax.add_patch(Rectangle((left - 0.5, above - 0.5), width, height, fill=False, edgecolor="black", linestyle="--"))
