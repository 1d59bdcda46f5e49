"""Whether 80 % sure is right in 80 % of the cases; and one number, the temperature, that makes it more so."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from discern.evaluation.intervals import Interval, interval_text, wilson
from discern.i18n import _
from discern.notices import Notice
from discern.result import Result, Table

if TYPE_CHECKING:
    from matplotlib.figure import FigureBase

BINS = 15  # as Guo et al.
BUDGET = 20_000_000  # examples x classes that a temperature is fitted to at most: one number needs no more
MIN_EXAMPLES, MIN_ERRORS, FOLDS, STANDARD_ERRORS = 100, 5, 5, 2.0  # see `choose_temperature`
MIN_TEMPERATURE, MAX_TEMPERATURE = 0.05, 20.0
TINY = float(np.finfo(np.float32).tiny)


@dataclass(frozen=True)
class Reliability(Result):
    """The reliability diagram: examples in bins of equal width by the probability of the predicted class."""

    edges: tuple[float, ...]  # (bins + 1,) from 0 to 1; a bin holds its upper edge
    count: tuple[int, ...]  # (bins,) examples
    confidence: tuple[float, ...]  # (bins,) their mean probability, 0 in an empty bin
    accuracy: tuple[float, ...]  # (bins,) the fraction of correct ones, 0 in an empty bin

    @property
    def figsize(self) -> tuple[float, float]:
        return 5.5, 4.5

    @property
    def error(self) -> float:
        """Expected calibration error (Naeini et al. 2015): the gap of each bin, weighted by its examples."""
        gaps = zip(self.count, self.confidence, self.accuracy, strict=True)
        return sum(n * abs(c - a) for n, c, a in gaps) / max(1, sum(self.count))

    def intervals(self) -> tuple[Interval, ...]:
        """Compute the Wilson interval of each bin's accuracy; None for an empty bin."""
        return tuple(wilson(round(a * n), n) if n else None for n, a in zip(self.count, self.accuracy, strict=True))

    def sentences(self) -> list[str]:
        return [_("Expected calibration error {error:.3f} (n {n:,}).").format(error=self.error, n=sum(self.count))]

    def tables(self) -> list[Table]:
        columns = [_("probability of the predicted class"), _("n"), _("mean probability"), _("accuracy"), _("95 % CI")]
        bins = zip(pairwise(self.edges), self.count, self.confidence, self.accuracy, self.intervals(), strict=True)
        rows = [
            (f"{low:.2f}–{high:.2f}", n, f"{confidence:.3f}", f"{accuracy:.3f}", interval_text(bounds, ".3f"))
            for (low, high), n, confidence, accuracy, bounds in bins
            if n
        ]
        return [Table(_("Calibration"), columns, rows)]

    def plot(self, figure: FigureBase) -> None:
        """Draw accuracy against confidence, a bar a bin with its interval; on the diagonal they agree."""
        ax = figure.subplots()
        filled = np.array(self.count) > 0
        edges, heights = np.array(self.edges), np.array(self.accuracy)[filled]
        low, high = np.array([interval for interval in self.intervals() if interval]).reshape(-1, 2).T
        centres = ((edges[:-1] + edges[1:]) / 2)[filled]
        error_bars = [heights - low, high - heights]
        ax.bar(centres, heights, width=0.9 * (edges[1] - edges[0]), yerr=error_bars, ecolor="0.4", capsize=2)
        ax.plot([0, 1], [0, 1], color="0.5", linestyle="--")
        ax.set(xlim=(0, 1), ylim=(0, 1), xlabel=_("probability of the predicted class"), ylabel=_("accuracy"))
        ax.set_title(_("calibration error {error:.3f} (n {n})").format(error=self.error, n=sum(self.count)))

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Reliability:
        """Read what `to_json` returned."""
        return cls(**{name: tuple(column) for name, column in value.items()})


def assign_bins(confidence: np.ndarray, bins: int = BINS) -> np.ndarray:
    """Return the bin of each probability, int (N,): equal width, the upper edge inside."""
    return np.searchsorted(np.linspace(0, 1, bins + 1)[1:-1], confidence)


def measure_reliability(probabilities: np.ndarray, labels: np.ndarray, bins: int = BINS) -> Reliability:
    """Compute the diagram of predictions: probabilities float (N, C), labels int (N,).

    Examples
    --------
    >>> measure_reliability(np.array([[0.9, 0.1], [0.9, 0.1]]), np.array([0, 1]), bins=2).error
    0.4
    """
    confidence = probabilities.max(axis=1).astype(np.float64)
    correct = probabilities.argmax(axis=1) == labels
    index = assign_bins(confidence, bins)
    count = np.bincount(index, minlength=bins)
    means = [np.bincount(index, weights=each, minlength=bins) / np.maximum(count, 1) for each in (confidence, correct)]
    edges = np.linspace(0, 1, bins + 1).tolist()
    return Reliability(tuple(edges), tuple(count.tolist()), tuple(means[0].tolist()), tuple(means[1].tolist()))


def apply_temperature(probabilities: np.ndarray, temperature: float) -> np.ndarray:
    """Return probabilities as if their logits had been divided by ``temperature``; untouched where it is 1.

    The logarithms of probabilities are logits, too: softmax does not see what is added to all of them.

    Examples
    --------
    >>> apply_temperature(np.array([[0.9, 0.1]]), temperature=2.0).tolist()
    [[0.75, 0.25]]
    """
    if temperature == 1:
        return probabilities
    return _softmax(_to_logits(probabilities) / temperature).astype(np.float32)


