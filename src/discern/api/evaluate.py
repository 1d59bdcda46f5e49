"""How good a run is: on its own held-out part, or on other labelled pictures."""

from __future__ import annotations

import os

import numpy as np

from discern.api.prepare import DataLike
from discern.api.run import Run
from discern.classifier.classifier import Classifier
from discern.data.dataset import Dataset, Part
from discern.data.open import open_data
from discern.data.pixels import pixels
from discern.data.scan import scan
from discern.display import display
from discern.errors import DataError
from discern.evaluation.metrics import Metrics, measure
from discern.i18n import _
from discern.progress import Watcher
from discern.runtime import device


def evaluate(
    run: str | os.PathLike[str] | Run,
    data: DataLike | None = None,
    watch: Watcher | None = None,
    code: str | None = None,
) -> Metrics:
    """Measure a run.

    Without ``data``: what was measured on the run's test part when it ended (on validation, where there is no labelled
    test part); test data is scored once. With ``data``: every labelled picture of its test part, or all of it where it
    has none, is decoded and predicted now; classes are matched by name.

    Parameters
    ----------
    run : path or Run
        A run, or with ``data`` also a bundle or a Keras file.
    data : path, name or Dataset, optional
        What `discern.open_data` takes.
    code : str, optional
        ``file.py:function`` that made the network, where it is one of your own.

    Raises
    ------
    RunError
        When there is no such run.
    DataError
        When ``data`` has a class the classifier does not know, or no whole picture.
    """
    if data is None:
        run = run if isinstance(run, Run) else Run.open(run)
        return run.evaluate()
    watch = watch or display()
    try:
        classifier = Classifier.load(run.path if isinstance(run, Run) else run, device("auto"), code)
        return _on(classifier, open_data(data), watch)
    finally:
        watch.close()


def _on(classifier: Classifier, dataset: Dataset, watch: Watcher) -> Metrics:
    facts = scan(dataset, watch.progress)
    wanted = (dataset.labels >= 0) & (facts.problem == 0)
    if (dataset.given[wanted] == Part.TEST).any():
        wanted &= dataset.given == Part.TEST
        watch.event({"event": "notice", "text": _("Measuring on the test part of {name}.").format(name=dataset.name)})
    indices = np.flatnonzero(wanted)
    if len(indices) == 0:
        raise DataError(_("{name} holds no labelled picture that can be read.").format(name=dataset.origin))
    labels = _matched(classifier, dataset)[dataset.labels[indices]]
    decoded = pixels(dataset, indices, facts, classifier.card.preprocess, watch.progress)
    return measure(classifier.probabilities(decoded, progress=watch.progress), labels, classifier.classes)


def _matched(classifier: Classifier, dataset: Dataset) -> np.ndarray:
    """The classifier's position of each class of ``dataset``, matched by name. -> int (classes of the data set,)"""
    unknown = [name for name in dataset.classes if name not in classifier.classes]
    if unknown:
        sentence = _("The classifier does not know {unknown} of {data}; it knows: {known}.")
        raise DataError(
            sentence.format(unknown=", ".join(unknown), data=dataset.origin, known=", ".join(classifier.classes))
        )
    return np.array([classifier.classes.index(name) for name in dataset.classes], dtype=np.int64)
