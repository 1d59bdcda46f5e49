"""How good a classifier is on labeled data other than its run's own splits."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from discern.arrays import ArrayLike
from discern.classifier.classifier import Classifier
from discern.data.columns import AUTO, ColumnSpec, column_spec_from
from discern.data.dataset import Dataset, Split, TableDataset
from discern.data.groups import join_groups
from discern.data.open import open_data
from discern.data.scan import ImageStats, scan_images
from discern.data.streamed import load_pixels
from discern.errors import ConfigError, DataError
from discern.evaluation.metrics import TaskMetrics
from discern.i18n import _
from discern.notices import Notice
from discern.progress import Reporter
from discern.runs.prepare import DataLike
from discern.runs.run_directory import RunDirectory


def evaluate_data(classifier: Classifier, data: DataLike, reporter: Reporter) -> TaskMetrics:
    """Predict and measure every labeled example of ``data``, or of its test split where it has one."""
    table, task = classifier.card.table, classifier.task
    dataset = _open(classifier, data, ColumnSpec(table.target, task.name, table.columns) if table else AUTO)
    if table is None and isinstance(dataset, TableDataset):
        message = _("{data} is a table of numbers, and {model} reads images: give it images.")
        raise DataError(message.format(data=dataset.origin, model=classifier.card.model))
    usable, stats = _find_valid(dataset, reporter)
    usable &= dataset.labels >= 0
    split = ""
    if (dataset.given_split[usable] == Split.TEST).any():
        usable &= dataset.given_split == Split.TEST
        split = "test"
        reporter.notice(Notice("runs.test_split", {"name": dataset.name}))
    elif _is_training_data(classifier, dataset):
        reporter.notice(Notice("runs.trained_on", {"name": dataset.name}))
    indices = np.flatnonzero(usable)
    if len(indices) == 0:
        message = _("{name} holds no labeled {unit} that can be read.")
        raise DataError(message.format(name=dataset.origin, unit=dataset.unit.text()))
    truth = task.truth(dataset, indices)
    if task.has_classes:
        truth = match_labels(classifier.classes, dataset, indices, reporter)
        indices, truth = indices[truth >= 0], truth[truth >= 0]
    inputs = _load_inputs(classifier, dataset, indices, stats, reporter)
    outputs = classifier.outputs(inputs, progress=reporter.progress)
    paths = tuple(dataset.store.path(index) for index in indices.tolist())
    predictions = task.predictions.from_columns(classifier.classes, paths, truth, outputs)
    if dataset.groups is not None:
        predictions = predictions.with_groups(join_groups(np.arange(len(indices)), dataset.groups[indices]))
    unit = "rows" if isinstance(dataset, TableDataset) else "images"
    metrics: TaskMetrics = task.measure(predictions, split=split, unit=unit)
    return metrics


def _read_config(classifier: Classifier) -> dict[str, Any]:
    """Return config.json of the run that the classifier was opened from; empty where there is none."""
    run = RunDirectory(classifier.source or "")
    return run.read_config() if classifier.source and run.config.is_file() else {}


def _open(classifier: Classifier, data: DataLike, target: ColumnSpec) -> Dataset:
    """Open ``data`` by the columns and folders that the run was trained by, or as they are found where it has none."""
    spec = column_spec_from(_read_config(classifier).get("config", {}).get("data", {}), target)
    if spec == target:
        return open_data(data, column_spec=target)
    try:
        return open_data(data, column_spec=spec)
    except (ConfigError, DataError):
        return open_data(data, column_spec=target)


def _is_training_data(classifier: Classifier, dataset: Dataset) -> bool:
    origin = _read_config(classifier).get("data", {}).get("origin")
    return origin in (dataset.origin, str(Path(dataset.origin).resolve()))


def _find_valid(dataset: Dataset, reporter: Reporter) -> tuple[np.ndarray, ImageStats | None]:
    """Return which examples can be read, bool (N,), and the statistics of images."""
    for notice in dataset.notices:
        reporter.notice(notice)
    if not isinstance(dataset, TableDataset):
        stats = scan_images(dataset, reporter.progress)
        return stats.problem == 0, stats
    valid = np.isfinite(dataset.store.values).all(axis=1)
    if not valid.all():
        reporter.notice(Notice("runs.missing_values", {"n": int((~valid).sum())}))
    return valid, None


def _load_inputs(
    classifier: Classifier, dataset: Dataset, indices: np.ndarray, stats: ImageStats | None, reporter: Reporter
) -> ArrayLike:
    """Load pixels, cached where the run cached its own, or rows, whose columns are found by name."""
    table = classifier.card.table
    if isinstance(dataset, TableDataset) and table is not None:
        return dataset.store.select(table.columns)[indices]
    assert stats is not None  # they are images
    cache = _read_config(classifier).get("config", {}).get("data", {}).get("cache", "pixels")
    return load_pixels(dataset, indices, stats, classifier.card.spec, cache, reporter.progress)


def match_labels(classes: tuple[str, ...], dataset: Dataset, indices: np.ndarray, reporter: Reporter) -> np.ndarray:
    """Return the classifier's labels of examples, matched by name: int (len(indices),), -1 for unknown classes."""
    present = [name for name, count in dataset.counts(indices).items() if count]
    unknown = [name for name in present if name not in classes]
    if len(unknown) == len(present):
        message = _("The classifier knows none of the classes of {data} ({unknown}); it knows: {known}.")
        raise DataError(message.format(unknown=", ".join(unknown), data=dataset.origin, known=", ".join(classes)))
    positions = np.array([classes.index(name) if name in classes else -1 for name in dataset.classes], dtype=np.int64)
    labels: np.ndarray = positions[dataset.labels[indices]]
    missing = [name for name in classes if name not in present]
    for notice in _describe_matching(dataset, positions, int((labels < 0).sum()), unknown, missing):
        reporter.notice(notice)
    return labels


def _describe_matching(
    dataset: Dataset, positions: np.ndarray, n_unknown: int, unknown: list[str], missing: list[str]
) -> Iterator[Notice]:
    fields = {"data": dataset.name, "unit": dataset.unit}
    if unknown:
        yield Notice("runs.unknown_classes", {"n": n_unknown, "unit": dataset.unit, "names": unknown})
    if missing:
        yield Notice("runs.missing_classes", {**fields, "names": missing})
    if (np.diff(positions[positions >= 0]) < 0).any():
        yield Notice("runs.reordered_classes", {"data": dataset.name})
