"""What a classifier said of every held-out picture, kept so that every number can come from it."""

from __future__ import annotations

import os
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from discern.errors import RunError
from discern.files import replacing
from discern.i18n import _

FORMAT = 1
_COLUMNS = ("paths", "labels", "probabilities")


@dataclass(frozen=True, eq=False)
class Predictions:
    """One part's pictures, what they show and what was said of them.

    Attributes
    ----------
    classes : tuple of str
        Names of the C classes.
    paths : tuple of str
        (N,) the names that a person knows the pictures by, as in split.json.
    labels : numpy.ndarray
        int64 (N,), the true classes.
    probabilities : numpy.ndarray
        float32 (N, C), rows sum to 1.

    Examples
    --------
    >>> p = Predictions(("cat", "dog"), ("a.jpg",), np.array([0]), np.array([[0.25, 0.75]], dtype=np.float32))
    >>> len(p), p.predicted.tolist(), p.correct.tolist()
    (1, [1], [False])
    """

    classes: tuple[str, ...]
    paths: tuple[str, ...]
    labels: np.ndarray
    probabilities: np.ndarray

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def predicted(self) -> np.ndarray:
        """int64 (N,): the most probable class, the first of equals."""
        return self.probabilities.argmax(axis=1)

    @property
    def correct(self) -> np.ndarray:
        """bool (N,): whether the most probable class is the true one."""
        found: np.ndarray = self.predicted == self.labels
        return found


def save_predictions(path: str | os.PathLike[str], parts: Mapping[str, Predictions]) -> None:
    """Write the predictions of ``parts`` (by name, all with the same classes) as one .npz, whole or not at all.

    Raises
    ------
    DiskError
        When the disk is full or may not be written.
    """
    classes = next(iter(parts.values())).classes
    arrays: dict[str, np.ndarray] = {
        "format": np.array(FORMAT),
        "classes": np.array(classes, dtype=np.str_),
        "parts": np.array(list(parts), dtype=np.str_),
    }
    for name, part in parts.items():
        arrays[f"{name}_paths"] = np.array(part.paths, dtype=np.str_)
        arrays[f"{name}_labels"] = np.asarray(part.labels, dtype=np.int64)
        arrays[f"{name}_probabilities"] = np.asarray(part.probabilities, dtype=np.float32)
    with replacing(path) as temporary, temporary.open("wb") as stream:
        np.savez_compressed(stream, allow_pickle=False, **arrays)


def load_predictions(path: str | os.PathLike[str]) -> dict[str, Predictions]:
    """What `save_predictions` wrote, by part.

    Raises
    ------
    RunError
        When it is missing, damaged, or does not hold together.
    """
    if not Path(path).is_file():
        sentence = _("{path} has no stored predictions (predictions.npz): train again to have them.")
        raise RunError(sentence.format(path=Path(path).parent))
    try:
        with Path(path).open("rb") as stream, np.load(stream, allow_pickle=False) as held:
            if int(held["format"]) != FORMAT:
                raise ValueError(f"format {held['format']}")
            classes = tuple(held["classes"].tolist())
            return {name: _part(classes, *(held[f"{name}_{column}"] for column in _COLUMNS)) for name in held["parts"]}
    except (OSError, EOFError, ValueError, KeyError, TypeError, zipfile.BadZipFile, zlib.error) as error:
        sentence = _("{path} is damaged or from another version: copy it again, or train again.")
        raise RunError(sentence.format(path=path)) from error


def _part(classes: tuple[str, ...], paths: np.ndarray, labels: np.ndarray, probabilities: np.ndarray) -> Predictions:
    n, count = len(paths), len(classes)
    right = paths.dtype.kind == "U" and labels.dtype == np.int64 and probabilities.dtype == np.float32
    if not right or labels.shape != (n,) or probabilities.shape != (n, count):
        raise ValueError("columns do not fit")
    if n and (labels.min() < 0 or labels.max() >= count):
        raise ValueError("values out of range")
    return Predictions(classes, tuple(paths.tolist()), labels, probabilities)
