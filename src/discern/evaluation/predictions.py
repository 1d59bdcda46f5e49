"""Predictions of every held-out example, stored so that every number can come from them."""

from __future__ import annotations

import dataclasses
import os
import zipfile
import zlib
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Self, TypeVar

import numpy as np

from discern.errors import RunError
from discern.files import atomic_write, read_errors
from discern.i18n import _

FORMAT = 2


class StoredPredictions(ABC):
    """The predictions of one split beside the truth, a row an example; subclasses are frozen dataclasses."""

    outputs: tuple[str, ...]  # what is predicted: the classes, or the target of a regression
    paths: tuple[str, ...]  # (N,) the names that a person knows the examples by, as in split.json
    groups: np.ndarray | None = None  # int64 (N,), equal for examples of one group; None where there are no groups
    COLUMNS: ClassVar[tuple[str, ...]]  # the attributes beside them that are arrays (N, ...)

    def __len__(self) -> int:
        return len(self.paths)

    @classmethod
    @abstractmethod
    def from_columns(cls, outputs: tuple[str, ...], paths: tuple[str, ...], *columns: np.ndarray) -> Self:
        """Make the object of its `COLUMNS`; a ValueError says that they do not fit each other."""

    def with_groups(self, groups: np.ndarray | None) -> Self:
        """Return the same predictions with the groups of the examples; a ValueError says that they do not fit."""
        if groups is None:
            return self
        if groups.dtype != np.int64 or groups.shape != (len(self),):
            raise ValueError("groups do not fit")
        return dataclasses.replace(self, groups=groups)  # type: ignore[type-var]

    @abstractmethod
    def truth_texts(self) -> np.ndarray:
        """Return the true answer of each example as it can be compared between runs: (N,)."""

    def by_path(self, column: np.ndarray) -> np.ndarray:
        """Return ``column`` (N,) in the order of the examples' names, which is the same for every run on them."""
        ordered: np.ndarray = column[np.argsort(np.array(self.paths, dtype=np.str_), kind="stable")]
        return ordered


P = TypeVar("P", bound=StoredPredictions)


@dataclass(frozen=True, eq=False)
class Predictions(StoredPredictions):
    """The class probabilities of one split.

    Examples
    --------
    >>> p = Predictions(("cat", "dog"), ("a.jpg",), np.array([0]), np.array([[0.25, 0.75]], dtype=np.float32))
    >>> len(p), p.predicted.tolist(), p.correct.tolist()
    (1, [1], [False])
    """

    COLUMNS = ("labels", "probabilities")

    outputs: tuple[str, ...]
    paths: tuple[str, ...]
    labels: np.ndarray  # int64 (N,), the true classes
    probabilities: np.ndarray  # float32 (N, C), rows sum to 1
    groups: np.ndarray | None = None

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of the C classes."""
        return self.outputs

    @property
    def predicted(self) -> np.ndarray:
        """int64 (N,): the most probable class, the first of equals."""
        return self.probabilities.argmax(axis=1)

    @property
    def correct(self) -> np.ndarray:
        """bool (N,): whether the most probable class is the true one."""
        correct: np.ndarray = self.predicted == self.labels
        return correct

    @classmethod
    def from_columns(cls, outputs: tuple[str, ...], paths: tuple[str, ...], *columns: np.ndarray) -> Self:
        labels, probabilities = columns
        if labels.dtype != np.int64 or labels.shape != (len(paths),):
            raise ValueError("labels do not fit")
        if probabilities.dtype != np.float32 or probabilities.shape != (len(paths), len(outputs)):
            raise ValueError("probabilities do not fit")
        if len(labels) and (labels.min() < 0 or labels.max() >= len(outputs)):
            raise ValueError("labels out of range")
        return cls(outputs, paths, labels, probabilities)

    def truth_texts(self) -> np.ndarray:
        return np.array(self.outputs, dtype=np.str_)[self.labels]


def save_predictions(path: str | os.PathLike[str], splits: Mapping[str, StoredPredictions]) -> None:
    """Write the predictions of ``splits`` (by name, all of one kind) as one .npz, complete or not at all.

    A `DiskError` says where the disk is full or not writable.
    """
    first = next(iter(splits.values()))
    arrays: dict[str, np.ndarray] = {
        "format": np.array(FORMAT),
        "outputs": np.array(first.outputs, dtype=np.str_),
        "splits": np.array(list(splits), dtype=np.str_),
    }
    for name, split in splits.items():
        arrays[f"{name}_paths"] = np.array(split.paths, dtype=np.str_)
        arrays |= {f"{name}_{column}": getattr(split, column) for column in split.COLUMNS}
        if split.groups is not None:
            arrays[f"{name}_groups"] = split.groups
    with atomic_write(path) as temporary, temporary.open("wb") as stream:
        np.savez_compressed(stream, allow_pickle=False, **arrays)


def load_predictions(path: str | os.PathLike[str], kind: type[P]) -> dict[str, P]:
    """Read what `save_predictions` wrote, by split.

    A `RunError` says where it is missing, damaged, or of another ``kind``.
    """
    if not Path(path).is_file():
        message = _("{path} has no stored predictions (predictions.npz): train again to have them.")
        raise RunError(message.format(path=Path(path).parent))
    splits = {}
    message = _("{path} is damaged or from another version: copy it again, or train again.")
    with open_arrays(path, FORMAT, message) as stored:
        outputs = tuple(stored["outputs"].tolist())
        for name in stored["splits"].tolist():
            paths, *columns = (stored[f"{name}_{column}"] for column in ("paths", *kind.COLUMNS))
            if paths.dtype.kind != "U":
                raise ValueError("paths are no text")
            splits[name] = kind.from_columns(outputs, tuple(paths.tolist()), *columns)
            if f"{name}_groups" in stored:
                splits[name] = splits[name].with_groups(stored[f"{name}_groups"])
    return splits


@contextmanager
def open_arrays(path: str | os.PathLike[str], version: int, message: str) -> Iterator[Mapping[str, np.ndarray]]:
    """Open an .npz; what goes wrong inside the block, or another ``version``, is a `RunError` with ``message``."""
    try:
        with read_errors(path), Path(path).open("rb") as stream, np.load(stream, allow_pickle=False) as arrays:
            if int(arrays["format"]) != version:
                raise ValueError(f"format {arrays['format']}")
            yield arrays
    except (OSError, EOFError, ValueError, KeyError, TypeError, zipfile.BadZipFile, zlib.error) as error:
        raise RunError(message.format(path=path)) from error
