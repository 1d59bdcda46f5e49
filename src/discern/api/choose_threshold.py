"""The probability from which on an image is called the class to find, where there are two classes."""

from __future__ import annotations

import os

from discern.evaluation.thresholds import Threshold
from discern.evaluation.thresholds import choose_threshold as choose
from discern.runs.run import Run


def choose_threshold(
    run: str | os.PathLike[str] | Run,
    positive: str,
    *,
    false_negative_cost: float | None = None,
    min_recall: float | None = None,
) -> Threshold:
    """Choose a decision threshold on a run's validation split, and report what it gives on its test split.

    Parameters
    ----------
    run : path or Run
        A run with two classes.
    positive : str
        The class to find.
    false_negative_cost : float, optional
        Cost of a false negative where a false positive costs 1: the threshold of the lowest cost.
    min_recall : float, optional
        The highest threshold that reaches this recall, above 0 and at most 1.

    Raises
    ------
    RunError
        When there is no such run, or it has no test split.
    ConfigError
        When there are not two classes, ``positive`` is none of them, or not exactly one of cost and recall is given.

    Examples
    --------
    >>> choose_threshold("runs/leaves", positive="infected", false_negative_cost=10).value  # doctest: +SKIP
    0.13
    """
    return choose(Run.open(run).class_predictions(), positive, false_negative_cost, min_recall)
