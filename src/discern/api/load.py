"""A trained classifier from disk."""

from __future__ import annotations

import os

from discern.classifier.classifier import Classifier
from discern.display import make_display
from discern.runs.open import open_classifier
from discern.runs.run import Run


def load(model: str | os.PathLike[str] | Run, device: str = "auto", *, model_code: str | None = None) -> Classifier:
    """Open a run directory or a bundle for predicting and explaining.

    Parameters
    ----------
    model : path or Run
        A run, a folder with model.json and the files it names, or one of those files; or a Keras file, .keras or .h5.
    device : str
        ``auto``, ``cpu``, ``cuda`` or ``mps``.
    model_code : str, optional
        ``file.py:function`` that builds the network, where it is one of your own.

    Raises
    ------
    RunError
        When it is none of them, or damaged.
    ConfigError
        When it needs code and none is named.

    Examples
    --------
    >>> load("runs/2026-11-22_fruit_resnet18").explain("apple.jpg").save("heat.png")  # doctest: +SKIP
    """
    return open_classifier(model, device, model_code, make_display)