def _to_logits(probabilities: np.ndarray) -> np.ndarray:
    """Take logarithms; a float32 probability below `TINY`, 0 too, counts as it."""
    logits: np.ndarray = np.log(np.maximum(probabilities.astype(np.float64), TINY))
    return logits


def _softmax(logits: np.ndarray) -> np.ndarray:
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    normalized: np.ndarray = powers / powers.sum(axis=1, keepdims=True)
    return normalized


def fit_temperature(probabilities: np.ndarray, labels: np.ndarray) -> float:
    """Find the temperature of the lowest log loss (Guo et al. 2017, On Calibration of Modern Neural Networks, 4.2).

    The loss is convex in 1 / temperature: the interval that holds where its slope is zero is halved.

    Examples
    --------
    >>> sure = np.array([[0.99, 0.01]] * 4), np.array([0, 0, 0, 1])
    >>> apply_temperature(sure[0][:1], fit_temperature(*sure)).round(3).tolist()
    [[0.75, 0.25]]
    """
    return _fit(_to_logits(probabilities), labels)


def _fit(logits: np.ndarray, labels: np.ndarray) -> float:
    true_logit = logits[np.arange(len(labels)), labels].mean()
    low, high = 1 / MAX_TEMPERATURE, 1 / MIN_TEMPERATURE
    for _step in range(50):
        scale = (low + high) / 2
        # d loss / d scale = mean logit that the softmax expects - mean logit of the true class
        slope = (_softmax(logits * scale) * logits).sum(axis=1).mean() - true_logit
        low, high = (scale, high) if slope < 0 else (low, scale)
    return 2 / (low + high)


@dataclass(frozen=True)
class Temperature(Result):
    """Whether to scale, by what, and why."""

    value: float  # 1 where nothing is scaled
    before: float  # log loss of validation in nats, as it was
    after: float  # that cross-validated; equal where nothing was tried
    notice: Notice  # what was decided, and the reason

    @property
    def figsize(self) -> None:
        return None

    def apply(self, probabilities: np.ndarray) -> np.ndarray:
        """Scale probabilities float32 (N, C)."""
        return apply_temperature(probabilities, self.value)

    def sentences(self) -> list[str]:
        return [self.notice.text()]

    def tables(self) -> list[Table]:
        return []

    def to_json(self) -> dict[str, Any]:
        return {**super().to_json(), "notice": self.notice.to_json()}


def choose_temperature(probabilities: np.ndarray, labels: np.ndarray, seed: int = 0) -> Temperature:
    """Choose the temperature on validation examples, or 1 where it is not sure to help.

    The rule: at least 100 examples and 5 errors (without errors the best temperature is none at all), and, fitted on
    four fifths of the examples and judged on the fifth, a log loss that falls by more than two standard errors.
    Probabilities are float (N, C), unscaled, labels int (N,); ``seed`` is of the folds, and of the examples that are
    drawn where there are more than `BUDGET` allows.
    """
    total, affordable = len(labels), max(MIN_EXAMPLES, BUDGET // probabilities.shape[1])
    if total > affordable:
        drawn = np.sort(np.random.default_rng(seed).choice(total, affordable, replace=False))
        probabilities, labels = probabilities[drawn], labels[drawn]
    n, logits = len(labels), _to_logits(probabilities)
    errors = int((probabilities.argmax(axis=1) != labels).sum())
    if n < MIN_EXAMPLES or errors < MIN_ERRORS:
        loss = float(_log_losses(logits, labels, 1.0).mean()) if n else 0.0
        limits = {"min_examples": MIN_EXAMPLES, "min_errors": MIN_ERRORS}
        notice = Notice("evaluation.temperature_few", {"n": n, "errors": errors, **limits})
        return Temperature(1.0, loss, loss, notice)
    before = _log_losses(logits, labels, 1.0)
    after = np.empty(n)
    fold = np.random.default_rng(seed).permutation(n) % FOLDS
    for k in range(FOLDS):  # each fold is judged by a temperature that was fitted without it
        held_out = fold == k
        after[held_out] = _log_losses(logits[held_out], labels[held_out], _fit(logits[~held_out], labels[~held_out]))
    gain = before - after
    losses = float(before.mean()), float(after.mean())
    if not gain.mean() > STANDARD_ERRORS * gain.std(ddof=1) / np.sqrt(n):  # false, too, where numbers overflowed
        return Temperature(1.0, *losses, Notice("evaluation.temperature_unsure"))
    value = _fit(logits, labels)
    fields = {"value": value, "before": losses[0], "after": losses[1]}
    if n < total:
        return Temperature(value, *losses, Notice("evaluation.temperature_drawn", fields | {"n": n, "total": total}))
    return Temperature(value, *losses, Notice("evaluation.temperature_scaled", fields))


def _log_losses(logits: np.ndarray, labels: np.ndarray, temperature: float) -> np.ndarray:
    """Compute the log loss of each example, in nats, by log-sum-exp: large logits do not overflow."""
    scaled = logits / temperature
    scaled = scaled - scaled.max(axis=1, keepdims=True)
    losses: np.ndarray = np.log(np.exp(scaled).sum(axis=1)) - scaled[np.arange(len(labels)), labels]
    return losses
