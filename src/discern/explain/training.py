"""The training pictures of a run, as its model sees them."""

from __future__ import annotations

import numpy as np

from discern.classifier.classifier import Classifier
from discern.data.dataset import Dataset
from discern.data.open import open_data
from discern.data.scan import Facts, scan
from discern.data.split import Split
from discern.data.streamed import kept_or_streamed
from discern.errors import DataError, RunError
from discern.explain.nearest import Gallery, gallery
from discern.i18n import _
from discern.progress import Progress, silent
from discern.run import RunDirectory


def training_gallery(
    classifier: Classifier, run: RunDirectory, most: int | None = None, progress: Progress = silent
) -> Gallery:
    """What ``classifier`` decides by of the training pictures of ``run``, opened where they lay then.

    Parameters
    ----------
    classifier : Classifier
        Of that run.
    most : int, optional
        Of more pictures than these, as many are drawn, the same ones every time.

    Raises
    ------
    RunError
        When ``run`` is none, or its pictures were moved or changed since it was trained on them.
    """
    dataset, facts, rows = _found_again(run, progress)
    if most is not None and len(rows) > most:
        rows = np.sort(np.random.default_rng(0).permutation(rows)[:most])
    cache = run.read_config()["config"].get("cache", "pixels")
    decoded = kept_or_streamed(dataset, rows, facts, classifier.card.spec, cache, progress)
    labels = tuple(dataset.classes[dataset.labels[row]] for row in rows)
    return gallery(classifier, decoded, labels, tuple(map(dataset.store.path, rows)), progress)


def _found_again(run: RunDirectory, progress: Progress) -> tuple[Dataset, Facts, np.ndarray]:
    """The data set, what was seen of each picture, and which train."""
    origin = run.read_config()["data"]["origin"]
    rest = _("Without the pictures predict, evaluate, compare and the other methods of explain work.")
    try:
        dataset = open_data(origin, progress)
        split = Split.load(run.split, dataset)
    except DataError as error:
        sentence = _("The pictures that {run} learned from are not at {origin} any more: put them back there. {rest}")
        raise RunError(sentence.format(run=run.path, origin=origin, rest=rest)) from error
    except RunError as error:
        raise RunError(f"{error} {rest}") from error
    facts = scan(dataset, progress)
    if facts.fingerprint() != split.fingerprint:
        sentence = _("The pictures at {origin} changed since {run} learned from them: put the old ones back. {rest}")
        raise RunError(sentence.format(run=run.path, origin=origin, rest=rest))
    return dataset, facts, split.train
