"""Whether 80 % sure is right in 80 % of the cases; and one number, the temperature, that makes it more so."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from discern.evaluation.intervals import wilson
from discern.i18n import _

if TYPE_CHECKING:
    from matplotlib.axes import Axes

BINS = 15  # as Guo et al.
LEAST_EXAMPLES, LEAST_MISTAKES, FOLDS, ERRORS = 100, 5, 5, 2.0  # see `choose_temperature`
COLDEST, HOTTEST = 0.05, 20.0
TINY = float(np.finfo(np.float32).tiny)


@dataclass(frozen=True)
class Reliability:
    """The reliability diagram: pictures in bins of equal width by the probability of the class that was named.

    Attributes
    ----------
    edges : tuple of float
        (bins + 1,) from 0 to 1; a bin holds its upper edge.
    count : tuple of int
        (bins,) pictures.
    confidence, accuracy : tuple of float
        (bins,) mean probability and share of right ones, 0 in an empty bin.
    """

    edges: tuple[float, ...]
    count: tuple[int, ...]
    confidence: tuple[float, ...]
    accuracy: tuple[float, ...]

    @property
    def error(self) -> float:
        """Expected calibration error (Naeini et al. 2015): the gap of each bin, weighted by its pictures."""
        gaps = zip(self.count, self.confidence, self.accuracy, strict=True)
        return sum(n * abs(c - a) for n, c, a in gaps) / max(1, sum(self.count))

    def intervals(self) -> tuple[tuple[float, float] | None, ...]:
        """Wilson interval of each bin's accuracy; None for an empty bin."""
        return tuple(wilson(round(a * n), n) if n else None for n, a in zip(self.count, self.accuracy, strict=True))

    def to_json(self) -> dict[str, Any]:
        """As plain lists."""
        return {name: list(getattr(self, name)) for name in ("edges", "count", "confidence", "accuracy")}

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Reliability:
        """What `to_json` wrote."""
        return cls(**{name: tuple(column) for name, column in value.items()})

    def plot(self, ax: Axes) -> None:
        """Accuracy against confidence, a bar a bin with its interval; on the diagonal they agree."""
        filled = [i for i, n in enumerate(self.count) if n]
        width = self.edges[1] - self.edges[0]
        bounds = [interval for interval in self.intervals() if interval is not None]
        heights = [self.accuracy[i] for i in filled]
        below = [h - low for h, (low, _high) in zip(heights, bounds, strict=True)]
        above = [high - h for h, (_low, high) in zip(heights, bounds, strict=True)]
        centres = [(self.edges[i] + self.edges[i + 1]) / 2 for i in filled]
        ax.bar(centres, heights, width=0.9 * width, yerr=[below, above], ecolor="0.4", capsize=2)
        ax.plot([0, 1], [0, 1], color="0.5", linestyle="--")
        ax.set(xlim=(0, 1), ylim=(0, 1), xlabel=_("probability of the class named"), ylabel=_("share right"))
        ax.set_title(_("calibration error {error:.3f} (n {n})").format(error=self.error, n=sum(self.count)))


def bin_of(confidence: np.ndarray, bins: int = BINS) -> np.ndarray:
    """The bin of each probability, int (N,): equal width, the upper edge inside."""
    return np.searchsorted(np.linspace(0, 1, bins + 1)[1:-1], confidence)


def reliability(probabilities: np.ndarray, labels: np.ndarray, bins: int = BINS) -> Reliability:
    """The diagram of predictions: probabilities float (N, C), labels int (N,).

    Examples
    --------
    >>> reliability(np.array([[0.9, 0.1], [0.9, 0.1]]), np.array([0, 1]), bins=2).error
    0.4
    """
    confidence = probabilities.max(axis=1).astype(np.float64)
    correct = probabilities.argmax(axis=1) == labels
    where = bin_of(confidence, bins)
    count = np.bincount(where, minlength=bins)
    sums = [np.bincount(where, weights=each, minlength=bins) / np.maximum(count, 1) for each in (confidence, correct)]
    edges = np.linspace(0, 1, bins + 1).tolist()
    return Reliability(tuple(edges), tuple(count.tolist()), tuple(sums[0].tolist()), tuple(sums[1].tolist()))


def tempered(probabilities: np.ndarray, temperature: float) -> np.ndarray:
    """Probabilities float32 (N, C) as if their logits had been divided by ``temperature``; untouched where it is 1.

    Examples
    --------
    >>> tempered(np.array([[0.9, 0.1]]), temperature=2.0).tolist()
    [[0.75, 0.25]]
    """
    return probabilities if temperature == 1 else _softmax(_logarithms(probabilities) / temperature).astype(np.float32)


