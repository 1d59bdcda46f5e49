"""How good a run is: on its own held-out split, or on other labeled data."""

from __future__ import annotations

import os

from discern.classifier.classifier import Classifier
from discern.display import reporting
from discern.evaluation.metrics import TaskMetrics
from discern.progress import Reporter
from discern.runs.evaluate_data import evaluate_data
from discern.runs.open import open_classifier
from discern.runs.prepare import DataLike
from discern.runs.run import Run


def evaluate(
    model: str | os.PathLike[str] | Run | Classifier,
    data: DataLike | None = None,
    *,
    model_code: str | None = None,
    reporter: Reporter | None = None,
) -> TaskMetrics:
    """Return the metrics of a run.

    Without ``data``: what was measured on the run's test split when it ended (on validation, where there is no labeled
    test split); test data is scored once. With ``data``: every labeled image of its test split, or all of it where it
    has none, is decoded and predicted now. Classes, and the columns of a table, are matched by name; notices say what
    is left out.

    Parameters
    ----------
    model : path, Run or Classifier
        A run, or with ``data`` also a bundle or a Keras file.
    data : path, name or Dataset, optional
        What `discern.open_data` takes.
    model_code : str, optional
        ``file.py:function`` that builds the network, where it is one of your own.
    reporter : Reporter, optional
        Follows the work; stderr shows it unless given.

    Raises
    ------
    RunError
        When there is no such run.
    DataError
        When ``data`` has no valid image of a class that the classifier knows.

    Examples
    --------
    >>> evaluate("runs/2026-11-22_fruit_resnet18").top1  # doctest: +SKIP
    0.9281
    """
    if data is None:
        return Run.open(model.source or "" if isinstance(model, Classifier) else model).evaluate()
    with reporting(reporter) as shown:
        return evaluate_data(open_classifier(model, model_code=model_code), data, shown)
