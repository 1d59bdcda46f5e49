"""Pooling: the maximum or the average of each window, and the gradient of the input.

Source: LeCun et al. 1998, Gradient-based learning applied to document recognition, section II.B (subsampling);
Lin, Chen and Yan 2013, Network in network, section 3.2 (global average pooling).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Literal

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from pydantic import Field

from discern.errors import ConfigError
from discern.i18n import N_, _
from discern.labs.drawing import draw_matrix
from discern.labs.options import Matrix, format_value
from discern.labs.worked_examples import FEATURE_MAP
from discern.result import Result, Table

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SIXTEEN = np.arange(1.0, 17.0).reshape(4, 4)
IMAGES = {"sixteen": SIXTEEN, "feature-map": FEATURE_MAP}


@dataclass(frozen=True)
class Window:
    """One window."""

    row: int  # of its upper left cell in the image
    column: int
    values: np.ndarray  # (window, window)
    argmax: tuple[int, int]  # row and column in the image of its largest cell, the first of equal ones
    value: float  # its maximum or average


@dataclass(frozen=True)
class Pooling(Result):
    """Every window of a pooling layer."""

    image: np.ndarray  # (H, W)
    kind: str  # "max", "average" or "global"
    window: int  # side in cells, of a global window that of the whole image
    stride: int  # in cells
    windows: tuple[Window, ...]  # row by row
    output: np.ndarray  # (H', W')
    gradient: np.ndarray  # (H, W): of the sum of all outputs by each cell of the image

    figsize = (9.0, 3.4)

    def sentences(self) -> Sequence[str]:
        height, width = self.image.shape
        rows, columns = self.output.shape
        message = _("{height} x {width} cells become {rows} x {columns}, without any weights to learn.")
        backward = {
            "max": _("Backward, each output passes its gradient to the (first) maximum of its window."),
            "average": _("Backward, each output distributes its gradient equally over its window."),
            "global": _("Backward, every cell receives the same gradient."),
        }
        lines = [message.format(height=height, width=width, rows=rows, columns=columns), backward[self.kind]]
        if self.kind != "global" and any((n - self.window) % self.stride for n in (height, width)):
            lines.append(_("Cells at the right or lower edge that fill no complete window are left out."))
        return lines

    def tables(self) -> Sequence[Table]:
        rows = [
            (
                f"{w.row + 1}, {w.column + 1}",
                format_value(w.values),
                f"{w.argmax[0] + 1}, {w.argmax[1] + 1}" if self.kind == "max" else None,
                w.value,
            )
            for w in self.windows
        ]
        columns = (_("window at row, column"), _("values"), _("maximum at row, column"), _("output"))
        return [Table(_("Windows"), columns, rows, text_columns=3, max_rows=20)]

    def plot(self, figure: Figure) -> None:
        left, middle, right = figure.subplots(1, 3)
        draw_matrix(left, self.image, _("input"), framed=[w.argmax for w in self.windows if self.kind == "max"])
        titles = {"max": _("maximum"), "average": _("average"), "global": _("global average")}
        draw_matrix(middle, self.output, titles[self.kind])
        draw_matrix(right, self.gradient, _("gradient of the input"))


def run(
    example: Annotated[Literal["sixteen", "feature-map"], N_("A lecture's numbers, unless an image is given.")] = (
        "sixteen"
    ),
    image: Annotated[Matrix | None, N_("The numbers to pool, one channel.")] = None,
    window: Annotated[int, Field(ge=1), N_("Side of the window, in cells.")] = 2,
    stride: Annotated[int | None, Field(ge=1), N_("Step of the window; by default its side.")] = None,
    kind: Annotated[Literal["max", "average", "global"], N_("Max, average or global average pooling.")] = "max",
) -> Pooling:
    """Pool an image window by window.

    Raises `ConfigError` when the image has several channels or is smaller than the window.

    Examples
    --------
    >>> run(kind="max").output
    array([[ 6.,  8.],
           [14., 16.]])
    >>> run(kind="global").output
    array([[8.5]])
    """
    image = IMAGES[example] if image is None else image
    if image.ndim != 2:
        raise ConfigError(_("Pooling treats all channels alike: expected one channel, got {n}.").format(n=len(image)))
    if kind != "global" and window > min(image.shape):
        message = _("A window of {window} does not fit into {height} x {width} cells: use a smaller one.")
        raise ConfigError(message.format(window=window, height=image.shape[0], width=image.shape[1]))
    height, width = image.shape if kind == "global" else (window, window)
    step = max(height, width) if kind == "global" else stride or window
    views = sliding_window_view(image, (height, width))[::step, ::step]  # (H', W', height, width)
    gradient = np.zeros_like(image)
    windows = []
    for i, j in np.ndindex(views.shape[:2]):
        row, column, values = i * step, j * step, views[i, j]
        below, right = np.unravel_index(int(values.argmax()), values.shape)
        argmax = (row + int(below), column + int(right))
        if kind == "max":
            gradient[argmax] += 1
        else:
            gradient[row : row + height, column : column + width] += 1 / values.size
        value = values.max() if kind == "max" else values.mean()
        windows.append(Window(row, column, values.copy(), argmax, float(value)))
    output = np.array([w.value for w in windows]).reshape(views.shape[:2])
    return Pooling(image, kind, max(height, width), step, tuple(windows), output, gradient)
