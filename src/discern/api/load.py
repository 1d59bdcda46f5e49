"""A trained classifier from disk."""

from __future__ import annotations

import os

from discern.classifier.classifier import Classifier
from discern.runtime import device


def load(path: str | os.PathLike[str], where: str = "auto") -> Classifier:
    """Open a run directory or a bundle for predicting.

    Parameters
    ----------
    path : path
        A run, a folder with model.json and model.safetensors, or one of the two files.
    where : str
        ``auto``, ``cpu``, ``cuda`` or ``mps``.

    Raises
    ------
    RunError
        When it is none of them, or damaged.
    """
    return Classifier.load(path, device(where))
