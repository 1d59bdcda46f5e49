"""The classes of pictures and folders of pictures."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from discern.api.load import load
from discern.classifier.classifier import Prediction
from discern.data.order import natural
from discern.data.picture import is_picture_name
from discern.errors import DataError, PictureError
from discern.i18n import _


def predict(
    model: str | os.PathLike[str],
    pictures: Sequence[str | os.PathLike[str]],
    top: int = 5,
    code: str | None = None,
) -> Iterator[Prediction | PictureError]:
    """Predict each picture in turn; what is not a picture comes as its error, and the rest goes on.

    Parameters
    ----------
    model : path
        A run, a bundle or a Keras file.
    pictures : sequence of path
        Pictures, and folders whose pictures are all taken, however deep.
    top : int
        How many classes to name.
    code : str, optional
        ``file.py:function`` that made the network, where it is one of your own.

    Raises
    ------
    RunError, DataError, ConfigError
        When the model, or a path given, is not there.
    """
    found = list(_pictures(pictures))
    return load(model, code=code).predict_many(found, top)


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
