"""From which probability on a picture is called the class to find, where there are two classes."""

from __future__ import annotations

import os

from discern.api.run import Run
from discern.errors import RunError
from discern.evaluation.thresholds import Threshold
from discern.evaluation.thresholds import choose_threshold as choose
from discern.i18n import _


def choose_threshold(
    run: str | os.PathLike[str] | Run, positive: str, miss_cost: float | None = None, recall: float | None = None
) -> Threshold:
    """Choose a threshold on a run's validation part, and report what it comes to on its test part.

    Parameters
    ----------
    run : path or Run
        A run with two classes.
    positive : str
        The class to find.
    miss_cost : float, optional
        What a miss costs where a false alarm costs 1: the threshold of the least cost.
    recall : float, optional
        The highest threshold that finds this share, above 0 and at most 1.

    Raises
    ------
    RunError
        When there is no such run, or it has no test part.
    ConfigError
        When there are not two classes, ``positive`` is none of them, or not exactly one of cost and recall is given.

    Examples
    --------
    >>> choose_threshold("runs/leaves", positive="infected", miss_cost=10).value  # doctest: +SKIP
    0.13
    """
    run = run if isinstance(run, Run) else Run.open(run)
    parts = run.predictions()
    if "test" not in parts:
        sentence = _("{path} has no test part to report a threshold on: train on data with one.")
        raise RunError(sentence.format(path=run.path))
    return choose(parts["validation"], parts["test"], positive, miss_cost, recall)
