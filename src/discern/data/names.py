"""Names as sources write them: normalized, in natural order, abbreviated, and read as the name of a split."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TypeVar

from discern.data.dataset import Split

T = TypeVar("T")

_NAMES = {Split.TRAIN: "train training", Split.VALIDATION: "val valid validation", Split.TEST: "test testing"}
_SPLITS = {name: split for split, names in _NAMES.items() for name in names.split()}
_DIGITS = re.compile("[0-9]+")


def natural_key(name: str) -> str:
    """Return a sort key under which numbers inside names count as numbers, and letter case only breaks ties.

    Examples
    --------
    >>> sorted(["10.png", "b2", "9.png", "B10", "b1"], key=natural_key)
    ['9.png', '10.png', 'b1', 'b2', 'B10']
    """
    return _DIGITS.sub(_sortable_number, name.casefold()) + "\0" + name


def _sortable_number(digits: re.Match[str]) -> str:
    bare = digits[0].lstrip("0")
    return f"{len(bare):04d}{bare}"  # how many digits, then the digits: orders numbers of any length


def normalize_name(name: str) -> str:
    """Return a name from the file system as text that any file can hold: composed, without bytes that are not UTF-8.

    Examples
    --------
    >>> normalize_name("cafe\\u0301") == "caf\\u00e9"
    True
    """
    return unicodedata.normalize("NFC", name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace"))


def abbreviate(names: Sequence[T], max_names: int = 5) -> list[T | str]:
    """Return the first names, and an ellipsis where there are more.

    Examples
    --------
    >>> abbreviate(["a", "b", "c"], max_names=2)
    ['a', 'b', '…']
    """
    return [*names[:max_names], "…"] if len(names) > max_names else list(names)


def split_from_name(name: str) -> Split:
    """Return the split that a folder, a file or a cell of this name stands for; `Split.NONE` for any other name.

    Examples
    --------
    >>> split_from_name("Valid").name, split_from_name("apple").name
    ('VALIDATION', 'NONE')
    """
    return _SPLITS.get(name.strip().casefold(), Split.NONE)


def splits_from_names(names: Iterable[str]) -> dict[str, Split]:
    """Return the splits that names found side by side stand for; nothing where they are not names of splits.

    Beside ``train`` alone any other name is the test split; beside several splits it is `Split.NONE`.

    Examples
    --------
    >>> [split.name for split in splits_from_names(["train", "holdout"]).values()]
    ['TRAIN', 'TEST']
    >>> [split.name for split in splits_from_names(["Train", "val", "test", "extra"]).values()]
    ['TRAIN', 'VALIDATION', 'TEST', 'NONE']
    """
    splits = {name: split_from_name(name) for name in names}
    if Split.TRAIN not in splits.values() and Split.NONE in splits.values():
        return {}
    others = [name for name, split in splits.items() if split != Split.TRAIN]
    if len(others) == 1 < len(splits) and splits[others[0]] == Split.NONE:
        splits[others[0]] = Split.TEST
    return splits


def dataset_name(table: Path) -> str:
    """Return the name of a table's data set: that of its folder where the file is called train, test or the like.

    Examples
    --------
    >>> dataset_name(Path("fruit.csv")), dataset_name(Path("fruit/train.csv"))
    ('fruit', 'fruit')
    """
    return normalize_name(table.resolve().parent.name if split_from_name(table.stem) != Split.NONE else table.stem)
