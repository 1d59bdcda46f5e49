"""The filter behind an image and its feature map: every output is one linear equation in the filter's weights.

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
from discern.labs.drawing import draw_matrix
from discern.labs.options import format_value
from discern.result import Result, Table, cell_text

if TYPE_CHECKING:
    from matplotlib.figure import Figure

TOLERANCE = 1e-6  # of the largest output: smaller differences are rounding
MAX_LISTED = 5  # mismatches that have a sentence


@dataclass(frozen=True)
class Mismatch:
    """A cell of the feature map that is not the filter's output: its position, from 0, and both values."""

    row: int
    column: int
    given: float
    computed: float


@dataclass(frozen=True)
class FilterRecovery(Result):
    """The filter behind an image and its feature map.

    Its ``certainty`` is exact where all outputs match, rounded where most match after rounding to integers,
    approximate where it is only the nearest filter, and underdetermined where it is one of many.
    """

    image: np.ndarray  # (C, H, W)
    feature_map: np.ndarray  # (H', W') as given
    kernel: np.ndarray  # (C, H - H' + 1, W - W' + 1)
    least_squares: np.ndarray  # the kernel before rounding
    rank: int  # independent equations among the H' W' outputs
    certainty: str
    computed: np.ndarray  # (H', W'): the output of `kernel`
    mismatches: tuple[Mismatch, ...]  # the largest difference first

    def sentences(self) -> Sequence[str]:
        n, n_weights = self.feature_map.size, self.kernel.size
        conclusion = {
            "underdetermined": _(
                "Only {rank} of them are independent, fewer than there are weights: many filters fit equally well. The "
                "one with the smallest weights is shown; a larger or more varied image would decide."
            ),
            "exact": _("One filter fits all of them: {kernel}."),
            "rounded": _("Least squares, rounded to integers, gives {kernel}, which matches {correct} of {n} outputs."),
            "approximate": _(
                "No filter gives these outputs; the nearest is off by up to {error}. Were they rounded or noisy, or "
                "computed with a bias, an activation, padding or another stride?"
            ),
        }[self.certainty]
        message = _("{n} outputs are {n} linear equations in the {weights} weights of the filter.")
        lines = [
            message.format(n=n, weights=n_weights),
            conclusion.format(
                n=n,
                rank=self.rank,
                kernel=format_value(self.kernel[0] if len(self.kernel) == 1 else self.kernel),
                correct=n - len(self.mismatches),
                error=cell_text(float(np.abs(self.computed - self.feature_map).max())),
            ),
        ]
        if self.certainty == "rounded":
            message = _("Row {row}, column {column} should be {computed}, not {given}.")
            for one in self.mismatches[:MAX_LISTED]:
                computed, given = cell_text(one.computed), cell_text(one.given)
                lines.append(message.format(row=one.row + 1, column=one.column + 1, computed=computed, given=given))
        return lines

    def tables(self) -> Sequence[Table]:
        weights = []
        for (channel, row, column), weight in np.ndenumerate(self.kernel):
            exact = float(self.least_squares[channel, row, column])
            weights.append((f"{channel + 1}", f"{row + 1}, {column + 1}", exact, float(weight)))
        columns = (_("channel"), _("row, column"), _("least squares"), _("weight"))
        tables = [Table(_("Weights"), columns, weights, text_columns=2)]
        if self.mismatches:
            rows = [
                (f"{one.row + 1}, {one.column + 1}", one.given, one.computed, one.given - one.computed)
                for one in self.mismatches
            ]
            columns = (_("row, column"), _("given"), _("computed"), _("difference"))
            tables.append(Table(_("Mismatches"), columns, rows, max_rows=20))
        return tables

    def plot(self, figure: Figure) -> None:
        panels = np.asarray(figure.subfigures(1, 3, width_ratios=(4, 2, 3)))
        planes = ((self.image, _("image")), (self.kernel, _("filter")))
        for panel, (channels, title) in zip(panels, planes, strict=False):
            axes = panel.subplots(len(channels), 1, squeeze=False)[:, 0]
            for i, (ax, plane) in enumerate(zip(axes, channels, strict=True)):
                draw_matrix(ax, plane, title if not i else "")
        wrong = [(one.row, one.column) for one in self.mismatches]
        title = _("feature map; framed: mismatch") if wrong else _("feature map")
        draw_matrix(panels[2].subplots(), self.feature_map, title, framed=wrong)


def recover_filter(image: np.ndarray, feature_map: np.ndarray) -> FilterRecovery:
    """Find the filter that, with stride 1 and no padding, turns an image ([C,] H, W) into ``feature_map`` (H', W').

    Raises `ConfigError` when the feature map has several channels or is larger than the image.

    Examples
    --------
    >>> image = np.array([[1.0, 0, 2], [0, 3, 1], [1, 1, 0]])
    >>> recover_filter(image, np.array([[4.0, 3], [7, 4]])).certainty
    'exact'
    """
    image = image[None] if image.ndim == 2 else image
    if image.ndim != 3 or feature_map.ndim != 2:
        raise ConfigError(_("To find a filter, give one image and one feature map of one channel."))
    side = [n - outputs + 1 for n, outputs in zip(image.shape[1:], feature_map.shape, strict=True)]
    if min(side) < 1:
        message = _("A feature map of {rows} x {columns} is larger than its image of {height} x {width}.")
        rows, columns = feature_map.shape
        raise ConfigError(message.format(rows=rows, columns=columns, height=image.shape[1], width=image.shape[2]))
    windows = sliding_window_view(image, side, axis=(1, 2))  # (C, H', W', kh, kw)
    # One row of the system for each window: its inputs times the unknown weights are the output.
    equations = windows.transpose(1, 2, 0, 3, 4).reshape(feature_map.size, -1)
    solution, _residuals, rank, _singular = np.linalg.lstsq(equations, feature_map.ravel(), rcond=None)
    tolerance = TOLERANCE * max(1.0, float(np.abs(feature_map).max()))

    def differs(kernel: np.ndarray) -> np.ndarray:
        return np.abs(equations @ kernel - feature_map.ravel()) > tolerance  # (H' W',)

    kernel, certainty = solution, "approximate"
    if rank < solution.size:
        certainty = "underdetermined"
    elif not differs(solution).any():
        certainty = "exact"
    elif 2 * differs(np.rint(solution)).sum() < feature_map.size:  # a few slips move least squares, not its rounding
        kernel, certainty = np.rint(solution), "rounded"
    if np.abs(kernel - np.rint(kernel)).max() < TOLERANCE:
        kernel = np.rint(kernel) + 0.0  # no -0
    computed = (equations @ kernel).reshape(feature_map.shape)
    mismatches = [
        Mismatch(int(row), int(column), float(feature_map[row, column]), float(computed[row, column]))
        for row, column in np.argwhere(differs(kernel).reshape(computed.shape))
    ]
    mismatches.sort(key=lambda one: -abs(one.given - one.computed))
    shape = (len(image), *side)
    kernels = kernel.reshape(shape), solution.reshape(shape)
    return FilterRecovery(image, feature_map, *kernels, int(rank), certainty, computed, tuple(mismatches))
