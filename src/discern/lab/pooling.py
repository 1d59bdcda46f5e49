"""Pooling: which cell of each window wins, and where the gradient goes back to.

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
from discern.i18n import _
from discern.lab.draw import show_matrix
from discern.lab.options import Matrix, written
from discern.lab.result import Result, Table
from discern.lab.worked import SCOREBOARD

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SIXTEEN = np.arange(1.0, 17.0).reshape(4, 4)
PICTURES = {"sixteen": SIXTEEN, "scoreboard": SCOREBOARD}


def summary() -> str:
    """What this lab shows."""
    return _("Max, average and global pooling: the winning cell of each window, and the gradient's way back.")


@dataclass(frozen=True)
class Window:
    """One window.

    Attributes
    ----------
    row, column : int
        Of its upper left cell in the picture.
    values : numpy.ndarray
        (window, window).
    winner : tuple of int
        Row and column in the picture of the first largest cell.
    value : float
        What pooling makes of it.
    """

    row: int
    column: int
    values: np.ndarray
    winner: tuple[int, int]
    value: float


@dataclass(frozen=True)
class Pooling(Result):
    """Every window of a pooling layer.

    Attributes
    ----------
    picture : numpy.ndarray
        (H, W).
    kind : {"max", "average", "global"}
    window, stride : int
        In cells; a global window is the whole picture.
    windows : tuple of Window
        Row by row.
    output : numpy.ndarray
        (H', W').
    gradient : numpy.ndarray
        (H, W): what each cell of the picture gets of a gradient of 1 at every output.
    """

    picture: np.ndarray
    kind: str
    window: int
    stride: int
    windows: tuple[Window, ...]
    output: np.ndarray
    gradient: np.ndarray

    inches = (9.0, 3.4)

    def sentences(self) -> Sequence[str]:
        height, width = self.picture.shape
        rows, columns = self.output.shape
        size = _("{height} x {width} cells become {rows} x {columns}, with no weight to learn.")
        route = {
            "max": _("Going back, the gradient of each output goes to the winning cell alone, the first of equals."),
            "average": _("Going back, the gradient of each output is shared equally by its window."),
            "global": _("Going back, every cell gets the same share of the gradient."),
        }
        told = [size.format(height=height, width=width, rows=rows, columns=columns), route[self.kind]]
        if self.kind != "global" and any((n - self.window) % self.stride for n in (height, width)):
            told.append(_("Cells at the right or lower edge are left out where no whole window fits."))
        return told

    def tables(self) -> Sequence[Table]:
        rows = [
            (
                f"{w.row + 1}, {w.column + 1}",
                written(w.values),
                f"{w.winner[0] + 1}, {w.winner[1] + 1}" if self.kind == "max" else "-",
                w.value,
            )
            for w in self.windows
        ]
        titles = (_("window at row, column"), _("values"), _("winner at row, column"), _("output"))
        return [Table(_("Windows"), titles, rows)]

    def plot(self, figure: Figure) -> None:
        left, middle, right = figure.subplots(1, 3)
        winners = [w.winner for w in self.windows] if self.kind == "max" else []
        show_matrix(left, self.picture, _("input"), marked=winners)
        show_matrix(middle, self.output, {"max": _("maximum"), "average": _("average")}.get(self.kind, _("global")))
        show_matrix(right, self.gradient, _("gradient of the input"))


def run(
    example: Annotated[
        Literal["sixteen", "scoreboard"], Field(description=_("A lecture's numbers, where no picture is given."))
    ] = "sixteen",
    picture: Annotated[Matrix | None, Field(description=_("The numbers to pool, one channel."))] = None,
    window: Annotated[int, Field(ge=1, description=_("Side of the window, in cells."))] = 2,
    stride: Annotated[int | None, Field(ge=1, description=_("Step of the window; its side unless given."))] = None,
    kind: Annotated[Literal["max", "average", "global"], Field(description=_("What is taken of each window."))] = "max",
) -> Pooling:
    """Pool a picture window by window.

    Raises
    ------
    ConfigError
        When the picture has several channels or is smaller than the window.

    Examples
    --------
    >>> run(kind="max").output
    array([[ 6.,  8.],
           [14., 16.]])
    >>> run(kind="global").output
    array([[8.5]])
    """
    picture = PICTURES[example] if picture is None else picture
    if picture.ndim != 2:
        raise ConfigError(_("Pooling treats every channel alike: give one channel, not {n}.").format(n=len(picture)))
    if kind != "global" and window > min(picture.shape):
        sentence = _("A window of {window} does not fit into {height} x {width} cells: make it smaller.")
        raise ConfigError(sentence.format(window=window, height=picture.shape[0], width=picture.shape[1]))
    height, width = picture.shape if kind == "global" else (window, window)
    step = max(height, width) if kind == "global" else stride or window
    views = sliding_window_view(picture, (height, width))[::step, ::step]  # (H', W', height, width)
    gradient = np.zeros_like(picture)
    windows = []
    for i, j in np.ndindex(views.shape[:2]):
        row, column, values = i * step, j * step, views[i, j]
        below, right = np.unravel_index(int(values.argmax()), values.shape)
        winner = (row + int(below), column + int(right))
        if kind == "max":
            gradient[winner] += 1
        else:
            gradient[row : row + height, column : column + width] += 1 / values.size
        value = values.max() if kind == "max" else values.mean()
        windows.append(Window(row, column, values.copy(), winner, float(value)))
    output = np.array([w.value for w in windows]).reshape(views.shape[:2])
    return Pooling(picture, kind, max(height, width), step, tuple(windows), output, gradient)
