"""A run of a classical model: the data road and the run directory of a network's, and scikit-learn in between."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

import discern
from discern.api.embedding import find_embedding
from discern.api.finish import Outcome, conclude
from discern.api.job import Held, write_down
from discern.api.prepare import DataLike, Prepared, prepare_to_train
from discern.api.run import Run
from discern.classical.config import ClassicalConfig, complete_classical, make_classical, reduce
from discern.classical.embedding import Embedding
from discern.classical.features import Extractor
from discern.classical.fitting import UNLABELLED, Classical, fit, withhold
from discern.classifier.bundle import Card, write_classical
from discern.classifier.classifier import Classifier
from discern.data.pixels import pixels
from discern.i18n import _
from discern.preprocess.spec import Preprocess
from discern.progress import Watcher
from discern.run import check_free, new_run
from discern.runtime import seed_for


def train_classical(
    data: DataLike | Prepared | None,
    asked: Mapping[str, Any],
    out: str | os.PathLike[str] | None,
    watch: Watcher,
) -> Run:
    """Decide everything, fit, and conclude the run.

    Parameters
    ----------
    data : path, name, Dataset or Prepared
        What to learn from.
    asked : mapping
        Settings of `discern.classical.config.ClassicalConfig` and of the estimator, by name.

    Raises
    ------
    DataError, ConfigError, ModelError, RunError
        Each says what to do.
    """
    early = make_classical(asked)
    if out is not None:
        check_free(Path(out))
    prepared = prepare_to_train(data, early.seed, early.validation, early.test, watch, early.train_limit)
    config, embedding = _choose(early, prepared, watch)
    spec = Preprocess(
        size=config.size, mode=config.resize, interpolation=config.interpolation, channels=config.channels
    )
    decoded = pixels(prepared.dataset, prepared.used, prepared.facts, spec, watch.progress)
    started, train = time.perf_counter(), prepared.split.train
    extractor = Extractor(config.features, embedding)
    features = extractor(decoded, np.searchsorted(prepared.used, train), watch.progress)
    config, notes = reduce(config, features.shape[1], len(features))
    labels = prepared.dataset.labels[train].astype(np.int64)
    kept = labels if config.labelled == 1 else withhold(labels, config.labelled, seed_for(config.seed, "labelled"))
    model, told = fit(config, extractor, features, kept, len(prepared.dataset.classes))
    seconds = time.perf_counter() - started
    cost: dict[str, Any] = {
        "seconds": round(seconds, 3),
        "images_per_second": round(len(train) / max(seconds, 1e-9), 1),
    }
    notes = [_seen(config, features), *notes, *told]
    if config.labelled < 1:
        cost["rest"], spread = _rest(model, labels, kept == UNLABELLED)
        notes.append(spread)
    job = Held(new_run(prepared.dataset.name, config.model, out), prepared, config, spec, decoded)
    write_down(job, asked, [*prepared.notes, *notes], watch)
    _conclude(job, model, cost, watch)
    return Run(job.run)


def _choose(early: ClassicalConfig, prepared: Prepared, watch: Watcher) -> tuple[ClassicalConfig, Embedding | None]:
    """The whole config, and the network among the features."""
    side = prepared.side()
    config = complete_classical(early, side, prepared.is_grey())
    if config.embedding is None:
        return config, None
    embedding = find_embedding(config.embedding, early.size, side, watch.progress)
    spec = embedding.backbone.preprocess
    seen = {"size": spec.size, "resize": spec.mode, "interpolation": spec.interpolation, "channels": spec.channels}
    return config.model_copy(update=seen), embedding


def _seen(config: ClassicalConfig, features: np.ndarray) -> str:
    sentence = _("{model} sees {count} numbers a picture ({names}), of pictures of {size} pixels a side.")
    return sentence.format(
        model=config.model, count=features.shape[1], names=", ".join(config.features), size=config.size
    )


def _rest(model: Classical, labels: np.ndarray, withheld: np.ndarray) -> tuple[dict[str, Any], str]:
    """How well the labels that spread to training pictures without one agree with those they have."""
    found, labels = model.pipeline[-1].transduction_[withheld], labels[withheld]
    hits, n = int((found == labels).sum()), len(labels)
    sentence = _("Of the {n} training pictures whose labels were withheld, {top1:.1%} are named right.")
    top1 = hits / max(1, n)
    return {"top1": top1, "n": n}, sentence.format(n=n, top1=top1)


def _conclude(job: Held, model: Classical, cost: dict[str, Any], watch: Watcher) -> None:
    written, embedding = job.run.read_config(), model.extractor.embedding
    for text in (*written["findings"], *written["notices"]):
        job.run.log("notice", text=text)
    card = Card(
        model=job.config.model,
        features=model.extractor.names,
        backbone=embedding.backbone if embedding else None,
        classes=job.prepared.dataset.classes,
        preprocess=job.spec,
        made_with={"discern": discern.__version__, "scikit-learn": version("scikit-learn")},
    )
    conclude(
        job,
        Classifier(card, model),
        lambda card: write_classical(job.run.path, card, model),
        Outcome({"features": ",".join(model.extractor.names), **cost}),
        watch,
    )
