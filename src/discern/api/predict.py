"""The classes of pictures and folders of pictures."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from discern.api.load import load
from discern.classifier.classifier import Classifier, Estimate, Prediction
from discern.data.order import natural
from discern.data.picture import is_picture_name
from discern.data.table import read_rows
from discern.errors import DataError, PictureError
from discern.i18n import _


def predict(
    model: str | os.PathLike[str],
    pictures: Sequence[str | os.PathLike[str]],
    top: int = 5,
    code: str | None = None,
) -> Iterator[Prediction | Estimate | PictureError]:
    """Predict each picture, or row of a table, in turn; what cannot be read comes as its error, and the rest goes on.

    Parameters
    ----------
    model : path
        A run, a bundle or a Keras file.
    pictures : sequence of path
        Pictures, and folders whose pictures are all taken, however deep; for a model of tables, tables.
    top : int
        How many classes to name.
    code : str, optional
        ``file.py:function`` that made the network, where it is one of your own.

    Raises
    ------
    RunError, DataError, ConfigError
        When the model, or a path given, is not there.
    """
    classifier = load(model, code=code)
    if classifier.card.table is not None:
        return _rows(classifier, pictures, top)
    return classifier.predict_many(list(_pictures(pictures)), top)


def _rows(
    classifier: Classifier, tables: Sequence[str | os.PathLike[str]], top: int
) -> Iterator[Prediction | Estimate | PictureError]:
    """What is said of every row of tables; a row that lacks a number comes as its error."""
    columns = classifier.card.table.columns if classifier.card.table else ()
    held = [read_rows(Path(table), columns) for table in tables]  # what is wrong with a table is said first
    for store in held:
        whole = np.isfinite(store.values).all(axis=1)
        names = [store.path(row) for row in range(len(store))]
        answers = classifier.predict_rows(store.values[whole], [n for n, w in zip(names, whole, strict=True) if w], top)
        for row, name in enumerate(names):
            if whole[row]:
                yield next(answers)
                continue
            column = columns[int(np.isnan(store.values[row]).argmax())]
            yield PictureError(_("{row} lacks a number ({column}): fill it in.").format(row=name, column=column))


def _pictures(paths: Sequence[str | os.PathLike[str]]) -> Iterator[Path]:
    for path in map(Path, paths):
        if not path.exists():
            raise DataError(_("{path} does not exist: check the name.").format(path=path))
        if path.is_dir():
            inside = [p for p in path.rglob("*") if is_picture_name(p) and p.is_file()]
            if not inside:
                raise DataError(_("{path} holds no pictures.").format(path=path))
            yield from sorted(inside, key=lambda p: natural(str(p)))
        else:
            yield path
