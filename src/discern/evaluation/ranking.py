"""How well a class's probability ranks its images above the rest: ROC-AUC and average precision."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

COLUMNS = 64  # of probabilities that are copied at a time
FEW = 16  # true examples up to which counting is faster than sorting all examples


class Ranked:
    """The examples in order of one class's probability; those of equal probability form one group.

    Every distinct probability is a threshold: whatever stands at or above it is predicted positive. So one sort gives
    the true and the false positives of all thresholds, and every curve over thresholds follows from these counts.
    Scores are float (N,), high for the class; the truth is bool (N,), whether the example is of the class.

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
        group_ends = np.flatnonzero(np.append(ordered[1:] != ordered[:-1], True))
        self.ends, self.thresholds = group_ends, ordered[group_ends]  # (groups,) each, the highest threshold first

    def counts(self, weights: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray]:
        """Return true and false positives at each threshold: (B, groups) each, for weights (B, N)."""
        w = np.ones((1, len(self.order))) if weights is None else weights[:, self.order]
        tp = np.cumsum(w * self.truth, axis=1)[:, self.ends]
        return tp, np.cumsum(w, axis=1)[:, self.ends] - tp

    def roc_auc(self, weights: np.ndarray | None = None) -> np.ndarray:
        """Compute the area under the ROC curve (B,); nan where one side has no example."""
        return _area(*self.counts(weights))

    def average_precision(self, weights: np.ndarray | None = None) -> np.ndarray:
        """Compute the mean of the precision over the steps of recall (B,); nan where the class has no example."""
        return _average_precision(*self.counts(weights))


def _area(tp: np.ndarray, fp: np.ndarray) -> np.ndarray:
    """Sum the trapezoids below the ROC curve: a group of equal scores rises diagonally, as if its order were random."""
    height = tp - np.diff(tp, prepend=0.0, axis=1) / 2  # middle of each step up
    area = (np.diff(fp, prepend=0.0, axis=1) * height).sum(axis=1)
    pairs = tp[:, -1] * fp[:, -1]  # the axes count examples, not rates: divide once by both totals
    return np.divide(area, pairs, out=np.full(len(pairs), np.nan), where=pairs > 0)


def _average_precision(tp: np.ndarray, fp: np.ndarray) -> np.ndarray:
    """Sum precision times gain in recall: no interpolation, which would flatter (scikit-learn's rule)."""
    predicted = tp + fp
    precision = np.divide(tp, predicted, out=np.zeros_like(tp), where=predicted > 0)
    support = tp[:, -1]
    gains = (np.diff(tp, prepend=0.0, axis=1) * precision).sum(axis=1)
    return np.divide(gains, support, out=np.full(len(support), np.nan), where=support > 0)


def _iter_columns(probabilities: np.ndarray) -> Iterator[tuple[int, np.ndarray]]:
    """Yield each class and its column, (N,): blocks of columns are copied, for one is spread over all the memory."""
    for start in range(0, probabilities.shape[1], COLUMNS):
        for i, column in enumerate(np.ascontiguousarray(probabilities[:, start : start + COLUMNS].T)):
            yield start + i, column


def _count_few(scores: np.ndarray, truth: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return what `Ranked.counts` does, at the thresholds around the few true examples only, without a sort.

    Between two of them only false positives come in, by steps that are one for the area and count for no precision.
    """
    positives = np.sort(scores[truth])[::-1]
    thresholds = positives[np.append(True, positives[1:] != positives[:-1])[: len(positives)]]
    tp, fp = [], []
    for threshold in thresholds.tolist():
        above, equal = int(np.count_nonzero(scores > threshold)), int(np.count_nonzero(scores >= threshold))
        before = int(np.count_nonzero(positives > threshold))
        tp += [before, int(np.count_nonzero(positives >= threshold))]
        fp += [above - before, equal - tp[-1]]
    tp.append(len(positives))
    fp.append(len(scores) - len(positives))
    return np.array([tp], dtype=float), np.array([fp], dtype=float)


def one_against_rest(
    probabilities: np.ndarray, labels: np.ndarray, weights: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Compute ROC-AUC and average precision of every class: (B, C) each, nan where there is nothing to rank.

    Probabilities are float (N, C), labels int (N,), weights float (B, N): how often each counts in each resample.
    """
    areas, precisions = [], []
    support = np.bincount(labels, minlength=probabilities.shape[1])
    for c, column in _iter_columns(probabilities):
        if weights is None and support[c] <= FEW:
            counts = _count_few(column, labels == c)
        else:
            counts = Ranked(column, labels == c).counts(weights)
        areas.append(_area(*counts))
        precisions.append(_average_precision(*counts))
    return np.stack(areas, axis=1), np.stack(precisions, axis=1)
