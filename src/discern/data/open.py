"""`open_data`: whatever a person calls a data set becomes a `Dataset`."""

from __future__ import annotations

import os
import re
from dataclasses import replace
from pathlib import Path

from discern.data.builtin import BUILTIN_NAMES, BUNDLED, REMOTES, is_download_interrupted, open_builtin, open_official
from discern.data.columns import AUTO, NO_GROUPS, ColumnSpec
from discern.data.dataset import Dataset, TableDataset
from discern.data.exports.detect import group_copies, open_export_file, open_export_folder
from discern.data.exports.sniff import read_head
from discern.data.folder import open_folder
from discern.data.groups import group_by_pattern, is_pattern
from discern.data.image import is_image_name
from discern.data.manifest import open_table
from discern.data.names import abbreviate
from discern.data.parquet import open_parquet
from discern.data.shards import PREFIX, open_shards
from discern.data.table_file import TABLE_SUFFIXES
from discern.errors import ConfigError, DataError, nearest
from discern.files import check_regular, data_folders
from discern.i18n import _
from discern.notices import Notice
from discern.progress import Progress, ignore_progress


def open_data(
    source: str | os.PathLike[str] | Dataset, progress: Progress = ignore_progress, column_spec: ColumnSpec = AUTO
) -> Dataset:
    """Open a data set.

    Parameters
    ----------
    source : str, os.PathLike or Dataset
        A folder (of class folders, of parquet files, of the official MNIST or CIFAR files), a .parquet file, a table
        (.csv, .tsv, .json, .jsonl), a file or folder that a labeling tool exported, webdataset shards
        (``wds:shards/train-{000..009}.tar``), or a name: of a folder or file in ``$DISCERN_DATA``, or of a built-in
        data set (digits, iris, mnist, fashion-mnist, cifar10, cifar100).
        What exists as a path is taken as a path. A `Dataset` is returned as it is.
    progress : Progress
        Called during a download.
    column_spec : ColumnSpec
        Which column of a table of numbers is to be learnt, and how.

    Raises
    ------
    DataError
        When there is no such thing, or it is no data set; the message says what to do.
    ConfigError
        When a table lacks the column to learn, or a column is specified for images.

    Examples
    --------
    >>> open_data("digits").counts()["0"]
    178
    """
    pattern = column_spec.group if is_pattern(column_spec.group) else ""
    if pattern:
        column_spec = replace(column_spec, group=NO_GROUPS)
    dataset = source if isinstance(source, Dataset) else _open(str(source), progress, column_spec)
    if (column_spec.target or column_spec.task != "auto") and not isinstance(dataset, TableDataset):
        message = _(
            "{name} holds images: --target is for tables of numbers; choose the column of classes with --label."
        )
        raise ConfigError(message.format(name=dataset.origin))
    if column_spec.group and isinstance(dataset, TableDataset) and dataset.groups is None:
        message = _("{name} is a table of numbers, whose rows are not grouped: leave --group {group} out.")
        raise ConfigError(message.format(name=dataset.origin, group=column_spec.group))
    return group_by_pattern(dataset, pattern) if pattern else dataset


def find_local(name: str, column_spec: ColumnSpec = AUTO) -> Dataset | None:
    """Open what is called ``name`` in one of the data folders (``$DISCERN_DATA`` first); None where nothing is.

    Examples
    --------
    >>> find_local("no such data") is None
    True
    """
    parts = Path(name).parts
    if not parts or Path(name).is_absolute() or any(part.startswith(".") for part in parts):
        return None
    for folder in data_folders():
        place = folder / name
        if not place.exists() or (name in REMOTES and is_download_interrupted(place, name)):
            continue
        official = open_official(place, name, column_spec) if name in REMOTES else None
        if official is not None:
            return replace(official, name=name, origin=name)
        if name in REMOTES and not any(inner.is_dir() for inner in place.iterdir()):
            continue  # an empty folder
        dataset = _open_path(place, column_spec)
        notice = Notice("data.found_in_data_folder", {"name": name, "path": str(place)})
        return replace(dataset, notices=(*dataset.notices, notice))
    return None


