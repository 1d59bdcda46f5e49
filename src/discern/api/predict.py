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
from discern.data.rows import RowStore
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
    columns = classifier.card.table.columns if classifier.card.table else ()
    if columns:  # what is wrong with a table is said before the first answer
        return _rows(classifier, columns, [read_rows(Path(table), columns) for table in pictures], top)
    return classifier.predict_many(list(_pictures(pictures)), top)


def _rows(
    classifier: Classifier, columns: tuple[str, ...], tables: Sequence[RowStore], top: int
) -> Iterator[Prediction | Estimate | PictureError]:
    """What is said of every row; one that lacks a number comes as its error."""
    for store in tables:
        whole = np.isfinite(store.values).all(axis=1)
        named = [store.path(row) for row in np.flatnonzero(whole).tolist()]
        answers = classifier.predict_rows(store.values[whole], named, top)
        for row, values in enumerate(store.values):
            if whole[row]:
                yield next(answers)
                continue
            sentence = _("{row} lacks a number ({column}): fill it in.")
            yield PictureError(sentence.format(row=store.path(row), column=columns[int(np.isnan(values).argmax())]))


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
