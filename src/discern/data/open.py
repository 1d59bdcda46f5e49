"""`open_data`: whatever a person calls a data set becomes a `Dataset`."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

from discern.data.cells import TABLE_SUFFIXES
from discern.data.dataset import Dataset
from discern.data.folder import open_folder
from discern.data.named import CLASSES, NAMES, open_named, open_raw
from discern.data.parquet import open_parquet
from discern.data.picture import is_picture_name
from discern.data.rows import ANY, Question, RowStore
from discern.data.shards import PREFIX, open_shards
from discern.data.table import open_table
from discern.errors import ConfigError, DataError, nearest
from discern.i18n import _
from discern.progress import Progress, silent


def open_data(
    source: str | os.PathLike[str] | Dataset, progress: Progress = silent, question: Question = ANY
) -> Dataset:
    """Open a data set.

    Parameters
    ----------
    source : str, os.PathLike or Dataset
        A folder (of class folders, of parquet files, of the official MNIST or CIFAR files), a .parquet file, a table
        (.csv, .tsv, .json, .jsonl), webdataset shards (``wds:shards/train-{000..009}.tar``), or a name: digits, iris,
        mnist, fashion-mnist, cifar10, cifar100. What exists as a path is taken as a path. A `Dataset` is given back as
        it is.
    progress : Progress
        Told of a download.
    question : Question
        Of a table of numbers: which column is to be learnt, and how.

    Raises
    ------
    DataError
        When there is no such thing, or it is no data set; the sentence says what to do.
    ConfigError
        When a table lacks the column asked for, or a column is asked of pictures.

    Examples
    --------
    >>> open_data("digits").counts()["0"]
    178
    """
    found = source if isinstance(source, Dataset) else _opened(source, progress, question)
    if (question.target or question.task != "auto") and not isinstance(found.store, RowStore):
        sentence = _("{name} holds pictures, where a table of numbers with a column to learn ({target}) is meant.")
        raise ConfigError(sentence.format(name=found.origin, target=question.target or question.task))
    return found


def _opened(source: str | os.PathLike[str], progress: Progress, question: Question) -> Dataset:
    if str(source).startswith(PREFIX):
        return open_shards(str(source))
    path = Path(source).expanduser()
    if str(source) and path.exists():
        found = _open_path(path, question)
        if str(source) in NAMES:
            note = _("'{name}' is the {path} here, not the data set of that name: rename it to have that one.").format(
                name=source, path=path.resolve()
            )
            return replace(found, notes=(*found.notes, note))
        return found
    if str(source) in NAMES:
        return open_named(str(source), progress, question)
    raise DataError(_missing(str(source), path))


def _open_path(path: Path, question: Question) -> Dataset:
    if path.is_dir():
        return open_raw(path, CLASSES.get(path.resolve().name, ())) or open_folder(path)
    suffix = path.suffix.lower()
    if suffix == ".parquet":
        return open_parquet(path)
    if suffix in TABLE_SUFFIXES:
        return open_table(path, question)
    if is_picture_name(path):
        raise DataError(
            _("{path} is one picture, not a data set: give the folder that holds a sub-folder per class.").format(
                path=path
            )
        )
    if suffix == ".tar":
        raise DataError(
            _("{path} is packed: unpack it and give the folder; if it is a webdataset shard, give wds:{path}.").format(
                path=path
            )
        )
    if suffix in (".zip", ".gz", ".tgz", ".7z", ".rar"):
        raise DataError(_("{path} is packed: unpack it and give the folder.").format(path=path))
    raise DataError(
        _("{path} is not a data set: give a folder, a .parquet file or a table ({suffixes}).").format(
            path=path, suffixes=", ".join(TABLE_SUFFIXES)
        )
    )


def _missing(source: str, path: Path) -> str:
    try:
        beside = [found.name for found in path.parent.iterdir() if not found.name.startswith(".")]
    except OSError:
        beside = []
    near = [*nearest(source, NAMES), *(str(path.with_name(name)) for name in nearest(path.name, beside))]
    if near:
        return _("There is no data set {source}: did you mean {names}?").format(source=source, names=", ".join(near))
    return _("There is no data set {source}: give a folder, a file, or one of {names}.").format(
        source=source, names=", ".join(NAMES)
    )