def _open(source: str, progress: Progress, column_spec: ColumnSpec) -> Dataset:
    if source.startswith(PREFIX):
        return open_shards(source)
    path = Path(source).expanduser()
    if source and path.exists():
        dataset = _open_path(path, column_spec)
        if source in BUILTIN_NAMES:
            notice = Notice("data.shadows_builtin", {"name": source, "path": str(path.resolve())})
            return replace(dataset, notices=(*dataset.notices, notice))
        return dataset
    local = None if source in BUNDLED else find_local(source, column_spec)
    if local is not None:
        return local
    if source in BUILTIN_NAMES:
        return open_builtin(source, progress, column_spec)
    raise DataError(_describe_unknown(source, path))


def _open_path(path: Path, column_spec: ColumnSpec) -> Dataset:
    if path.is_dir():
        exported, notices = (None, []) if column_spec.class_depth else open_export_folder(path, column_spec)
        dataset = exported or open_official(path, path.resolve().name, column_spec)
        dataset = dataset or _open_class_folders(path, column_spec)
        return group_copies(replace(dataset, notices=(*dataset.notices, *notices)))
    _check_regular(path)
    exported = open_export_file(path, column_spec)
    if exported is not None:
        return group_copies(exported)
    suffix = path.suffix.lower()
    if suffix in (".parquet", ".arrow"):
        return open_parquet(path, column_spec)
    if suffix in TABLE_SUFFIXES:
        return group_copies(open_table(path, column_spec))
    if is_image_name(path):
        message = _("{path} is one image, not a data set: use the folder that has a sub-folder per class.")
    elif suffix == ".tar":
        message = _("{path} is packed: unpack it and use the folder; if it is a webdataset shard, use wds:{path}.")
    elif suffix in (".zip", ".gz", ".tgz", ".7z", ".rar"):
        message = _("{path} is packed: unpack it and use the folder.")
    else:
        message = _("{path} is not a data set: use a folder, a .parquet file or a table ({suffixes}).")
    raise DataError(message.format(path=path, suffixes=", ".join(TABLE_SUFFIXES)))


def _open_class_folders(path: Path, column_spec: ColumnSpec) -> Dataset:
    if column_spec.group not in ("", NO_GROUPS):
        message = _(
            '{path} has no column "{group}": for groups of files give a pattern over the path, as in --group '
            '"{group}_(.*?)_".'
        )
        raise ConfigError(message.format(path=path, group=column_spec.group))
    if column_spec.image or column_spec.label or column_spec.split:
        message = _("{path} is a folder of images, which has no columns: --image, --label and --split are for tables.")
        raise ConfigError(message.format(path=path))
    dataset = open_folder(path, column_spec.class_depth)
    tables = [name for name in _list_names(path) if _lists_images(path / name)]
    if not tables:
        return dataset
    notice = Notice("data.folders_over_table", {"tables": abbreviate(tables), "path": str(path / tables[0])})
    return replace(dataset, notices=(*dataset.notices, notice))


def _lists_images(file: Path) -> bool:
    """Return whether a file is called like a table and begins with names of images."""
    if file.suffix.lower() not in TABLE_SUFFIXES:
        return False
    return any(is_image_name(word) for word in re.split(r"[\s,;\"']+", read_head(file)[:4096]))


def _check_regular(path: Path) -> None:
    """Raise a `DataError` for a pipe or a device, which would be waited for."""
    try:
        check_regular(path)
    except OSError as error:
        message = _("{path} is not readable ({reason}): check its name and permissions.")
        raise DataError(message.format(path=path, reason=error.strerror or error)) from error


def _describe_unknown(source: str, path: Path) -> str:
    """Say where ``source`` was looked for, and what is called nearly so there."""
    folders = data_folders()
    similar = [str(path.with_name(name)) for name in nearest(path.name, _list_names(path.parent))]
    similar += nearest(source, [*BUILTIN_NAMES, *(name for folder in folders for name in _list_names(folder))])
    fields = {"source": source, "folders": ", ".join(map(str, folders)), "builtin": ", ".join(BUILTIN_NAMES)}
    if similar:
        message = _(
            'Unknown data set "{source}" (did you mean {names}?). Searched here, in {folders}, and among {builtin}.'
        )
        return message.format(names=", ".join(dict.fromkeys(similar)), **fields)
    message = _(
        'Unknown data set "{source}": there is no such file or folder here or in {folders} (set DISCERN_DATA to the '
        "folder that holds your data sets), and the built-in ones are {builtin}."
    )
    return message.format(**fields)


def _list_names(folder: Path) -> list[str]:
    try:
        return [inner.name for inner in folder.iterdir() if not inner.name.startswith(".")]
    except OSError:
        return []
