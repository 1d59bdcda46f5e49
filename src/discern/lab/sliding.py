"""The window over the input, the kernels, and the scores that fill: drawn for one layer or several in a row."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import TYPE_CHECKING

import numpy as np

from discern.i18n import _
from discern.lab.draw import show_matrix
from discern.lab.layer import Layer

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure, SubFigure

MOST_PLANES = 4  # channels or kernels that are drawn; more would be too small to read

Cells = Collection[tuple[int, int]]


def draw_layers(figure: Figure, layers: Sequence[Layer], marked: Sequence[Cells], filled: Sequence[np.ndarray]) -> None:
    """Input, kernels and scores of every layer from left to right.

    Parameters
    ----------
    marked : sequence of collections of (row, column)
        Framed cells: of the first layer's padded input, then of the scores of each layer.
    filled : sequence of numpy.ndarray
        The scores (O, H', W') of each layer, NaN where there is none yet.
    """
    widths: list[int] = [2]
    for layer in layers:
        widths += [min(len(layer.kernels), MOST_PLANES), 2]
    parts = np.asarray(figure.subfigures(1, len(widths), width_ratios=widths))
    _maps(parts[0], layers[0].padded, _("input"), marked[0], _look(layers[0].padded), _inner(layers[0]))
    for i, layer in enumerate(layers):
        _kernels(parts[2 * i + 1], layer)
        _maps(parts[2 * i + 2], filled[i], _("scores"), marked[i + 1], _look(layer.output))


def _look(values: np.ndarray) -> tuple[str, tuple[float, float]]:
    """A colour map with the values at its ends: blue above zero, red below."""
    most = float(np.abs(values).max())
    return ("RdBu", (-most, most)) if values.min() < 0 else ("Blues", (0.0, most))


def _maps(
    part: SubFigure,
    planes: np.ndarray,
    title: str,
    marked: Cells,
    look: tuple[str, tuple[float, float]],
    after: Callable[[Axes], None] | None = None,
) -> None:
    shown = planes[:MOST_PLANES]
    axes = part.subplots(len(shown), 1, squeeze=False)
    for i, plane in enumerate(shown):
        ax: Axes = axes[i, 0]
        heading = _("{title}, channel {n} of {total}").format(title=title, n=i + 1, total=len(planes))
        heading = heading if len(planes) > 1 else title
        show_matrix(ax, plane, heading, list(marked), *look)
        if after:
            after(ax)


def _kernels(part: SubFigure, layer: Layer) -> None:
    shown = layer.kernels[:MOST_PLANES, :MOST_PLANES]  # (O, C / groups, kh, kw)
    axes = part.subplots(shown.shape[1], len(shown), squeeze=False)
    for ax, (kernel, channel) in zip(axes.T.flat, np.ndindex(*shown.shape[:2]), strict=True):
        title = _("kernel") if len(layer.kernels) == 1 else _("kernel {n}").format(n=kernel + 1)
        if layer.bias is not None:
            title = title + "\n" + _("bias {bias:g}").format(bias=layer.bias[kernel])
        show_matrix(ax, shown[kernel, channel], "" if channel else title, (), *_look(layer.kernels))


def _inner(layer: Layer) -> Callable[[Axes], None] | None:
    """A dashed frame round the picture inside its border."""
    (above, below), (left, right) = layer.pads
    if not above + below + left + right:
        return None
    height, width = layer.picture.shape[1:]

    def frame(ax: Axes) -> None:
        from matplotlib.patches import Rectangle

        ax.add_patch(Rectangle((left - 0.5, above - 0.5), width, height, fill=False, edgecolor="black", linestyle="--"))

    return frame
