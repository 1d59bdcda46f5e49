"""What every source becomes: columns of labels and given splits, and a store that reads one example.

There are two kinds, `ImageDataset` and `TableDataset`. A task (what is to be learnt) is only named here; what it is
measured by stands in `discern.evaluation.task`. Columns, not objects: a million images cost two small arrays and their
names.
"""

from __future__ import annotations

import hashlib
import os
from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path

import numpy as np

from discern.errors import DataError
from discern.i18n import _
from discern.notices import Notice

UNLABELED = -1


class Split(IntEnum):
    """The split of a data set that an example is in, given by the source or assigned."""

    NONE = 0
    TRAIN = 1
    VALIDATION = 2
    TEST = 3
    UNLABELED = 4  # to be predicted


class Store(ABC):
    """Reads examples by position; safe to send to another process."""

    @abstractmethod
    def __len__(self) -> int: ...

    @abstractmethod
    def read(self, index: int) -> bytes | np.ndarray:
        """Read the encoded file as bytes, or pixels as uint8 (H, W) or (H, W, 3) where the source holds them raw.

        Raises
        ------
        OSError
            When it is gone or not readable; the audit lists it as ``unreadable``.
        """

    @abstractmethod
    def path(self, index: int) -> str:
        """Return the name a person knows the example by, within the data set: ``train/ants/1.jpg``, ``iris.csv#7``."""

    @abstractmethod
    def version_key(self) -> str:
        """Return a key that changes whenever the examples may have changed (names, sizes, times), without reading."""


def file_version(status: os.stat_result) -> tuple[int, int, int, int]:
    """Return what changes with the content of a file, also where a copy keeps size and time of what it replaces."""
    return status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino & 0x7FFF_FFFF_FFFF_FFFF


def hash_versions(files: Iterable[tuple[Path, *tuple[str, ...]]]) -> str:
    """Return the `Store.version_key` of a few files, each with what else decides what is read of it."""
    digest = hashlib.blake2b(digest_size=16)
    for path, *notes in files:
        version = "\0".join([str(path), *notes, *map(str, file_version(path.stat())), ""])
        digest.update(version.encode("utf-8", "surrogateescape"))
    return digest.hexdigest()


class RowStore(Store):
    """Rows of numbers, in memory: float64 (N, F), nan where there is no number, of F named columns.

    ``name`` is that of the file, for the names of rows (``iris.csv#1`` is its first); ``target`` the column learnt.
    """

    def __init__(self, name: str, columns: Sequence[str], values: np.ndarray, target: str) -> None:
        self.name, self.columns, self.values, self.target = name, tuple(columns), values, target

    def __len__(self) -> int:
        return len(self.values)

    def read(self, index: int) -> np.ndarray:
        """Return the numbers of a row, float64 (F,); whoever needs many reads `values`."""
        row: np.ndarray = self.values[index]
        return row

    def path(self, index: int) -> str:
        return f"{self.name}#{index + 1}"

    def select(self, columns: Sequence[str]) -> np.ndarray:
        """Return the values of some columns, by name: float64 (N, len(columns)); a `DataError` where one is missing."""
        require_columns(self.name, columns, self.columns)
        return self.values[:, [self.columns.index(name) for name in columns]]

    def version_key(self) -> str:
        return hashlib.blake2b(np.ascontiguousarray(self.values).data, digest_size=16).hexdigest()


def require_columns(table: str, columns: Sequence[str], available: Sequence[str]) -> None:
    """Raise a `DataError` that lists which of ``columns`` are not ``available`` in ``table``."""
    missing = [name for name in columns if name not in available]
    if missing:
        message = _("{path} lacks the columns {missing}; it has {available}: the model reads {columns}.")
        names = {"missing": ", ".join(missing), "available": ", ".join(available) or "-", "columns": ", ".join(columns)}
        raise DataError(message.format(path=table, **names))


@dataclass(frozen=True, eq=False)
class Dataset(ABC):
    """A set of labeled examples, of one of two kinds: `ImageDataset` or `TableDataset`."""

    name: str  # short, for run directories: fruit
    origin: str  # what `open_data` was given: a path or a built-in name
    # Each with at least one example, in natural order or in the order of the source's own numbers; a label is a
    # position among them. A regression has one, the name of its target.
    classes: tuple[str, ...]
    labels: np.ndarray  # int32 (N,), `UNLABELED` (-1) where there is none
    given_split: np.ndarray  # uint8 (N,) of `Split`: where the source put each example, NONE where it does not say
    store: Store
    notices: tuple[Notice, ...] = ()  # what opening it decided (for example that val is used as the test split)
    task: str = "classification"  # learns `labels`; "regression" learns `targets`
    targets: np.ndarray | None = None  # float64 (N,) of a regression
    groups: np.ndarray | None = None  # int64 (N,): examples of one patient or camera share a split; -1 for no group

    def __len__(self) -> int:
        return len(self.labels)

    @property
    @abstractmethod
    def unit(self) -> Notice:
        """The word for its examples: images or rows."""

    def counts(self, indices: Sequence[int] | np.ndarray | None = None) -> dict[str, int]:
        """Count examples per class, among ``indices`` or all."""
        labels = self.labels if indices is None else self.labels[np.asarray(indices, dtype=np.int64)]
        counts = np.bincount(labels[labels >= 0], minlength=len(self.classes))
        return dict(zip(self.classes, counts.tolist(), strict=True))


class ImageDataset(Dataset):
    """A data set whose examples are images."""

    @property
    def unit(self) -> Notice:
        return Notice("word.images")


@dataclass(frozen=True, eq=False)
class TableDataset(Dataset):
    """A data set whose examples are rows of numbers."""

    store: RowStore

    @property
    def unit(self) -> Notice:
        return Notice("word.rows")
