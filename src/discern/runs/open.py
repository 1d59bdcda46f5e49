"""A trained model from disk, ready to predict and to explain."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable
from typing import Any

from discern.classifier.classifier import Classifier, ImageLike
from discern.explanations.methods import explain
from discern.explanations.nearest import Gallery
from discern.explanations.training import load_training_gallery
from discern.progress import NullReporter, Reporter
from discern.result import Result
from discern.runs.run_directory import RunDirectory
from discern.runtime import choose_device


def open_classifier(
    model: str | os.PathLike[str] | Any,
    device: str = "auto",
    model_code: str | None = None,
    make_reporter: Callable[[], Reporter] = NullReporter,
) -> Classifier:
    """Open a model; a classifier that is open already stays as it is.

    ``make_reporter`` makes what follows the work of an explanation that reads training images.
    """
    if isinstance(model, Classifier):
        return model
    path = getattr(model, "path", model)
    explainer = functools.partial(_explain, make_reporter=make_reporter)
    return Classifier.load(path, choose_device(device), model_code, explainer)


def _explain(
    classifier: Classifier, image: ImageLike, *, make_reporter: Callable[[], Reporter], **options: Any
) -> Result:
    """Explain; the training images are those of the run that ``classifier`` was opened from."""
    run = RunDirectory(classifier.source or "")
    load_gallery = functools.partial(_load_gallery, classifier, run, make_reporter) if run.split.is_file() else None
    return explain(classifier, image, **options, load_gallery=load_gallery)


def _load_gallery(classifier: Classifier, run: RunDirectory, make_reporter: Callable[[], Reporter]) -> Gallery:
    reporter, record = make_reporter(), run.read_config()
    origin, cache = record["data"]["origin"], record["config"]["data"]["cache"]
    try:
        return load_training_gallery(classifier, origin, run.split, cache, progress=reporter.progress)
    finally:
        reporter.close()
