"""Two classes, one of them the one to find: from which probability on to call it, by what mistakes cost."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from discern.errors import ConfigError
from discern.evaluation.intervals import wilson
from discern.evaluation.predictions import Predictions
from discern.evaluation.ranking import Ranked
from discern.i18n import _

Interval = tuple[float, float] | None


@dataclass(frozen=True)
class Outcome:
    """What calling a picture positive from ``threshold`` on comes to.

    Attributes
    ----------
    threshold : float
        A picture is called positive where the probability is at least this.
    n, hits, misses, false_alarms, rejections : int
        Pictures: all, and by what they are and were called.
    recall, precision, specificity : float or None
        Share of the positive found, of the called that are positive, of the negative left alone; None of nothing.
    recall_interval, precision_interval, specificity_interval : tuple or None
        95 % Wilson intervals.
    """

    threshold: float
    n: int
    hits: int
    misses: int
    false_alarms: int
    rejections: int
    recall: float | None
    precision: float | None
    specificity: float | None
    recall_interval: Interval
    precision_interval: Interval
    specificity_interval: Interval

    def cost(self, miss: float) -> float:
        """Mean cost a picture, where a false alarm costs 1 and a miss ``miss``."""
        return (miss * self.misses + self.false_alarms) / self.n


@dataclass(frozen=True)
class Threshold:
    """A threshold chosen on validation and judged on test.

    Attributes
    ----------
    positive : str
        The class to find.
    miss_cost : float or None
        What a miss costs, in false alarms, if that was asked for.
    recall : float or None
        The share that must be found, if that was asked for.
    validation, test : Outcome
        With the threshold, on the pictures it was chosen on and on those it never saw.
    usual : Outcome
        On test, with 0.5.
    """

    positive: str
    miss_cost: float | None
    recall: float | None
    validation: Outcome
    test: Outcome
    usual: Outcome

    @property
    def value(self) -> float:
        """The threshold."""
        return self.validation.threshold

    def to_json(self) -> dict[str, Any]:
        """As the command line prints it."""
        return {"threshold": self.value, **asdict(self)}


def choose_threshold(
    validation: Predictions,
    test: Predictions,
    positive: str,
    miss_cost: float | None = None,
    recall: float | None = None,
) -> Threshold:
    """Choose on ``validation`` and report on ``test``.

    Parameters
    ----------
    validation, test : Predictions
        Of the same two classes.
    positive : str
        The class to find.
    miss_cost : float, optional
        What a miss costs where a false alarm costs 1: the threshold of the least cost.
    recall : float, optional
        Above 0, at most 1: the highest threshold that finds this share.

    Raises
    ------
    ConfigError
        When there are not two classes, ``positive`` is none of them or has nothing of validation, or not exactly one
        of cost and recall is given.
    """
    classes = validation.classes
    if len(classes) != 2:
        sentence = _("A threshold is for two classes, and this run has {count}: {classes}.")
        raise ConfigError(sentence.format(count=len(classes), classes=", ".join(classes)))
    if positive not in classes:
        sentence = _("There is no class {positive}: the class to find is one of {classes}.")
        raise ConfigError(sentence.format(positive=positive, classes=", ".join(classes)))
    if (miss_cost is None) == (recall is None):
        raise ConfigError(_("Say what decides the threshold: either the cost of a miss or the least recall."))
    column = classes.index(positive)
    scores, truth = _column(validation, column)
    if not truth.any():
        sentence = _("Nothing of validation is of {positive}: a threshold cannot be chosen.")
        raise ConfigError(sentence.format(positive=positive))
    value = by_cost(scores, truth, miss_cost) if miss_cost is not None else by_recall(scores, truth, recall or 0.0)
    judged = _column(test, column)
    return Threshold(
        positive, miss_cost, recall, outcome(scores, truth, value), outcome(*judged, value), outcome(*judged, 0.5)
    )


def by_cost(scores: np.ndarray, truth: np.ndarray, miss: float) -> float:
    """The threshold of the least cost, where a false alarm costs 1; of equals the nearest to 1 / (1 + miss).

    That is where calling and not calling cost the same if probabilities are what they say (Elkan 2001).

    Examples
    --------
    >>> by_cost(np.array([0.2, 0.4, 0.6]), np.array([False, True, True]), miss=1)
    0.4

    Raises
    ------
    ConfigError
        When the cost is not above 0.
    """
    if not 0 < miss < np.inf:
        raise ConfigError(_("The cost of a miss is {cost}; it must be above 0, in false alarms.").format(cost=miss))
    fair = 1 / (1 + miss)
    ranked = Ranked(scores, truth)
    found, alarms = (counts[0] for counts in ranked.counts())
    values = scores[ranked.order][ranked.ends]
    costs = miss * (truth.sum() - found) + alarms
    none = miss * truth.sum()  # calling no picture positive
    if none < costs.min():
        return float(np.nextafter(max(values[0], fair), np.inf))
    best = values[costs == costs.min()]
    return float(best[np.abs(best - fair).argmin()])


def by_recall(scores: np.ndarray, truth: np.ndarray, recall: float) -> float:
    """The highest threshold at which at least this share of the positive is found.

    Examples
    --------
    >>> by_recall(np.array([0.2, 0.4, 0.6]), np.array([True, True, False]), recall=0.5)
    0.4

    Raises
    ------
    ConfigError
        When the share is not above 0 and at most 1.
    """
    if not 0 < recall <= 1:
        raise ConfigError(_("The least recall is {recall}; it must be above 0 and at most 1.").format(recall=recall))
    ranked = Ranked(scores, truth)
    found = ranked.counts()[0][0]
    first = int(np.argmax(found / truth.sum() >= recall - 1e-12))
    return float(scores[ranked.order][ranked.ends][first])


def outcome(scores: np.ndarray, truth: np.ndarray, threshold: float) -> Outcome:
    """What calling the pictures positive from ``threshold`` on comes to."""
    called = scores >= threshold
    hits, misses = int((called & truth).sum()), int((~called & truth).sum())
    alarms, rejections = int((called & ~truth).sum()), int((~called & ~truth).sum())
    pairs = ((hits, hits + misses), (hits, hits + alarms), (rejections, rejections + alarms))
    recall, precision, specificity = (k / n if n else None for k, n in pairs)
    intervals = [wilson(k, n) if n else None for k, n in pairs]
    return Outcome(threshold, len(truth), hits, misses, alarms, rejections, recall, precision, specificity, *intervals)


def _column(predictions: Predictions, column: int) -> tuple[np.ndarray, np.ndarray]:
    """The probability of the class (N,) and whether it is the true one (N,)."""
    return predictions.probabilities[:, column].astype(np.float64), predictions.labels == column
