"""What every source of pictures becomes: columns of labels and given parts, and a store that reads one picture.

Columns, not objects: a million pictures cost two small arrays and their names.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum

import numpy as np

UNLABELLED = -1


class Part(IntEnum):
    """The part of a data set that a picture was given to, or put in by the split."""

    NONE = 0
    TRAIN = 1
    VALIDATION = 2
    TEST = 3
    ASIDE = 4  # no label: kept aside, to be predicted


class Store(ABC):
    """Reads pictures by position; safe to send to another process."""

    @abstractmethod
    def __len__(self) -> int: ...

    @abstractmethod
    def read(self, index: int) -> bytes | np.ndarray:
        """The encoded file as bytes, or pixels as uint8 (H, W) or (H, W, 3) where the source holds them raw.

        Raises
        ------
        OSError
            When it is gone or may not be read; the audit lists it as ``unreadable``.
        """

    @abstractmethod
    def path(self, index: int) -> str:
        """The name a person knows the picture by, within the data set: ``train/ants/1.jpg``, ``train.parquet#7``."""

    @abstractmethod
    def stamp(self) -> str:
        """Changes whenever the pictures may have changed (names, sizes, times), without reading them."""


@dataclass(frozen=True, eq=False)
class Dataset:
    """A set of pictures with class names.

    Attributes
    ----------
    name : str
        Short name for run directories, for example ``fruit``.
    origin : str
        What `open_data` was given: a path or a built-in name.
    classes : tuple of str
        Class names, each with at least one picture, in natural order or in the order of the source's own numbers; a
        label is a position in it.
    labels : numpy.ndarray
        int32 (N,), `UNLABELLED` (-1) where there is none.
    given : numpy.ndarray
        uint8 (N,) of `Part`: the part the source put each picture in, `Part.NONE` where it says nothing.
    store : Store
        Reads picture ``i``.
    notes : tuple of str
        Translated sentences about what opening it decided (for example "val is used as the test part").
    targets : numpy.ndarray, optional
        float64 (N,), the numbers to learn where a table asks for a regression; its one class is then their name.
    """

    name: str
    origin: str
    classes: tuple[str, ...]
    labels: np.ndarray
    given: np.ndarray
    store: Store
    notes: tuple[str, ...] = ()
    targets: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.labels)

    def counts(self, indices: Sequence[int] | np.ndarray | None = None) -> dict[str, int]:
        """Pictures per class, among ``indices`` or all."""
        labels = self.labels if indices is None else self.labels[np.asarray(indices, dtype=np.int64)]
        found = np.bincount(labels[labels >= 0], minlength=len(self.classes))
        return dict(zip(self.classes, found.tolist(), strict=True))
