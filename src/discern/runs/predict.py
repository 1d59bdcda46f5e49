"""Predictions for files: images, folders of images, and tables."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from discern.classifier.classifier import Classifier
from discern.classifier.prediction import Prediction, RegressionPrediction
from discern.data.manifest import read_rows
from discern.data.tabular import RowStore
from discern.data.walk import read_tree
from discern.errors import DataError, ImageError
from discern.i18n import _

Predicted = Prediction | RegressionPrediction | ImageError


def predict_files(classifier: Classifier, paths: Sequence[str | os.PathLike[str]], top_k: int) -> Iterator[Predicted]:
    """Predict each image, or row of a table, in turn; what cannot be read comes as its error, and the rest goes on."""
    columns = classifier.card.table.columns if classifier.card.table else ()
    if columns:  # an error in a table is raised before the first prediction
        return _predict_rows(classifier, columns, [read_rows(Path(table), columns) for table in paths], top_k)
    return classifier.predict_many(list(list_images(paths)), top_k)


def _predict_rows(
    classifier: Classifier, columns: tuple[str, ...], tables: Sequence[RowStore], top_k: int
) -> Iterator[Predicted]:
    for store in tables:
        complete = np.isfinite(store.values).all(axis=1)
        names = [store.path(row) for row in np.flatnonzero(complete).tolist()]
        predictions = classifier.predict_rows(store.values[complete], names, top_k)
        for row, values in enumerate(store.values):
            if complete[row]:
                yield next(predictions)
                continue
            message = _("{row} has no value for {column}: fill it in.")
            yield ImageError(message.format(row=store.path(row), column=columns[int(np.isnan(values).argmax())]))


def list_images(paths: Sequence[str | os.PathLike[str]]) -> Iterator[Path]:
    """Yield the images that are given, and those in folders that are given: the files that training would take.

    A `DataError` says which does not exist, or holds none.
    """
    for path in map(Path, paths):
        if not path.exists():
            raise DataError(_("{path} does not exist: check the name.").format(path=path))
        if path.is_dir():
            tree, _count = read_tree(str(path))  # the walk of training: the same files
            if not tree.n_total:
                raise DataError(_("{path} holds no images.").format(path=path))
            yield from (path / name for folder in tree.walk() for name in folder.images())
        else:
            yield path
