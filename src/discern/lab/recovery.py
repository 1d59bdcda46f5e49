"""Which filter turned this picture into that scoreboard? Every score is one linear equation in the filter's weights.

Source: the normal equations of least squares; with full rank there is one best filter (Golub and Van Loan, Matrix
computations, section 5.3), without it the one of least norm is taken (section 5.5).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from discern.errors import ConfigError
from discern.i18n import _
from discern.lab.draw import show_matrix
from discern.lab.options import written
from discern.lab.result import Result, Table, cell_text

if TYPE_CHECKING:
    from matplotlib.figure import Figure

CLOSE = 1e-6  # of the largest score: nearer than this is equal


@dataclass(frozen=True)
class Entry:
    """A score that the filter does not give: where (counted from 0), as it was told, and as it ought to be."""

    row: int
    column: int
    told: float
    found: float


@dataclass(frozen=True)
class Recovery(Result):
    """The filter behind a scoreboard.

    Attributes
    ----------
    picture : numpy.ndarray
        (C, H, W).
    scoreboard : numpy.ndarray
        (H', W') as it was told.
    kernel : numpy.ndarray
        (C, H - H' + 1, W - W' + 1).
    least_squares : numpy.ndarray
        The same before rounding.
    rank : int
        Independent equations among the H' W' scores.
    certainty : {"exact", "rounded", "near", "many"}
        Every score is met; most are, by whole numbers; none need be; or many filters meet them.
    scores : numpy.ndarray
        (H', W') that ``kernel`` gives.
    disagreeing : tuple of Entry
        Scores that differ, the largest difference first.
    """

    picture: np.ndarray
    scoreboard: np.ndarray
    kernel: np.ndarray
    least_squares: np.ndarray
    rank: int
    certainty: str
    scores: np.ndarray
    disagreeing: tuple[Entry, ...]

    def sentences(self) -> Sequence[str]:
        n, unknowns = self.scoreboard.size, self.kernel.size
        told = [_("{n} scores are {n} linear equations in the {unknowns} weights of the filter.")]
        if self.certainty == "many":
            told.append(
                _(
                    "Only {rank} of them are independent, fewer than there are weights: many filters do equally well. "
                    "The one with the smallest weights is shown; a larger or more varied picture would settle it."
                )
            )
        elif self.certainty == "exact":
            told.append(_("One filter meets them all: {kernel}."))
        elif self.certainty == "rounded":
            told.append(
                _("Least squares, rounded to whole numbers, finds {kernel}, which meets {agreeing} of {n} scores.")
            )
        else:
            told.append(
                _(
                    "No filter gives these scores; the nearest misses them by up to {most}. Were they rounded, noisy, "
                    "or made with a bias, an activation, a border or another stride?"
                )
            )
        if self.disagreeing and self.certainty == "rounded":
            for entry in self.disagreeing[:5]:
                told.append(
                    _("Row {row}, column {column} ought to be {found}, not {told}.").format(
                        row=entry.row + 1,
                        column=entry.column + 1,
                        found=cell_text(entry.found),
                        told=cell_text(entry.told),
                    )
                )
        facts = {
            "n": n,
            "unknowns": unknowns,
            "rank": self.rank,
            "kernel": written(self.kernel[0] if len(self.kernel) == 1 else self.kernel),
            "agreeing": n - len(self.disagreeing),
            "most": cell_text(float(np.abs(self.scores - self.scoreboard).max())),
        }
        return [sentence.format(**facts) for sentence in told]

    def tables(self) -> Sequence[Table]:
        weights = [
            (
                f"{channel + 1}",
                f"{row + 1}, {column + 1}",
                float(self.least_squares[channel, row, column]),
                float(weight),
            )
            for (channel, row, column), weight in np.ndenumerate(self.kernel)
        ]
        titles = (_("channel"), _("row, column"), _("least squares"), _("weight"))
        tables = [Table(_("Weights"), titles, weights)]
        if self.disagreeing:
            rows = [
                (f"{entry.row + 1}, {entry.column + 1}", entry.told, entry.found, entry.told - entry.found)
                for entry in self.disagreeing
            ]
            titles = (_("row, column"), _("score told"), _("score of the filter"), _("difference"))
            tables.append(Table(_("Scores that disagree"), titles, rows))
        return tables

    def plot(self, figure: Figure) -> None:
        parts = np.asarray(figure.subfigures(1, 3, width_ratios=(4, 2, 3)))
        for part, planes, title in zip(
            parts, (self.picture, self.kernel), (_("picture"), _("filter found")), strict=False
        ):
            axes = part.subplots(len(planes), 1, squeeze=False)[:, 0]
            for i, (ax, plane) in enumerate(zip(axes, planes, strict=True)):
                show_matrix(ax, plane, title if not i else "")
        wrong = [(entry.row, entry.column) for entry in self.disagreeing]
        title = _("scoreboard; framed: disagrees") if wrong else _("scoreboard")
        show_matrix(parts[2].subplots(), self.scoreboard, title, marked=wrong)


def recover(picture: np.ndarray, scoreboard: np.ndarray) -> Recovery:
    """The filter that, slid over ``picture`` in steps of one cell without a border, gives ``scoreboard``.

    Parameters
    ----------
    picture : numpy.ndarray
        (H, W) or (C, H, W).
    scoreboard : numpy.ndarray
        (H', W').

    Raises
    ------
    ConfigError
        When the scoreboard has several channels or is larger than the picture.

    Examples
    --------
    >>> picture = np.array([[1.0, 0, 2], [0, 3, 1], [1, 1, 0]])
    >>> recover(picture, np.array([[4.0, 3], [7, 4]])).certainty
    'exact'
    """
    picture = picture[None] if picture.ndim == 2 else picture
    if picture.ndim != 3 or scoreboard.ndim != 2:
        raise ConfigError(_("One picture and one scoreboard of one channel are needed to find a filter."))
    side = [n - scores + 1 for n, scores in zip(picture.shape[1:], scoreboard.shape, strict=True)]
    if min(side) < 1:
        sentence = _("A scoreboard of {rows} x {columns} is larger than its picture of {height} x {width}.")
        rows, columns = scoreboard.shape
        raise ConfigError(sentence.format(rows=rows, columns=columns, height=picture.shape[1], width=picture.shape[2]))
    windows = sliding_window_view(picture, side, axis=(1, 2))  # (C, H', W', kh, kw)
    equations = windows.transpose(1, 2, 0, 3, 4).reshape(scoreboard.size, -1)
    raw, _squares, rank, _values = np.linalg.lstsq(equations, scoreboard.ravel(), rcond=None)
    tolerance = CLOSE * max(1.0, float(np.abs(scoreboard).max()))
    kernel, certainty = raw, "near"
    if rank < raw.size:
        certainty = "many"
    elif _differ(equations @ raw, scoreboard, tolerance).sum() == 0:
        certainty = "exact"
    elif 2 * _differ(equations @ np.rint(raw), scoreboard, tolerance).sum() < scoreboard.size:
        kernel, certainty = np.rint(raw), "rounded"
    if np.abs(kernel - np.rint(kernel)).max() < CLOSE:
        kernel = np.rint(kernel) + 0.0  # no -0
    scores = (equations @ kernel).reshape(scoreboard.shape)
    entries = [
        Entry(int(row), int(column), float(scoreboard[row, column]), float(scores[row, column]))
        for row, column in np.argwhere(_differ(scores.ravel(), scoreboard, tolerance).reshape(scores.shape))
    ]
    entries.sort(key=lambda entry: -abs(entry.told - entry.found))
    shape = (len(picture), *side)
    return Recovery(
        picture, scoreboard, kernel.reshape(shape), raw.reshape(shape), int(rank), certainty, scores, tuple(entries)
    )


def _differ(scores: np.ndarray, scoreboard: np.ndarray, tolerance: float) -> np.ndarray:
    return np.abs(scores - scoreboard.ravel()) > tolerance
