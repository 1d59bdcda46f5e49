"""A trained classifier from disk."""

from __future__ import annotations

import os

from discern.classifier.classifier import Classifier
from discern.runtime import device


def load(path: str | os.PathLike[str], where: str = "auto", code: str | None = None) -> Classifier:
    """Open a run directory or a bundle for predicting.

    Parameters
    ----------
    path : path
        A run, a folder with model.json and model.safetensors, or one of the two files; or a Keras file, .keras or .h5.
    where : str
        ``auto``, ``cpu``, ``cuda`` or ``mps``.
    code : str, optional
        ``file.py:function`` that made the network, where it is one of your own.

    Raises
    ------
    RunError
        When it is none of them, or damaged.
    ConfigError
        When it needs code and none is named.
    """
    return Classifier.load(path, device(where), code)
