"""Convolution: every window with its patch, products, sum and bias; sizes, parameters and receptive field derived.

Source: Dumoulin and Visin 2016, A guide to convolution arithmetic for deep learning; Howard et al. 2017, MobileNets,
section 3.1 (depthwise separable convolution).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Literal

import numpy as np
from pydantic import Field

from discern.errors import ConfigError
from discern.i18n import _
from discern.lab.derivation import parameters, receptive_field, sizes, windows
from discern.lab.layer import Layer, convolve
from discern.lab.options import Matrix, Numbers, written
from discern.lab.reach import Cells, Level, levels, sources
from discern.lab.recovery import Recovery, recover
from discern.lab.result import Result, Table, cell_text
from discern.lab.sliding import draw_layers
from discern.lab.worked import EIGHT, SCOREBOARD, WORKED, Name, Worked

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MOST_FRAMES = 60
MOST_TERMS = 18  # of a sum that is still read in one line


def summary() -> str:
    """What this lab shows."""
    return _("Every window of a convolution layer; its size, parameters and receptive field; a filter found again.")


@dataclass(frozen=True)
class Convolution(Result):
    """Convolution layers at work.

    Attributes
    ----------
    layers : tuple of Layer
        One, or two where a second layer reads the scores of the first.
    levels : tuple of Level
        The layers and what is stacked on them.
    score : tuple of int
        Row and column, counted from 0, of the score of the last level that is looked at.
    seen : tuple of (rows, columns)
        What that score sees of the input of every level.
    """

    layers: tuple[Layer, ...]
    levels: tuple[Level, ...]
    score: tuple[int, int]
    seen: tuple[Cells, ...]

    inches = (11.0, 5.0)

    def sentences(self) -> Sequence[str]:
        first, last = self.layers[0], self.levels[-1]
        told = [] if len(self.levels) > 1 else [self._sum(0, *self.score)]
        sparse = _(
            "Score {row}, {column} sees {seen} of {inputs} input numbers; in a fully connected layer every score would "
            "see all of them."
        )
        rows, columns = self.seen[0]
        channels = len(first.picture) if len(self.layers) > 1 else first.kernels.shape[1]
        told.append(
            sparse.format(
                row=self.score[0] + 1,
                column=self.score[1] + 1,
                seen=len(rows) * len(columns) * channels,
                inputs=first.picture.size,
            )
        )
        weights = sum(layer.kernels.size for layer in self.layers)
        told.append(_("All windows of a layer share the same weights: {n:,} in all.").format(n=weights))
        if len(self.levels) > 1:
            stacked = _(
                "Through {n} layers a score sees {height} x {width} cells of the input, from its first to its last."
            )
            told.append(stacked.format(n=len(self.levels), height=last.field[0], width=last.field[1]))
        if self._separable():
            second = self.layers[1]
            whole = first.kernels[0].size * len(first.picture) * len(second.kernels)
            saved = _(
                "This is a depthwise separable convolution; one that mixes all channels at once has {n:,} weights."
            )
            told.append(saved.format(n=whole))
        return told

    def tables(self) -> Sequence[Table]:
        several = len(self.layers) > 1
        found = []
        for n, layer in enumerate(self.layers, start=1):
            made = [windows(layer), sizes(layer), parameters(layer)]
            of = _("{title}, layer {n}")
            found += [Table(of.format(title=t.title, n=n), t.columns, t.rows) if several else t for t in made]
        return [*found, receptive_field(self.levels)] if len(self.levels) > 1 else found

    def plot(self, figure: Figure) -> None:
        first = self.layers[0]
        (above, _below), (left, _right) = first.pads
        marked: list[Sequence[tuple[int, int]]] = [
            [(row, column) for row in rows for column in columns] for rows, columns in self.seen
        ]
        marked[0] = [(row + above, column + left) for row, column in marked[0]]
        marked.append([self.score])
        if len(self.levels) == 1:
            marked[0] = first.cells(*self.score)
            figure.suptitle(self._sum(0, *self.score), fontsize=11)
        draw_layers(figure, self.layers, marked, [layer.output for layer in self.layers])

    def frames(self) -> int:
        return min(MOST_FRAMES, len(self._moves()))

    def plot_frame(self, figure: Figure, frame: int) -> None:
        moves = self._moves()
        at, row, column = moves[round(frame * (len(moves) - 1) / max(1, self.frames() - 1))]
        marked: list[Sequence[tuple[int, int]]] = [[] for _layer in range(len(self.layers) + 1)]
        filled = []
        for i, layer in enumerate(self.layers):
            done = layer.output.shape[1] * layer.output.shape[2] if i < at else 0
            if i == at:
                done = row * layer.output.shape[2] + column + 1
                marked[i], marked[i + 1] = layer.cells(row, column), [(row, column)]
            so_far = np.full(layer.output.shape, np.nan).reshape(len(layer.output), -1)
            so_far[:, :done] = layer.output.reshape(len(layer.output), -1)[:, :done]
            filled.append(so_far.reshape(layer.output.shape))
        figure.suptitle(self._sum(at, row, column), fontsize=11)
        draw_layers(figure, self.layers, marked, filled)

    def _moves(self) -> list[tuple[int, int, int]]:
        """Layer, row and column of every window, in their order."""
        return [(i, *place) for i, layer in enumerate(self.layers) for place in np.ndindex(*layer.output.shape[1:])]

    def _sum(self, at: int, row: int, column: int) -> str:
        """The first kernel's score at one place, written out."""
        layer = self.layers[at]
        pairs = zip(layer.patch(0, row, column).ravel(), layer.kernels[0].ravel(), strict=True)
        terms = [f"{cell_text(value)}·{_signed(weight)}" for value, weight in pairs if weight]
        if len(terms) > MOST_TERMS:
            terms = [*terms[: MOST_TERMS // 2], "..."]
        if layer.bias is not None:
            terms.append(_signed(layer.bias[0]))
        sentence = _("Score {row}, {column} of kernel 1: {terms} = {score}")
        score = cell_text(float(layer.output[0, row, column]))
        return sentence.format(row=row + 1, column=column + 1, terms=" + ".join(terms) or "0", score=score)

    def _separable(self) -> bool:
        first = self.layers[0]
        channels = len(first.picture)
        mixed = len(self.layers) > 1 and self.layers[1].kernels.shape[2:] == (1, 1)
        return mixed and channels > 1 and first.groups == channels


def run(
    example: Annotated[Name, Field(description=_("A lecture's worked convolution, for all that is not given."))] = (
        "one-channel"
    ),
    picture: Annotated[Matrix | None, Field(description=_("The input; channels with | between."))] = None,
    kernels: Annotated[
        Matrix | None, Field(description=_("The kernels, a plane for each channel that they read, with | between."))
    ] = None,
    bias: Annotated[Numbers | None, Field(description=_("A number for each kernel."))] = None,
    stride: Annotated[int, Field(ge=1, description=_("Cells from one window to the next."))] = 1,
    padding: Annotated[
        str | int | None, Field(description=_("valid (no border), same (as many scores as cells), or cells a side."))
    ] = None,
    border: Annotated[Literal["zero", "reflect"], Field(description=_("What the cells of the border hold."))] = "zero",
    dilation: Annotated[int, Field(ge=1, description=_("Cells from one weight's input to the next."))] = 1,
    groups: Annotated[
        int | None, Field(ge=1, description=_("Parts that the channels fall into; as many as channels: depthwise."))
    ] = None,
    then: Annotated[
        Matrix | None, Field(description=_("Kernels of a second layer, which reads the scores (1 x 1: pointwise)."))
    ] = None,
    stack: Annotated[
        Matrix | None, Field(description=_("More layers for the receptive field: rows of side and stride (2 2/3 1)."))
    ] = None,
    score: Annotated[
        Numbers | None, Field(description=_("Row and column of the score to look at; the highest unless given."))
    ] = None,
    find_filter: Annotated[
        bool, Field(description=_("Find the filter that made the scoreboard from the picture."))
    ] = False,
    scoreboard: Annotated[Matrix | None, Field(description=_("The scores to find the filter of."))] = None,
) -> Convolution | Recovery:
    """Slide kernels over a picture, or find the filter behind a scoreboard.

    Raises
    ------
    ConfigError
        When the parts do not fit together; the sentence says which.

    Examples
    --------
    >>> run("lines").layers[0].output[0]
    array([[3., 0., 0., 1., 1.]])
    >>> [(entry.row, entry.column, entry.found) for entry in run(find_filter=True).disagreeing]
    [(1, 3, 37.0)]
    """
    if find_filter:
        if (kernels, bias, padding, groups, then, stack, score) != (None,) * 7 or stride * dilation != 1:
            raise ConfigError(_("A filter is found for stride 1 without a border: leave the layer's options out."))
        return _behind(picture, scoreboard)
    if scoreboard is not None:
        raise ConfigError(_("A scoreboard is there to find its filter: add find_filter."))
    lent = WORKED[example] if kernels is None else Worked(WORKED[example].picture, kernels)
    layers = [
        convolve(
            lent.picture if picture is None else picture,
            lent.kernels,
            lent.bias if bias is None else bias,
            stride,
            lent.padding if padding is None else padding,
            border,
            dilation,
            lent.groups if groups is None else groups,
        )
    ]
    then = lent.then if then is None else then
    if then is not None:
        layers.append(convolve(layers[0].output, then))
    stack = lent.stack if stack is None else stack
    through = levels(layers, [] if stack is None else _rows(stack))
    chosen = _chosen(layers, through, score)
    return Convolution(tuple(layers), through, chosen, sources(through, *chosen))


def _behind(picture: np.ndarray | None, scoreboard: np.ndarray | None) -> Recovery:
    """The filter behind a scoreboard; the lecture's unless both are given."""
    if picture is None and scoreboard is None:
        return recover(EIGHT, SCOREBOARD)
    if picture is None or scoreboard is None:
        raise ConfigError(_("To find a filter, give both the picture and its scoreboard."))
    return recover(picture, scoreboard)


def _rows(stack: np.ndarray) -> list[tuple[int, int]]:
    if stack.ndim != 2 or stack.shape[1] != 2 or (stack < 1).any() or (stack % 1).any():
        raise ConfigError(_("The stack is a row of side and stride for each layer, whole numbers from 1: 2 2/3 1."))
    return [(int(side), int(stride)) for side, stride in stack]


def _chosen(layers: Sequence[Layer], through: Sequence[Level], score: np.ndarray | None) -> tuple[int, int]:
    """The score that was asked for; the highest of the first kernel, or the middle one of a stack."""
    rows, columns = through[-1].output
    if score is not None:
        if score.shape != (2,) or not (1 <= score[0] <= rows and 1 <= score[1] <= columns) or (score % 1).any():
            sentence = _("There is no score {score}: give its row, 1 to {rows}, and its column, 1 to {columns}.")
            raise ConfigError(sentence.format(score=written(score), rows=rows, columns=columns))
        return int(score[0]) - 1, int(score[1]) - 1
    if len(through) > 1:
        return rows // 2, columns // 2
    return divmod(int(layers[0].output[0].argmax()), columns)


def _signed(number: float) -> str:
    return f"({cell_text(float(number))})" if number < 0 else cell_text(float(number))
