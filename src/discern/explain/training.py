"""The training pictures of a run, as its network sees them."""

from __future__ import annotations

import numpy as np

from discern.classifier.classifier import Classifier
from discern.data.open import open_data
from discern.data.pixels import pixels
from discern.data.scan import scan
from discern.data.split import Split
from discern.explain.nearest import Gallery, gallery
from discern.progress import Progress, silent
from discern.run import RunDirectory


def training_gallery(
    classifier: Classifier, run: RunDirectory, most: int | None = None, progress: Progress = silent
) -> Gallery:
    """What the head reads of the training pictures of ``run``, opened where they lay then.

    Parameters
    ----------
    classifier : Classifier
        Of that run.
    most : int, optional
        Of more pictures than these, as many are drawn, the same ones every time.

    Raises
    ------
    RunError
        When ``run`` is none, or its pictures are no longer those that it was trained on.
    DataError
        When they are no longer there.
    """
    dataset = open_data(run.read_config()["data"]["origin"])
    rows = Split.load(run.split, dataset).train
    if most is not None and len(rows) > most:
        rows = np.sort(np.random.default_rng(0).permutation(rows)[:most])
    decoded = pixels(dataset, rows, scan(dataset, progress), classifier.card.spec, progress)
    labels = tuple(dataset.classes[dataset.labels[row]] for row in rows)
    return gallery(classifier, decoded, labels, tuple(map(dataset.store.path, rows)), progress)
