"""The classes of images and folders of images, or the rows of tables."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence

from discern.classifier.classifier import Classifier
from discern.runs.open import open_classifier
from discern.runs.predict import Predicted, predict_files
from discern.runs.run import Run


def predict(
    model: str | os.PathLike[str] | Run | Classifier,
    images: str | os.PathLike[str] | Sequence[str | os.PathLike[str]],
    *,
    top_k: int = 5,
    model_code: str | None = None,
) -> Iterator[Predicted]:
    """Predict each image, or row of a table, in turn; what cannot be read comes as its error, and the rest goes on.

    Parameters
    ----------
    model : path, Run or Classifier
        A run, a bundle or a Keras file, or one that is open already.
    images : path or sequence of path
        Images, and folders whose images are all taken, however deep; for a model of tables, tables.
    top_k : int
        How many classes to name.
    model_code : str, optional
        ``file.py:function`` that builds the network, where it is one of your own.

    Raises
    ------
    RunError, DataError, ConfigError
        When the model, or a path given, is not there.

    Examples
    --------
    >>> [prediction.label for prediction in predict("runs/fruit", "apple.jpg")]  # doctest: +SKIP
    ['Apple']
    """
    paths = [images] if isinstance(images, str | os.PathLike) else images
    return predict_files(open_classifier(model, model_code=model_code), paths, top_k)
