"""Two classes, one of them the positive: from which probability on to predict it, by what errors cost."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from discern.errors import ConfigError, RunError
from discern.evaluation.intervals import Interval, interval_text, number_text, wilson
from discern.evaluation.predictions import Predictions
from discern.evaluation.ranking import Ranked
from discern.i18n import _
from discern.result import Result, Table

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MAX_POINTS = 200  # of the curves in the figure


@dataclass(frozen=True)
class OperatingPoint:
    """What predicting the positive class from ``threshold`` on comes to."""

    threshold: float  # an example is predicted positive where the probability is at least this
    n: int  # examples; below, true positives, false negatives, false positives, true negatives
    tp: int
    fn: int
    fp: int
    tn: int
    recall: float | None  # tp of the positive; None of nothing, as the next two
    precision: float | None  # tp of those predicted positive
    specificity: float | None  # tn of the negative
    recall_interval: Interval  # 95 % Wilson, as the next two
    precision_interval: Interval
    specificity_interval: Interval

    def cost(self, false_negative_cost: float) -> float:
        """Compute the mean cost an example, where a false positive costs 1."""
        return (false_negative_cost * self.fn + self.fp) / self.n


@dataclass(frozen=True)
class Threshold(Result):
    """A threshold chosen on validation and judged on test."""

    positive: str  # the positive class
    false_negative_cost: float | None  # in false positives, if that was given
    min_recall: float | None  # the recall that must be reached, if that was given
    validation: OperatingPoint  # with the threshold, on the examples it was chosen on
    test: OperatingPoint  # with the threshold, on those that did not choose it
    at_half: OperatingPoint  # on test, with 0.5
    # Threshold, recall and precision on validation, at most `MAX_POINTS` of them: what the figure draws.
    curve: tuple[tuple[float, float, float], ...]

    @property
    def figsize(self) -> tuple[float, float]:
        return 5.5, 4.5

    @property
    def value(self) -> float:
        """The threshold."""
        return self.validation.threshold

    def sentences(self) -> list[str]:
        if self.min_recall is not None:
            message = _(
                "Predict {positive} from probability {value:.4f} on: the highest threshold with recall {recall:.4f} or "
                "more on validation (n {n:,})."
            )
        else:
            message = _(
                "Predict {positive} from probability {value:.4f} on: the lowest cost on validation (n {n:,}), where a "
                "false negative costs {cost:g} false positives."
            )
        facts = {"recall": self.min_recall, "cost": self.false_negative_cost, "n": self.validation.n}
        return [message.format(positive=self.positive, value=self.value, **facts)]

    def tables(self) -> list[Table]:
        columns = [_("threshold"), _("recall"), _("95 % CI"), _("precision"), _("95 % CI")]
        columns += [_("false negatives"), _("false positives"), _("n")]
        columns += [] if self.false_negative_cost is None else [_("cost")]
        rows: list[list[str | int]] = []
        for point in (self.test, self.at_half):
            rates = ((point.recall, point.recall_interval), (point.precision, point.precision_interval))
            cells = [text for rate, bounds in rates for text in (number_text(rate), interval_text(bounds))]
            rows.append([f"{point.threshold:.4f}", *cells, point.fn, point.fp, point.n])
            if self.false_negative_cost is not None:
                rows[-1].append(f"{point.cost(self.false_negative_cost):.4f}")
        return [Table(_("On test"), columns, rows, text_columns=0)]

    def plot(self, figure: Figure) -> None:
        """Draw recall and precision on validation by threshold, and where the threshold lies."""
        ax = figure.subplots()
        thresholds, recall, precision = np.array(self.curve).T
        ax.step(thresholds, recall, where="pre", label=_("recall"))
        ax.step(thresholds, precision, where="pre", label=_("precision"))
        ax.axvline(self.value, color="0.4", linestyle="--", label=_("threshold {value:.4f}").format(value=self.value))
        ax.set(xlim=(0, 1), ylim=(0, 1.02), xlabel=_("probability of {name}").format(name=self.positive))
        ax.legend(fontsize=8)

    def to_json(self) -> dict[str, Any]:
        return {"threshold": self.value, **super().to_json()}


def choose_threshold(
    splits: Mapping[str, Predictions],
    positive: str,
    false_negative_cost: float | None = None,
    min_recall: float | None = None,
) -> Threshold:
    """Choose on the split ``validation`` and report on ``test``; see `discern.api.choose_threshold.choose_threshold`.

    A `RunError` says that there is no split ``test``; a `ConfigError` that there are not two classes, ``positive`` is
    none of them or has no example in validation, or not exactly one of cost and recall is given.
    """
    if "test" not in splits:
        raise RunError(_("There is no test split to report a threshold on: train on data with one."))
    classes = splits["validation"].classes
    if len(classes) != 2:
        message = _("A threshold is for two classes, and this run has {count}: {classes}.")
        raise ConfigError(message.format(count=len(classes), classes=", ".join(classes)))
    if positive not in classes:
        message = _('Unknown class "{positive}": the positive class is one of {classes}.')
        raise ConfigError(message.format(positive=positive, classes=", ".join(classes)))
    if (false_negative_cost is None) == (min_recall is None):
        message = _("Specify what decides the threshold: either the cost of a false negative or the minimum recall.")
        raise ConfigError(message)
    scores, truth = _positive_column(splits["validation"], positive)
    if not truth.any():
        message = _("Validation has no example of {positive}: a threshold cannot be chosen.")
        raise ConfigError(message.format(positive=positive))
    if false_negative_cost is not None:
        value = threshold_by_cost(scores, truth, false_negative_cost)
    else:
        value = threshold_by_recall(scores, truth, min_recall or 0.0)
    test = _positive_column(splits["test"], positive)
    points = (operate(scores, truth, value), operate(*test, value), operate(*test, 0.5))
    return Threshold(positive, false_negative_cost, min_recall, *points, _trace_curve(scores, truth))


def threshold_by_cost(scores: np.ndarray, truth: np.ndarray, false_negative_cost: float) -> float:
    """Find the threshold of the lowest cost, where a false positive costs 1; a `ConfigError` of a cost not above 0.

    Of equal ones it is the nearest to 1 / (1 + cost), where both predictions cost the same if probabilities are true
    (Elkan 2001, The Foundations of Cost-Sensitive Learning).

    Examples
    --------
    >>> threshold_by_cost(np.array([0.2, 0.4, 0.6]), np.array([False, True, True]), false_negative_cost=1)
    0.4
    """
    if not 0 < false_negative_cost < np.inf:
        message = _("The cost of a false negative is {cost}; it must be above 0, in false positives.")
        raise ConfigError(message.format(cost=false_negative_cost))
    balanced = 1 / (1 + false_negative_cost)
    ranked = Ranked(scores, truth)
    tp, fp = (counts[0] for counts in ranked.counts())
    costs = false_negative_cost * (truth.sum() - tp) + fp
    if false_negative_cost * truth.sum() < costs.min():  # predicting no example positive is cheaper still
        return float(np.nextafter(max(ranked.thresholds[0], balanced), np.inf))
    best = ranked.thresholds[costs == costs.min()]
    return float(best[np.abs(best - balanced).argmin()])


def threshold_by_recall(scores: np.ndarray, truth: np.ndarray, min_recall: float) -> float:
    """Find the highest threshold that reaches a recall; a `ConfigError` of one not above 0 and at most 1.

    Examples
    --------
    >>> threshold_by_recall(np.array([0.2, 0.4, 0.6]), np.array([True, True, False]), min_recall=0.5)
    0.4
    """
    if not 0 < min_recall <= 1:
        message = _("The minimum recall is {recall}; it must be above 0 and at most 1.")
        raise ConfigError(message.format(recall=min_recall))
    ranked = Ranked(scores, truth)
    tp = ranked.counts()[0][0]  # grows from threshold to threshold, so the first that reaches it is the highest
    return float(ranked.thresholds[int(np.argmax(tp / truth.sum() >= min_recall - 1e-12))])


def operate(scores: np.ndarray, truth: np.ndarray, threshold: float) -> OperatingPoint:
    """Count what predicting the examples positive from ``threshold`` on comes to."""
    predicted = scores >= threshold
    tp, fn = int((predicted & truth).sum()), int((~predicted & truth).sum())
    fp, tn = int((predicted & ~truth).sum()), int((~predicted & ~truth).sum())
    pairs = ((tp, tp + fn), (tp, tp + fp), (tn, tn + fp))
    recall, precision, specificity = (k / n if n else None for k, n in pairs)
    intervals = [wilson(k, n) if n else None for k, n in pairs]
    return OperatingPoint(threshold, len(truth), tp, fn, fp, tn, recall, precision, specificity, *intervals)


def _positive_column(predictions: Predictions, positive: str) -> tuple[np.ndarray, np.ndarray]:
    """Return the probability of the class (N,) and whether it is the true one (N,)."""
    column = predictions.classes.index(positive)
    return predictions.probabilities[:, column].astype(np.float64), predictions.labels == column


def _trace_curve(scores: np.ndarray, truth: np.ndarray) -> tuple[tuple[float, float, float], ...]:
    """Compute recall and precision at evenly many of the thresholds, lowest first."""
    ranked = Ranked(scores, truth)
    tp, fp = (counts[0] for counts in ranked.counts())
    points = np.stack([ranked.thresholds, tp / truth.sum(), tp / (tp + fp)], axis=1)[::-1]
    chosen = np.linspace(0, len(points) - 1, min(len(points), MAX_POINTS)).astype(np.int64)
    return tuple((t, recall, precision) for t, recall, precision in points[chosen].tolist())
