"""How good a run is: on its own held-out part, or on other labelled pictures."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np

from discern.api.prepare import DataLike
from discern.api.run import Run
from discern.arrays import Rows
from discern.classifier.classifier import Classifier
from discern.data.dataset import Dataset, Part
from discern.data.open import open_data
from discern.data.rows import ANY, Question, RowStore
from discern.data.scan import Facts, scan
from discern.data.streamed import kept_or_streamed
from discern.display import display
from discern.errors import DataError
from discern.evaluation.metrics import Metrics, measure
from discern.evaluation.regression import RegressionMetrics, measure_regression
from discern.i18n import _
from discern.progress import Watcher
from discern.run import RunDirectory
from discern.runtime import device


def evaluate(
    run: str | os.PathLike[str] | Run,
    data: DataLike | None = None,
    watch: Watcher | None = None,
    code: str | None = None,
) -> Metrics | RegressionMetrics:
    """Measure a run.

    Without ``data``: what was measured on the run's test part when it ended (on validation, where there is no labelled
    test part); test data is scored once. With ``data``: every labelled picture of its test part, or all of it where it
    has none, is decoded and predicted now. Classes are matched by name: in another order, with some missing, or with
    some that the classifier does not know, whose pictures are left out; a notice tells. The columns of a table are
    matched by name, too.

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
        When ``data`` has no whole picture of a class that the classifier knows.
    """
    if data is None:
        run = run if isinstance(run, Run) else Run.open(run)
        return run.evaluate()
    watch = watch or display()
    try:
        path = run.path if isinstance(run, Run) else run
        return _on(Classifier.load(path, device("auto"), code), data, watch, RunDirectory(path))
    finally:
        watch.close()


def _on(classifier: Classifier, data: DataLike, watch: Watcher, run: RunDirectory) -> Metrics | RegressionMetrics:
    table = classifier.card.table
    question = Question(table.target, table.task, table.columns) if table else ANY
    dataset = open_data(data, question=question)
    if table is None and isinstance(dataset.store, RowStore):
        sentence = _("{data} is a table of numbers, and {model} looks at pictures: give it pictures.")
        raise DataError(sentence.format(data=dataset.origin, model=classifier.card.model))
    wanted, facts = _whole(dataset, watch)
    wanted &= dataset.labels >= 0
    if (dataset.given[wanted] == Part.TEST).any():
        wanted &= dataset.given == Part.TEST
        watch.event({"event": "notice", "text": _("Measuring on the test part of {name}.").format(name=dataset.name)})
    elif _learned_from(run, dataset):
        sentence = _("{name} is what the run learned from, which flatters it: without --data it tells its test part.")
        watch.event({"event": "notice", "text": sentence.format(name=dataset.name)})
    indices = np.flatnonzero(wanted)
    if len(indices) == 0:
        sentence = _("{name} holds no labelled {things} that can be read.")
        raise DataError(sentence.format(name=dataset.origin, things=_things(dataset)))
    if dataset.targets is not None and table is not None:
        values = classifier.values(_seen(classifier, dataset, indices, facts, run, watch), progress=watch.progress)
        return measure_regression(dataset.targets[indices], values, table.target)
    labels = matched(classifier.classes, dataset, indices, watch)
    indices, labels = indices[labels >= 0], labels[labels >= 0]
    seen = _seen(classifier, dataset, indices, facts, run, watch)
    return measure(classifier.probabilities(seen, progress=watch.progress), labels, classifier.classes)


def _learned_from(run: RunDirectory, dataset: Dataset) -> bool:
    """Whether ``run`` is one of this data set."""
    if not run.config.is_file():
        return False
    return run.read_config()["data"]["origin"] in (dataset.origin, str(Path(dataset.origin).resolve()))


def _whole(dataset: Dataset, watch: Watcher) -> tuple[np.ndarray, Facts | None]:
    """Which pictures, or rows, can be read: bool (N,); and what was seen of pictures."""
    if not isinstance(dataset.store, RowStore):
        facts = scan(dataset, watch.progress)
        return facts.problem == 0, facts
    whole = np.isfinite(dataset.store.values).all(axis=1)
    lacking = _("{n} rows lack a number and are left out.").format(n=int((~whole).sum()))
    for text in (*dataset.notes, *([] if whole.all() else [lacking])):
        watch.event({"event": "notice", "text": text})
    return whole, None


def _seen(
    classifier: Classifier,
    dataset: Dataset,
    indices: np.ndarray,
    facts: Facts | None,
    run: RunDirectory,
    watch: Watcher,
) -> Rows:
    """What the classifier takes of pictures, kept where its run kept them, or rows; columns are found by name."""
    table, store = classifier.card.table, dataset.store
    if isinstance(store, RowStore) and table is not None:
        return store.select(table.columns)[indices]
    assert facts is not None  # they are pictures
    cache = run.read_config()["config"].get("cache", "pixels") if run.config.is_file() else "pixels"
    return kept_or_streamed(dataset, indices, facts, classifier.card.spec, cache, watch.progress)


def _things(dataset: Dataset) -> str:
    return _("rows") if isinstance(dataset.store, RowStore) else _("pictures")


def matched(classes: tuple[str, ...], dataset: Dataset, indices: np.ndarray, watch: Watcher) -> np.ndarray:
    """The classifier's labels of examples, matched by name; -1 for classes it does not know. -> int (len(indices),)

    Raises
    ------
    DataError
        When it knows none of the classes.
    """
    there = [name for name, count in dataset.counts(indices).items() if count]
    unknown = [name for name in there if name not in classes]
    if len(unknown) == len(there):
        sentence = _("The classifier knows none of the classes of {data} ({unknown}); it knows: {known}.")
        raise DataError(sentence.format(unknown=", ".join(unknown), data=dataset.origin, known=", ".join(classes)))
    place = np.array([classes.index(name) if name in classes else -1 for name in dataset.classes], dtype=np.int64)
    labels: np.ndarray = place[dataset.labels[indices]]
    missing = [name for name in classes if name not in there]
    known = place[place >= 0]
    told = []
    if unknown:
        sentence = _("{n} {things} are left out, for the classifier does not know their classes: {names}.")
        told.append(sentence.format(n=int((labels < 0).sum()), things=_things(dataset), names=", ".join(unknown)))
    if missing:
        sentence = _("{data} has no {things} of {names}.")
        told.append(sentence.format(data=dataset.name, things=_things(dataset), names=", ".join(missing)))
    if (np.diff(known) < 0).any():
        told.append(_("{data} has its classes in another order: they are matched by name.").format(data=dataset.name))
    for text in told:
        watch.event({"event": "notice", "text": text})
    return labels
