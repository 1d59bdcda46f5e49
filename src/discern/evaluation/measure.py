"""Every number about a classifier comes from one table of probabilities and labels."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from discern.evaluation.calibration import BINS, assign_bins, measure_reliability
from discern.evaluation.confusion import class_rates
from discern.evaluation.intervals import (
    MIN_EXAMPLES,
    N_RESAMPLES,
    Interval,
    bootstrap_intervals,
    grouped_rate,
    iter_resamples,
    wilson,
)
from discern.evaluation.metrics import Metrics
from discern.evaluation.ranking import one_against_rest

MIN_PROBABILITY = 1e-12  # a probability below counts as this one in the log loss
RANKING_BUDGET = 30_000_000  # examples x classes x resamples to rank at most: seconds
BLOCK = 4_000_000  # probabilities that are sorted, or squared as float64, at a time: 32 MB
MANY = 100  # classes from which the five most probable are found without sorting all
MIN_RANKINGS = 100  # fewer resamples give no interval


def measure(
    probabilities: np.ndarray,
    labels: np.ndarray,
    classes: tuple[str, ...],
    n_resamples: int = N_RESAMPLES,
    seed: int = 0,
    split: str = "",
    unit: str = "images",
    groups: np.ndarray | None = None,
) -> Metrics:
    """Compute the metrics of predictions: probabilities float (N, C), rows sum to 1, and true classes int (N,).

    Intervals come from ``n_resamples`` of the bootstrap, drawn by ``seed``; 0 for none but those of the accuracies
    (Wilson's). Of examples in ``groups``, int (N,), whole groups are drawn. A `ValueError` says that there is no
    example.

    Examples
    --------
    >>> m = measure(np.array([[0.9, 0.1], [0.6, 0.4]]), np.array([0, 1]), ("cat", "dog"))
    >>> m.top1, m.confusion.tolist(), round(m.summary["brier"], 3)
    (0.5, [[1, 0], [1, 0]], 0.185)
    """
    n, count = probabilities.shape
    if n == 0:
        raise ValueError("no examples to measure on")
    columns = _Columns(probabilities, labels)
    confusion = np.zeros((count, count), dtype=np.int64)
    np.add.at(confusion, (labels, columns.predicted), 1)
    correct, in_top5 = int(columns.correct.sum()), int(columns.in_top5.sum())
    areas, precisions = one_against_rest(probabilities, labels)
    rates = {"top1": wilson(correct, n), "top5": wilson(in_top5, n)}
    design_effect = 1.0
    if groups is not None:
        plain = rates["top1"]
        rates = {"top1": grouped_rate(columns.correct, groups), "top5": grouped_rate(columns.in_top5, groups)}
        design_effect = max(1.0, (np.ptp(rates["top1"]) / np.ptp(plain)) ** 2)
    numbers = {name: float(values[0]) for name, values in columns.summarize(np.ones((1, n)), ranked=False).items()}
    numbers |= {"roc_auc": _mean_known(areas), "average_precision": _mean_known(precisions)}
    return Metrics(
        n=n,
        top1=correct / n,
        top5=in_top5 / n,
        loss=numbers["log_loss"],
        classes=tuple(classes),
        confusion=confusion,
        roc_auc=tuple(map(_finite, areas[0])),
        average_precision=tuple(map(_finite, precisions[0])),
        summary={name: _finite(number) for name, number in numbers.items()},
        intervals={**rates, **_bootstrap(columns, n_resamples, seed, groups)},
        reliability=measure_reliability(columns.probabilities, labels),
        split=split,
        unit=unit,
        groups=0 if groups is None else len(np.unique(groups)),
        design_effect=float(design_effect),
    )


class _Columns:
    """What each example contributes, (N,) each: a weighted sum of them is the metric of a resample."""

    def __init__(self, probabilities: np.ndarray, labels: np.ndarray) -> None:
        n, self.classes = probabilities.shape
        self.probabilities, self.labels = probabilities, labels
        true_probability = probabilities[np.arange(n), labels].astype(np.float64)
        rows = max(1, BLOCK // self.classes)
        blocks = [probabilities[start : start + rows] for start in range(0, n, rows)]
        order = np.concatenate([_find_top5(block) for block in blocks])
        self.predicted = order[:, 0]
        self.correct = self.predicted == labels
        self.in_top5 = (order == labels[:, None]).any(axis=1)
        self.losses = -np.log(np.clip(true_probability, MIN_PROBABILITY, 1.0))
        # sum over classes of (p - y)^2 = sum p^2 - 2 p_true + 1, for y is 1 for the true class and 0 for the others
        squares = np.concatenate([(block.astype(np.float64) ** 2).sum(axis=1) for block in blocks])
        squares = squares - 2 * true_probability + 1
        self.brier = squares / 2 if self.classes == 2 else squares
        confidence = probabilities.max(axis=1).astype(np.float64)
        self.bins, self.gaps = assign_bins(confidence), confidence - self.correct

    def summarize(self, weights: np.ndarray, ranked: bool) -> dict[str, np.ndarray]:
        """Compute the numbers of `Metrics.summary`, (B,) each, where example n counts ``weights[b, n]`` times."""
        tp = _sum_by(weights * self.correct, self.labels, self.classes)
        predicted = _sum_by(weights, self.predicted, self.classes)
        support = _sum_by(weights, self.labels, self.classes)
        present, total = support > 0, weights.sum(axis=1)
        rates = dict(zip(("precision", "recall", "f1"), class_rates(tp, predicted, support), strict=True))
        gaps = np.abs(_sum_by(weights * self.gaps, self.bins, BINS)).sum(axis=1)
        numbers = {f"macro_{name}": _mean(values, present | (predicted > 0)) for name, values in rates.items()}
        numbers |= {f"weighted_{name}": (values * support).sum(axis=1) / total for name, values in rates.items()}
        numbers |= {
            "balanced_accuracy": _mean(rates["recall"], present),
            "log_loss": weights @ self.losses / total,
            "brier": weights @ self.brier / total,
            "calibration_error": gaps / total,
        }
        if ranked:
            areas, precisions = one_against_rest(self.probabilities, self.labels, weights)
            numbers["roc_auc"] = _mean(areas, np.isfinite(areas))
            numbers["average_precision"] = _mean(precisions, np.isfinite(precisions))
        return numbers


def _bootstrap(columns: _Columns, n_resamples: int, seed: int, groups: np.ndarray | None) -> dict[str, Interval]:
    """Compute percentile intervals; ranking many classes costs most, and has fewer resamples or none."""
    n = len(columns.labels)
    if n_resamples == 0 or (n if groups is None else len(np.unique(groups))) < MIN_EXAMPLES:
        return dict.fromkeys([*columns.summarize(np.ones((1, n)), ranked=False), "roc_auc", "average_precision"])
    affordable = min(n_resamples, RANKING_BUDGET // (n * columns.classes))

    def resample() -> Iterator[dict[str, np.ndarray]]:
        done = 0
        for weights in iter_resamples(n, n_resamples, seed, groups):
            yield columns.summarize(weights, ranked=done < affordable >= MIN_RANKINGS)
            done += len(weights)

    return {"roc_auc": None, "average_precision": None, **bootstrap_intervals(resample())}


def _find_top5(probabilities: np.ndarray) -> np.ndarray:
    """Return the five most probable classes (all of fewer), (N, 5), for (N, C): of equals the first class wins."""
    n, classes = probabilities.shape
    if classes <= MANY:
        return np.argsort(-probabilities, axis=1, kind="stable")[:, :5]
    fifth = np.partition(probabilities, -5, axis=1)[:, -5]  # a tenth of a sort's time at 10,000 classes
    row, label = np.nonzero(probabilities >= fifth[:, None])  # five a row, and those equal to the fifth
    order = np.lexsort((label, -probabilities[row, label], row))
    starts = np.searchsorted(row, np.arange(n))
    top5: np.ndarray = label[order][starts[:, None] + np.arange(5)]
    return top5


def _sum_by(weights: np.ndarray, key: np.ndarray, count: int) -> np.ndarray:
    """Sum float (B, N) by key (N,) -> (B, count)."""
    return np.stack([np.bincount(key, weights=row, minlength=count) for row in weights])


def _mean(values: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Return the mean of each row where ``mask``, nan where it is nowhere."""
    count = mask.sum(axis=1)
    total = np.where(mask, values, 0.0).sum(axis=1)
    return np.divide(total, count, out=np.full(len(count), np.nan), where=count > 0)


def _mean_known(values: np.ndarray) -> float:
    """Return the mean of what is finite in (1, C), nan where nothing is."""
    return float(_mean(values, np.isfinite(values))[0])


def _finite(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None
