"""The confusion matrix: how often each class was predicted as each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from discern.i18n import _
from discern.result import Result, Table

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import FigureBase

MAX_COLUMNS = 60  # classes up to which the table is a matrix, and rows of that of what is confused
MAX_DRAWN = 500  # rows of the drawn matrix
MAX_NUMBERED = 20  # classes up to which the cells of the drawn matrix hold their counts


@dataclass(frozen=True, eq=False)
class ConfusionMatrix(Result):
    """How often each class was predicted as each."""

    classes: tuple[str, ...]
    counts: np.ndarray  # int (C, C): rows are the true class, columns the predicted one

    @property
    def figsize(self) -> tuple[float, float]:
        return 5.5, 4.5

    def sentences(self) -> list[str]:
        errors = self._rank_errors()
        if not errors:
            return [_("No class is confused with another.")]
        true, predicted, n = errors[0]
        message = _("Most often confused: {true}, predicted as {predicted} ({n} of {support}).")
        support = self.counts[true].sum()
        return [message.format(true=self.classes[true], predicted=self.classes[predicted], n=n, support=support)]

    def tables(self) -> list[Table]:
        if len(self.classes) > MAX_COLUMNS:
            errors = [(self.classes[true], self.classes[predicted], n) for true, predicted, n in self._rank_errors()]
            columns = (_("true class"), _("predicted class"), _("n"))
            return [
                Table(_("Confusion matrix: what is confused, most often first"), columns, errors, max_rows=MAX_COLUMNS)
            ]
        rows = [(name, *counts) for name, counts in zip(self.classes, self.counts.tolist(), strict=True)]
        return [Table(_("Confusion matrix"), (_("true ↓ predicted →"), *self.classes), rows)]

    def plot(self, figure: FigureBase) -> None:
        """Draw it shaded per row: rare classes show as clearly as frequent ones."""
        ax = figure.subplots()
        counts = self.counts
        if len(counts) > MAX_DRAWN:  # neighbors share a cell, which is smaller than a pixel otherwise
            true, predicted = np.nonzero(counts)
            step = -(-len(counts) // MAX_DRAWN)
            cells, side = true // step * -(-len(counts) // step) + predicted // step, -(-len(counts) // step)
            counts = np.bincount(cells, counts[true, predicted], side * side).reshape(side, side)
        fractions = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
        ax.imshow(fractions, cmap="Blues", vmin=0, vmax=1)
        if len(self.classes) <= MAX_NUMBERED:
            places = range(len(self.classes))
            ax.set_xticks(places, self.classes, rotation=45, ha="right", fontsize=8)
            ax.set_yticks(places, self.classes, fontsize=8)
            self._number(ax, fractions)
        ax.set(xlabel=_("predicted class"), ylabel=_("true class"))
        ax.set_title(_("confusion matrix, shaded per row"))

    def to_json(self) -> dict[str, Any]:
        return {"classes": list(self.classes), "counts": counts_to_json(self.counts)}

    def _rank_errors(self) -> list[tuple[int, int, int]]:
        """List (true class, predicted class, count) of what is confused, the most frequent first."""
        true, predicted = np.nonzero(self.counts)
        true, predicted = true[true != predicted], predicted[true != predicted]
        order = np.argsort(-self.counts[true, predicted], kind="stable")
        columns = (true[order], predicted[order], self.counts[true, predicted][order])
        return list(zip(*(column.tolist() for column in columns), strict=True))

    def _number(self, ax: Axes, fractions: np.ndarray) -> None:
        for (true, predicted), n in np.ndenumerate(self.counts):
            if n:
                color = "white" if fractions[true, predicted] > 0.5 else "black"
                ax.text(predicted, true, str(n), ha="center", va="center", color=color, fontsize=7)


def counts_to_json(counts: np.ndarray) -> dict[str, list[int]]:
    """Return the counts, int (C, C), that are not zero, as columns: their number is the examples', not the classes'.

    Examples
    --------
    >>> counts_to_json(np.array([[5, 0], [2, 3]]))
    {'true': [0, 1, 1], 'predicted': [0, 0, 1], 'n': [5, 2, 3]}
    """
    true, predicted = np.nonzero(counts)
    return {"true": true.tolist(), "predicted": predicted.tolist(), "n": counts[true, predicted].tolist()}


def counts_from_json(value: Any, classes: int) -> np.ndarray:
    """Return the counts int (C, C) that `counts_to_json` wrote, or, as it did before, rows of them.

    A `ValueError` or an `IndexError` says that they do not fit.
    """
    if isinstance(value, list):
        return np.array(value, dtype=np.int64).reshape(classes, classes)
    true, predicted, n = (np.array(value[name], dtype=np.int64) for name in ("true", "predicted", "n"))
    if min(true.min(initial=0), predicted.min(initial=0)) < 0:
        raise ValueError("a class below 0")
    counts = np.zeros((classes, classes), dtype=np.int64)
    counts[true, predicted] = n
    return counts


def class_rates(
    tp: np.ndarray, predicted: np.ndarray, support: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Compute precision, recall and F1 of each class, (B, C) each; a fraction of nothing is 0.

    F1, the harmonic mean of the two, is 2 tp / (2 tp + fp + fn), and predicted + support is just that sum.
    """
    pairs = ((tp, predicted), (tp, support), (2 * tp, predicted + support))
    precision, recall, f1 = (np.divide(a, b, out=np.zeros_like(a), where=b > 0) for a, b in pairs)
    return precision, recall, f1
