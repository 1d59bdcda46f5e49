"""The confusion matrix: how often each class was predicted as each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from discern.i18n import _
from discern.result import Result, Table

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import FigureBase

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
        errors = self.counts * (1 - np.eye(len(self.counts), dtype=np.int64))
        if not errors.any():
            return [_("No class is confused with another.")]
        true, predicted = np.unravel_index(errors.argmax(), errors.shape)
        message = _("Most often confused: {true}, predicted as {predicted} ({n} of {support}).")
        n, support = errors[true, predicted], self.counts[true].sum()
        return [message.format(true=self.classes[true], predicted=self.classes[predicted], n=n, support=support)]

    def tables(self) -> list[Table]:
        rows = [(name, *counts) for name, counts in zip(self.classes, self.counts.tolist(), strict=True)]
        return [Table(_("Confusion matrix"), (_("true ↓ predicted →"), *self.classes), rows)]

    def plot(self, figure: FigureBase) -> None:
        """Draw it shaded per row: rare classes show as clearly as frequent ones."""
        ax = figure.subplots()
        fractions = self.counts / np.maximum(self.counts.sum(axis=1, keepdims=True), 1)
        ax.imshow(fractions, cmap="Blues", vmin=0, vmax=1)
        if len(self.classes) <= MAX_NUMBERED:
            places = range(len(self.classes))
            ax.set_xticks(places, self.classes, rotation=45, ha="right", fontsize=8)
            ax.set_yticks(places, self.classes, fontsize=8)
            self._number(ax, fractions)
        ax.set(xlabel=_("predicted class"), ylabel=_("true class"))
        ax.set_title(_("confusion matrix, shaded per row"))

    def _number(self, ax: Axes, fractions: np.ndarray) -> None:
        for (true, predicted), n in np.ndenumerate(self.counts):
            if n:
                color = "white" if fractions[true, predicted] > 0.5 else "black"
                ax.text(predicted, true, str(n), ha="center", va="center", color=color, fontsize=7)


def class_rates(
    tp: np.ndarray, predicted: np.ndarray, support: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Compute precision, recall and F1 of each class, (B, C) each; a fraction of nothing is 0.

    F1, the harmonic mean of the two, is 2 tp / (2 tp + fp + fn), and predicted + support is just that sum.
    """
    pairs = ((tp, predicted), (tp, support), (2 * tp, predicted + support))
    precision, recall, f1 = (np.divide(a, b, out=np.zeros_like(a), where=b > 0) for a, b in pairs)
    return precision, recall, f1
