"""Which parquet and arrow files of a folder are one data set, and of which split each is.

Known are files side by side (``train-00000-of-00001.parquet``), those that the Hugging Face Hub converts to
(``default/train/0000.parquet``), and what the ``datasets`` library writes: ``save_to_disk`` (``train/data-00000-of-
00001.arrow``) and its cache (``beans-train.arrow``).
"""

from __future__ import annotations

import itertools
import os
import re
from pathlib import Path

from discern.data.dataset import Split
from discern.data.image import is_image_name
from discern.data.names import natural_key, split_from_name, split_in_name
from discern.data.walk import leads_to_folder
from discern.errors import DataError
from discern.i18n import _

SUFFIXES = (".parquet", ".arrow")
_MAX_FOLDERS = 32  # sub-folders that are looked into: more are classes
_MAX_ENTRIES = 256  # names of one sub-folder that are looked at: a folder of images has more
_NO_DATA = ("metadata.parquet",)  # labels of images that lie beside it


def find_hub_files(folder: Path) -> list[Path]:
    """Find the parquet or arrow files of the data set in ``folder``, in natural order; [] where there are none.

    A `DataError` lists the configurations where there are several: each is a data set.
    """
    for place in (folder, folder / "data"):
        if files := _list_files(place):
            return files
    names = _list_folders(folder)
    found = {name: files for name in names if (files := _find_below(folder / name))}
    if not found or any(map(_holds_images, [folder, *(folder / name for name in names)])):  # a file among class folders
        return []
    if len(found) > 1 and not all(split_in_name(name) for name in found):
        message = _("{path} has several data sets ({names}): use one of them, as in {inner}.")
        first = next(iter(found))
        raise DataError(message.format(path=folder, names=", ".join(found), inner=folder / first))
    return list(itertools.chain.from_iterable(found.values()))


def _find_below(folder: Path) -> list[Path]:
    """Find the files of a split, or of the splits of a configuration."""
    files = _list_files(folder)
    return files or [
        file for name in _list_folders(folder) if split_in_name(name) for file in _list_files(folder / name)
    ]


def split_word(root: Path, file: Path) -> str:
    """Return what says of which split a file is: the beginning of its name, its end, or the folder that it is in.

    Examples
    --------
    >>> root = Path("beans")
    >>> [split_word(root, root / name) for name in ("train-00000.parquet", "default/test/0.parquet", "x-train.arrow")]
    ['train', 'test', 'train']
    """
    words = [word for word in re.split(r"[-_.]", file.stem) if not word.isdigit()] or [file.stem]
    for word in (words[0], words[-1]):
        if split_from_name(word) != Split.NONE:
            return word
    inside = file.parent.name if file.parent not in (root, root / "data") else ""
    if inside and split_in_name(inside) != Split.NONE:
        return split_in_name(inside).name.lower() if split_from_name(inside) == Split.NONE else inside
    return words[0]


def _holds_images(folder: Path) -> bool:
    return any(is_image_name(name) for name, is_folder in _scan(folder) if not is_folder)


def _list_files(folder: Path) -> list[Path]:
    names = [name for name, is_folder in _scan(folder) if not is_folder and name.endswith(SUFFIXES)]
    names = [name for name in names if name not in _NO_DATA and not name.startswith("cache-")]
    parquet = [name for name in names if name.endswith(".parquet")]
    return [folder / name for name in sorted(parquet or names, key=natural_key)]


def _list_folders(folder: Path) -> list[str]:
    names = [name for name, is_folder in _scan(folder) if is_folder]
    return sorted(names, key=natural_key) if len(names) <= _MAX_FOLDERS else []


def _scan(folder: Path) -> list[tuple[str, bool]]:
    """Return the first names in a folder that are not hidden, and whether each is a folder."""
    try:
        with os.scandir(folder) as entries:
            shown = (entry for entry in entries if not entry.name.startswith("."))
            return [(entry.name, leads_to_folder(entry)) for entry in itertools.islice(shown, _MAX_ENTRIES)]
    except OSError:
        return []
