"""Every number about a classifier comes from one table of probabilities and labels."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from discern.evaluation.calibration import BINS, Reliability, bin_of, reliability
from discern.evaluation.intervals import LEAST, RESAMPLES, percentiles, resamples, wilson
from discern.evaluation.ranking import one_against_rest

SMALLEST = 1e-12  # a probability below counts as this one in the log loss
BUDGET, FEWEST = 30_000_000, 100  # pictures x classes x resamples to rank at most; fewer resamples give no interval

Interval = tuple[float, float] | None


@dataclass(frozen=True, eq=False)
class Metrics:
    """What a classifier did on ``n`` labelled pictures.

    Attributes
    ----------
    n : int
        Pictures.
    top1, top5 : float
        Share whose class is the first, or among the first five.
    loss : float
        Mean cross-entropy (log loss), in nats.
    interval : tuple of float
        95 % Wilson interval of ``top1``.
    classes : tuple of str
        Class names, the order of the rows and columns below.
    confusion : numpy.ndarray
        int (C, C): rows are the true class, columns the predicted one.
    roc_auc, average_precision : tuple
        (C,) one class against the rest; None where there is nothing to rank.
    summary : mapping of str to float
        ``macro_precision``, ``macro_recall``, ``macro_f1`` (over the classes that are there or were predicted),
        ``weighted_precision``, ``weighted_recall``, ``weighted_f1`` (by support), ``balanced_accuracy`` (mean recall of
        the classes that are there), ``log_loss``, ``brier`` (summed over the classes, for two classes half of it),
        ``calibration_error``, ``roc_auc`` and ``average_precision`` (means over the classes where they are known; None
        where none is).
    intervals : mapping
        The 95 % interval of each number in ``summary``, by the bootstrap, and of ``top1`` and ``top5`` (Wilson). None
        where pictures are fewer than 10, no resample differs, or ranking them often enough takes too long.
    reliability : Reliability
        The reliability diagram.
    """

    n: int
    top1: float
    top5: float
    loss: float
    interval: tuple[float, float]
    classes: tuple[str, ...]
    confusion: np.ndarray
    roc_auc: tuple[float | None, ...]
    average_precision: tuple[float | None, ...]
    summary: Mapping[str, float | None]
    intervals: Mapping[str, Interval]
    reliability: Reliability

    def per_class(self) -> dict[str, dict[str, Any]]:
        """Precision, recall, F1 and support of each class, ROC-AUC and average precision; intervals of the rates.

        A share of nothing is 0, as in scikit-learn's reports, and its interval None.
        """
        support, picked = self.confusion.sum(axis=1), self.confusion.sum(axis=0)
        hits = np.diag(self.confusion)
        precision, recall, f1 = _rates(*(each[None].astype(float) for each in (hits, picked, support)))
        return {
            name: {
                "precision": float(precision[0, c]),
                "recall": float(recall[0, c]),
                "f1": float(f1[0, c]),
                "support": float(support[c]),
                "precision_interval": _wilson(hits[c], picked[c]),
                "recall_interval": _wilson(hits[c], support[c]),
                "roc_auc": self.roc_auc[c],
                "average_precision": self.average_precision[c],
            }
            for c, name in enumerate(self.classes)
        }

    def to_json(self) -> dict[str, Any]:
        """As the command line prints it."""
        return {
            "top1": self.top1,
            "top5": self.top5,
            "loss": self.loss,
            "n": self.n,
            "interval": list(self.interval),
            "summary": dict(self.summary),
            "intervals": {name: interval and list(interval) for name, interval in self.intervals.items()},
            "per_class": self.per_class(),
            "reliability": self.reliability.to_json(),
            "confusion": self.confusion.tolist(),
            "classes": list(self.classes),
        }

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Metrics:
        """The metrics that `to_json` wrote."""
        rows = value["per_class"].values()
        low, high = value["interval"]
        return cls(
            n=value["n"],
            top1=value["top1"],
            top5=value["top5"],
            loss=value["loss"],
            interval=(low, high),
            classes=tuple(value["classes"]),
            confusion=np.array(value["confusion"], dtype=np.int64),
            roc_auc=tuple(row["roc_auc"] for row in rows),
            average_precision=tuple(row["average_precision"] for row in rows),
            summary=value["summary"],
            intervals={name: interval and tuple(interval) for name, interval in value["intervals"].items()},
            reliability=Reliability.from_json(value["reliability"]),
        )


def measure(
    probabilities: np.ndarray,
    labels: np.ndarray,
    classes: tuple[str, ...],
    draws: int = RESAMPLES,
    seed: int = 0,
) -> Metrics:
    """Metrics of predictions.

    Parameters
    ----------
    probabilities : numpy.ndarray
        float (N, C), rows sum to 1.
    labels : numpy.ndarray
        int (N,), the true classes.
    classes : tuple of str
        Names of the C classes.
    draws : int
        Resamples of the bootstrap; 0 for no intervals but Wilson's.
    seed : int
        Of the bootstrap.

    Raises
    ------
    ValueError
        When there is no picture.

    Examples
    --------
    >>> m = measure(np.array([[0.9, 0.1], [0.6, 0.4]]), np.array([0, 1]), ("cat", "dog"))
    >>> m.top1, m.confusion.tolist(), round(m.summary["brier"], 3)
    (0.5, [[1, 0], [1, 0]], 0.185)
    """
    n, count = probabilities.shape
    if n == 0:
        raise ValueError("no pictures to measure on")
    table = _Table(probabilities, labels)
    confusion = np.zeros((count, count), dtype=np.int64)
    np.add.at(confusion, (labels, table.predicted), 1)
    correct, among = int(table.correct.sum()), int(table.among.sum())
    areas, precisions = one_against_rest(table.probabilities, labels)
    found = {name: float(values[0]) for name, values in table.figures(np.ones((1, n)), ranked=True).items()}
    return Metrics(
        n=n,
        top1=correct / n,
        top5=among / n,
        loss=found["log_loss"],
        interval=wilson(correct, n),
        classes=tuple(classes),
        confusion=confusion,
        roc_auc=tuple(map(_known, areas[0])),
        average_precision=tuple(map(_known, precisions[0])),
        summary={name: _known(number) for name, number in found.items()},
        intervals={"top1": wilson(correct, n), "top5": wilson(among, n), **_bootstrap(table, draws, seed)},
        reliability=reliability(table.probabilities, labels),
    )


class _Table:
    """What the figures are made of: a few columns with a row a picture."""

    def __init__(self, probabilities: np.ndarray, labels: np.ndarray) -> None:
        n, self.classes = probabilities.shape
        self.probabilities, self.labels = probabilities.astype(np.float64), labels
        chosen = self.probabilities[np.arange(n), labels]
        order = np.argsort(-self.probabilities, axis=1, kind="stable")[:, :5]
        self.predicted = order[:, 0]
        self.correct = self.predicted == labels
        self.among = (order == labels[:, None]).any(axis=1)
        self.losses = -np.log(np.clip(chosen, SMALLEST, 1.0))
        # the sum over the classes of (probability - truth)^2
        squares = (self.probabilities**2).sum(axis=1) - 2 * chosen + 1
        self.brier = squares / 2 if self.classes == 2 else squares
        confidence = self.probabilities.max(axis=1)
        self.bins, self.gaps = bin_of(confidence), confidence - self.correct

    def figures(self, weights: np.ndarray, ranked: bool) -> dict[str, np.ndarray]:
        """The numbers of `Metrics.summary`, (B,) each, where picture n counts ``weights[b, n]`` times."""
        hits = _sums(weights * self.correct, self.labels, self.classes)
        picked = _sums(weights, self.predicted, self.classes)
        support = _sums(weights, self.labels, self.classes)
        there, total = support > 0, weights.sum(axis=1)
        columns = dict(zip(("precision", "recall", "f1"), _rates(hits, picked, support), strict=True))
        gaps = np.abs(_sums(weights * self.gaps, self.bins, BINS)).sum(axis=1)
        found = {f"macro_{name}": _mean(values, there | (picked > 0)) for name, values in columns.items()}
        found |= {f"weighted_{name}": (values * support).sum(axis=1) / total for name, values in columns.items()}
        found |= {
            "balanced_accuracy": _mean(columns["recall"], there),
            "log_loss": weights @ self.losses / total,
            "brier": weights @ self.brier / total,
            "calibration_error": gaps / total,
        }
        if ranked:
            areas, precisions = one_against_rest(self.probabilities, self.labels, weights)
            found |= {"roc_auc": _mean(areas, np.isfinite(areas))}
            found |= {"average_precision": _mean(precisions, np.isfinite(precisions))}
        return found


def _bootstrap(table: _Table, draws: int, seed: int) -> dict[str, Interval]:
    """Percentile intervals of the figures; ranking many classes costs most, and has fewer resamples or none."""
    n = len(table.labels)
    if n < LEAST or draws == 0:
        return dict.fromkeys(table.figures(np.ones((1, n)), ranked=True))
    affordable = min(draws, BUDGET // (n * table.classes))
    found: dict[str, list[np.ndarray]] = {}
    done = 0
    for weights in resamples(n, draws, seed):
        ranked = done < affordable >= FEWEST
        for name, values in table.figures(weights, ranked).items():
            found.setdefault(name, []).append(values)
        done += len(weights)
    intervals = {name: percentiles(np.concatenate(values)) for name, values in found.items()}
    return {"roc_auc": None, "average_precision": None, **intervals}


def _rates(hits: np.ndarray, picked: np.ndarray, support: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Precision, recall and F1 of each class, (B, C) each; a share of nothing is 0."""
    pairs = ((hits, picked), (hits, support), (2 * hits, picked + support))
    precision, recall, f1 = (np.divide(a, b, out=np.zeros_like(a), where=b > 0) for a, b in pairs)
    return precision, recall, f1


def _sums(weights: np.ndarray, key: np.ndarray, count: int) -> np.ndarray:
    """float (B, N) summed by key (N,) -> (B, count)."""
    return np.stack([np.bincount(key, weights=row, minlength=count) for row in weights])


def _mean(values: np.ndarray, there: np.ndarray) -> np.ndarray:
    """The mean of each row where ``there``, nan where nowhere."""
    count = there.sum(axis=1)
    total = np.where(there, values, 0.0).sum(axis=1)
    return np.divide(total, count, out=np.full(len(count), np.nan), where=count > 0)


def _known(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None


def _wilson(successes: int, n: int) -> Interval:
    return wilson(int(successes), int(n)) if n else None
