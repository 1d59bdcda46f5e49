"""Every number about a classifier comes from one table of probabilities and labels."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np


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
        Mean cross-entropy, in nats.
    interval : tuple of float
        95 % Wilson interval of ``top1``.
    classes : tuple of str
        Class names, the order of the rows and columns below.
    confusion : numpy.ndarray
        int (C, C): rows are the true class, columns the predicted one.
    """

    n: int
    top1: float
    top5: float
    loss: float
    interval: tuple[float, float]
    classes: tuple[str, ...]
    confusion: np.ndarray

    def per_class(self) -> dict[str, dict[str, float]]:
        """Precision, recall, F1 and support of each class; 0 where a share has nothing to be taken of."""
        hits = np.diag(self.confusion).astype(float)
        support, predicted = self.confusion.sum(axis=1), self.confusion.sum(axis=0)
        precision = np.divide(hits, predicted, out=np.zeros_like(hits), where=predicted > 0)
        recall = np.divide(hits, support, out=np.zeros_like(hits), where=support > 0)
        both = precision + recall
        f1 = np.divide(2 * precision * recall, both, out=np.zeros_like(hits), where=both > 0)
        columns = zip(precision.tolist(), recall.tolist(), f1.tolist(), support.tolist(), strict=True)
        return {
            name: {"precision": p, "recall": r, "f1": f, "support": s}
            for name, (p, r, f, s) in zip(self.classes, columns, strict=True)
        }

    def to_json(self) -> dict[str, Any]:
        """As the command line prints it."""
        return {
            "top1": self.top1,
            "top5": self.top5,
            "loss": self.loss,
            "n": self.n,
            "interval": list(self.interval),
            "per_class": self.per_class(),
            "confusion": self.confusion.tolist(),
            "classes": list(self.classes),
        }

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Metrics:
        """The metrics that `to_json` wrote."""
        return cls(
            n=value["n"],
            top1=value["top1"],
            top5=value["top5"],
            loss=value["loss"],
            interval=tuple(value["interval"]),
            classes=tuple(value["classes"]),
            confusion=np.array(value["confusion"], dtype=np.int64),
        )


def measure(probabilities: np.ndarray, labels: np.ndarray, classes: tuple[str, ...]) -> Metrics:
    """Metrics of predictions.

    Parameters
    ----------
    probabilities : numpy.ndarray
        float (N, C), rows sum to 1.
    labels : numpy.ndarray
        int (N,), the true classes.
    classes : tuple of str
        Names of the C classes.

    Raises
    ------
    ValueError
        When there is no picture.

    Examples
    --------
    >>> m = measure(np.array([[0.9, 0.1], [0.6, 0.4]]), np.array([0, 1]), ("cat", "dog"))
    >>> m.top1, m.confusion.tolist()
    (0.5, [[1, 0], [1, 0]])
    """
    n, count = probabilities.shape
    if n == 0:
        raise ValueError("no pictures to measure on")
    order = np.argsort(-probabilities, axis=1, kind="stable")
    hits = order == labels[:, None]
    confusion = np.zeros((count, count), dtype=np.int64)
    np.add.at(confusion, (labels, order[:, 0]), 1)
    correct = int(hits[:, 0].sum())
    chosen = probabilities[np.arange(n), labels].astype(np.float64)
    return Metrics(
        n=n,
        top1=correct / n,
        top5=float(hits[:, :5].any(axis=1).mean()),
        loss=float(-np.log(np.clip(chosen, 1e-12, 1.0)).mean()),
        interval=wilson(correct, n),
        classes=tuple(classes),
        confusion=confusion,
    )


def wilson(successes: int, n: int, z: float = 1.959963984540054) -> tuple[float, float]:
    """The Wilson score interval of a rate (Wilson 1927, JASA 22:209), 95 % unless ``z`` says otherwise.

    Examples
    --------
    >>> [round(x, 3) for x in wilson(9, 10)]
    [0.596, 0.982]
    """
    rate = successes / n
    middle = (rate + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * math.sqrt(rate * (1 - rate) / n + z * z / (4 * n * n))
    low = 0.0 if successes == 0 else max(0.0, middle - half)
    high = 1.0 if successes == n else min(1.0, middle + half)
    return low, high
