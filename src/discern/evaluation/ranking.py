"""How well a class's probability ranks its pictures above the rest: ROC-AUC and average precision."""

from __future__ import annotations

import numpy as np


class Ranked:
    """The pictures in order of one class's probability, equal ones together.

    Parameters
    ----------
    scores : numpy.ndarray
        float (N,), high for the class.
    truth : numpy.ndarray
        bool (N,), whether the picture is of the class.

    Examples
    --------
    >>> ranked = Ranked(np.array([0.9, 0.8, 0.1]), np.array([True, False, True]))
    >>> ranked.roc_auc().tolist(), ranked.average_precision().round(3).tolist()
    ([0.5], [0.833])
    """

    def __init__(self, scores: np.ndarray, truth: np.ndarray) -> None:
        self.order = np.argsort(-scores, kind="stable")
        self.truth = truth[self.order]
        ordered = scores[self.order]
        self.ends = np.flatnonzero(np.append(ordered[1:] != ordered[:-1], True))  # the last of each group of equals

    def counts(self, weights: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray]:
        """Right and wrong pictures at or above each distinct score: (B, groups) each, for weights (B, N)."""
        w = np.ones((1, len(self.order))) if weights is None else weights[:, self.order]
        right = np.cumsum(w * self.truth, axis=1)[:, self.ends]
        return right, np.cumsum(w, axis=1)[:, self.ends] - right

    def roc_auc(self, weights: np.ndarray | None = None) -> np.ndarray:
        """Area under the ROC curve (B,); nan where one side has no picture."""
        return _area(*self.counts(weights))

    def average_precision(self, weights: np.ndarray | None = None) -> np.ndarray:
        """Mean of the precision over the steps of recall (B,); nan where the class has no picture."""
        return _average_precision(*self.counts(weights))


def _area(right: np.ndarray, wrong: np.ndarray) -> np.ndarray:
    middle = right - np.diff(right, prepend=0.0, axis=1) / 2
    area = (np.diff(wrong, prepend=0.0, axis=1) * middle).sum(axis=1)
    both = right[:, -1] * wrong[:, -1]
    return np.divide(area, both, out=np.full(len(both), np.nan), where=both > 0)


def _average_precision(right: np.ndarray, wrong: np.ndarray) -> np.ndarray:
    picked = right + wrong
    precision = np.divide(right, picked, out=np.zeros_like(right), where=picked > 0)
    total = right[:, -1]
    steps = (np.diff(right, prepend=0.0, axis=1) * precision).sum(axis=1)
    return np.divide(steps, total, out=np.full(len(total), np.nan), where=total > 0)


def one_against_rest(
    probabilities: np.ndarray, labels: np.ndarray, weights: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """ROC-AUC and average precision of every class: (B, C) each, nan where there is nothing to rank.

    Parameters
    ----------
    probabilities : numpy.ndarray
        float (N, C).
    labels : numpy.ndarray
        int (N,).
    weights : numpy.ndarray, optional
        float (B, N): how often each picture counts in each resample.
    """
    areas, precisions = [], []
    for c in range(probabilities.shape[1]):
        counts = Ranked(probabilities[:, c], labels == c).counts(weights)
        areas.append(_area(*counts))
        precisions.append(_average_precision(*counts))
    return np.stack(areas, axis=1), np.stack(precisions, axis=1)