def _logarithms(probabilities: np.ndarray) -> np.ndarray:
    """They are logits, too; float32 has none below `TINY`."""
    found: np.ndarray = np.log(np.maximum(probabilities.astype(np.float64), TINY))
    return found


def _softmax(logits: np.ndarray) -> np.ndarray:
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    found: np.ndarray = powers / powers.sum(axis=1, keepdims=True)
    return found


def fit_temperature(probabilities: np.ndarray, labels: np.ndarray) -> float:
    """The temperature of the least log loss (Guo et al. 2017, On Calibration of Modern Neural Networks, section 4.2).

    The loss is convex in 1 / temperature: the interval that holds where its slope is zero is halved.

    Examples
    --------
    >>> sure = np.array([[0.99, 0.01]] * 4), np.array([0, 0, 0, 1])
    >>> tempered(sure[0][:1], fit_temperature(*sure)).round(3).tolist()
    [[0.75, 0.25]]
    """
    return _fit(_logarithms(probabilities), labels)


def _fit(logits: np.ndarray, labels: np.ndarray) -> float:
    chosen = logits[np.arange(len(labels)), labels].mean()
    low, high = 1 / HOTTEST, 1 / COLDEST
    for _step in range(50):
        middle = (low + high) / 2
        slope = (_softmax(logits * middle) * logits).sum(axis=1).mean() - chosen
        low, high = (middle, high) if slope < 0 else (low, middle)
    return 2 / (low + high)


@dataclass(frozen=True)
class Temperature:
    """Whether to scale, by what, and why.

    Attributes
    ----------
    value : float
        1 where nothing is scaled.
    before, after : float
        Log loss of validation in nats, as it was and cross-validated; equal where nothing was tried.
    why : str
        A sentence.
    """

    value: float
    before: float
    after: float
    why: str


def choose_temperature(probabilities: np.ndarray, labels: np.ndarray, seed: int = 0) -> Temperature:
    """The temperature of validation pictures, or 1 where it is not sure to help.

    The rule: at least 100 pictures and 5 mistakes (without mistakes the best temperature is none at all), and, fitted
    on four fifths of the pictures and judged on the fifth, a log loss that falls by more than two standard errors.

    Parameters
    ----------
    probabilities : numpy.ndarray
        float (N, C), rows sum to 1, unscaled.
    labels : numpy.ndarray
        int (N,).
    seed : int
        Of the folds.
    """
    n, logits = len(labels), _logarithms(probabilities)
    mistakes = int((probabilities.argmax(axis=1) != labels).sum())
    if n < LEAST_EXAMPLES or mistakes < LEAST_MISTAKES:
        sentence = _(
            "Probabilities are left as they are: {mistakes} mistakes in {n} of validation are too few to calibrate on "
            "({least_mistakes} in {least} are needed)."
        )
        why = sentence.format(n=n, mistakes=mistakes, least=LEAST_EXAMPLES, least_mistakes=LEAST_MISTAKES)
        loss = float(_losses(logits, labels, 1.0).mean()) if n else 0.0
        return Temperature(1.0, loss, loss, why)
    before = _losses(logits, labels, 1.0)
    after = np.empty(n)
    fold = np.random.default_rng(seed).permutation(n) % FOLDS
    for k in range(FOLDS):
        held = fold == k
        after[held] = _losses(logits[held], labels[held], _fit(logits[~held], labels[~held]))
    gain = before - after
    if not gain.mean() > ERRORS * gain.std(ddof=1) / np.sqrt(n):  # of numbers that overflowed nothing is known
        sentence = _(
            "Probabilities are left as they are: scaling them does not lower the log loss of validation surely."
        )
        return Temperature(1.0, float(before.mean()), float(after.mean()), sentence)
    value = _fit(logits, labels)
    sentence = _(
        "Probabilities are scaled by the temperature {value:.2f}: the log loss of validation falls from {before:.4f} "
        "to {after:.4f} (cross-validated)."
    )
    why = sentence.format(value=value, before=before.mean(), after=after.mean())
    return Temperature(value, float(before.mean()), float(after.mean()), why)


def _losses(logits: np.ndarray, labels: np.ndarray, temperature: float) -> np.ndarray:
    """Log loss of each picture, in nats."""
    scaled = logits / temperature
    scaled = scaled - scaled.max(axis=1, keepdims=True)
    found: np.ndarray = np.log(np.exp(scaled).sum(axis=1)) - scaled[np.arange(len(labels)), labels]
    return found
