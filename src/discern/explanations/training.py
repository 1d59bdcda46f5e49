"""The training images of a run, as its model reads them."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np

from discern.classifier.classifier import Classifier
from discern.data.columns import column_spec_from
from discern.data.dataset import Dataset
from discern.data.open import open_data
from discern.data.scan import ImageStats, scan_images
from discern.data.split import SplitAssignment
from discern.data.streamed import load_pixels
from discern.errors import DataError, RunError
from discern.explanations.nearest import Gallery, build_gallery
from discern.files import read_json
from discern.i18n import _
from discern.progress import Progress, ignore_progress


def load_training_gallery(
    classifier: Classifier,
    origin: str,
    split_file: str | os.PathLike[str],
    cache: str = "pixels",
    max_images: int | None = None,
    progress: Progress = ignore_progress,
) -> Gallery:
    """Compute the features of the images that ``classifier`` was trained on.

    The data were at ``origin`` then, and ``split_file``, the run's split.json, says which of them train; ``cache`` is
    the run's setting, ``pixels`` or ``stream``. Of more than ``max_images`` as many are drawn, the same every time.
    A `RunError` says that the images were moved or changed since the run was trained on them.
    """
    dataset, stats, indices = _open_again(origin, Path(split_file), progress)
    if max_images is not None and len(indices) > max_images:
        indices = np.sort(np.random.default_rng(0).permutation(indices)[:max_images])
    pixels = load_pixels(dataset, indices, stats, classifier.card.spec, cache, progress)
    labels = tuple(dataset.classes[dataset.labels[index]] for index in indices)
    return build_gallery(classifier, pixels, labels, tuple(map(dataset.store.path, indices)), progress)


def _open_again(origin: str, split_file: Path, progress: Progress) -> tuple[Dataset, ImageStats, np.ndarray]:
    """Open the data set as it was; also its statistics, and the indices that train."""
    run = split_file.parent
    hint = _("Without the images, predict, evaluate, compare and the other methods of explain still work.")
    try:
        config = read_json(run / "config.json") if (run / "config.json").is_file() else {}
        spec = column_spec_from(config.get("config", {}).get("data", {}))
        dataset = open_data(origin, progress, spec)
        split = SplitAssignment.load(split_file, dataset)
    except DataError as error:
        message = _("The training images of {run} are no longer at {origin}: put them back there. {hint}")
        raise RunError(message.format(run=run, origin=origin, hint=hint)) from error
    except RunError as error:
        raise RunError(f"{error} {hint}") from error
    stats = scan_images(dataset, progress)
    if stats.fingerprint() != split.fingerprint:
        message = _("The images at {origin} changed since {run} was trained on them: put the old ones back. {hint}")
        raise RunError(message.format(run=run, origin=origin, hint=hint))
    return dataset, stats, split.train
