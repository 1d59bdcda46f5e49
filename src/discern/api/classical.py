"""A run of a classical model: the data road and the run directory of a network's, and scikit-learn in between."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import torch

import discern
from discern.api.embedding import find_embedding
from discern.api.finish import Outcome, conclude
from discern.api.job import Held, write_down
from discern.api.prepare import DataLike, Prepared, prepare_to_train
from discern.api.regression import conclude_regression
from discern.api.run import Run
from discern.classical.config import ClassicalConfig, complete_classical, make_classical, reduce
from discern.classical.features import COLUMNS, EMBEDDING, Extractor
from discern.classical.fitting import Classical, fit, held_out_logits, withhold
from discern.classical.folds import UNLABELLED
from discern.classical.search import Search, grid_search, with_settings
from discern.classical.table import CLASSICAL
from discern.classifier.bundle import Card, write_classical
from discern.classifier.classifier import Classifier
from discern.data.pixels import pixels
from discern.data.rows import Question, RowStore
from discern.errors import ConfigError
from discern.evaluation.calibration import fit_temperature, tempered
from discern.i18n import _
from discern.preprocess.columns import Columns
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
    question = Question(early.target, early.task)
    prepared = prepare_to_train(data, early.seed, early.validation, early.test, watch, early.train_limit, question)
    scene = _of_rows(early, prepared, prepared.rows) if prepared.rows else _of_pictures(early, prepared, watch)
    started = time.perf_counter()
    lesson = _lesson(scene, watch)
    config, notes = reduce(scene.config, lesson.features.shape[1], len(lesson.features))
    found = _searched(config, lesson)
    if found is not None:
        config = with_settings(config, found.best.settings)
        notes.append(found.sentence())
    model, told = fit(config, scene.extractor, lesson.features, lesson.answers, lesson.classes)
    temperature, honest = _temperature(config, model, lesson)
    seconds = time.perf_counter() - started
    cost: dict[str, Any] = {
        "seconds": round(seconds, 3),
        "images_per_second": round(len(lesson.features) / max(seconds, 1e-9), 1),
    }
    notes = [_seen(config, scene.spec, lesson.features), *notes, *told, *honest]
    if config.labelled < 1:
        cost["rest"], spread = _rest(model, lesson.truth, lesson.answers == UNLABELLED)
        notes.append(spread)
    job = Held(new_run(prepared.dataset.name, config.model, out), prepared, config, scene.spec, scene.seen)
    write_down(job, asked, [*prepared.notes, *notes], watch)
    _conclude(job, model, temperature, cost, found, watch)
    return Run(job.run)


@dataclass(frozen=True)
class _Scene:
    """How the examples are seen: the whole config, and the array that ``extractor`` takes, of prepared.used."""

    prepared: Prepared
    config: ClassicalConfig
    spec: Preprocess | Columns
    seen: np.ndarray
    extractor: Extractor


@dataclass(frozen=True)
class _Lesson:
    """The training part: features (N, F), answers (N,) to learn, -1 where withheld from the truth, groups of copies."""

    features: np.ndarray
    answers: np.ndarray
    truth: np.ndarray
    classes: tuple[str, ...]
    groups: np.ndarray


def _of_rows(early: ClassicalConfig, prepared: Prepared, store: RowStore) -> _Scene:
    if "features" in early.model_fields_set:
        raise ConfigError(
            _("--features are of pictures, and {name} is a table of numbers: leave them out.").format(
                name=prepared.dataset.origin
            )
        )
    scale = early.scale if early.scale != "auto" else "standard" if CLASSICAL[early.model].scaled else "none"
    columns = Columns(columns=store.columns, target=store.target, task=prepared.task)
    settings = {"features": (COLUMNS,), "scale": scale, "target": store.target, "task": prepared.task}
    config = early.model_copy(update=settings)
    return _Scene(prepared, config, columns, store.values[prepared.used], Extractor(config.features))


def _of_pictures(early: ClassicalConfig, prepared: Prepared, watch: Watcher) -> _Scene:
    side = prepared.side()
    config = complete_classical(early, side, prepared.is_grey())
    embeddings = {
        f"{EMBEDDING}{name}": find_embedding(name, early.size, side, watch.progress) for name in config.embeddings
    }
    specs = {name: embedding.backbone.preprocess for name, embedding in embeddings.items()}
    if len({(spec.channels, spec.mode) for spec in specs.values()}) > 1:
        sentence = _("{names} see pictures differently (grey or coloured, cut or whole): take networks that see alike.")
        raise ConfigError(sentence.format(names=", ".join(specs)))
    if specs:
        first = max(specs.values(), key=lambda spec: spec.size)
        seen: dict[str, Any] = {"size": first.size, "resize": first.mode}
        seen |= {"interpolation": first.interpolation, "channels": first.channels}
        config = config.model_copy(update=seen)
    spec = Preprocess(
        size=config.size, mode=config.resize, interpolation=config.interpolation, channels=config.channels
    )
    decoded = pixels(prepared.dataset, prepared.used, prepared.facts, spec, watch.progress)
    return _Scene(prepared, config, spec, decoded, Extractor(config.features, embeddings))


def _lesson(scene: _Scene, watch: Watcher) -> _Lesson:
    prepared, config, train = scene.prepared, scene.config, scene.prepared.split.train
    features = scene.extractor(scene.seen, np.searchsorted(prepared.used, train), watch.progress)
    groups = prepared.near.group[train]
    if prepared.dataset.targets is not None:
        numbers = prepared.dataset.targets[train]
        return _Lesson(features, numbers, numbers, (), groups)
    labels = prepared.dataset.labels[train].astype(np.int64)
    kept = labels if config.labelled == 1 else withhold(labels, config.labelled, seed_for(config.seed, "labelled"))
    return _Lesson(features, kept, labels, prepared.dataset.classes, groups)


def _searched(config: ClassicalConfig, lesson: _Lesson) -> Search | None:
    if config.search == "none":
        return None
    return grid_search(config, lesson.features, lesson.answers, lesson.classes, lesson.groups)


def _temperature(config: ClassicalConfig, model: Classical, lesson: _Lesson) -> tuple[float, list[str]]:
    """What makes logits of the distances of a support vector machine, and what to tell; 1 for other models."""
    if not lesson.classes or hasattr(model.pipeline, "predict_proba"):
        return 1.0, []
    logits = held_out_logits(config, lesson.features, lesson.answers, lesson.classes, lesson.groups)
    if logits is None:
        sentence = _("The probabilities of {model} are not calibrated: a class has one training example alone.")
        return 1.0, [sentence.format(model=config.model)]
    before = torch.from_numpy(logits).softmax(dim=1).numpy()
    value = fit_temperature(before, lesson.answers)
    sentence = _(
        "{model} has no probabilities: its distances from the boundaries, divided by {value:.3f}, are the logits. So "
        "the log loss of the training part held out in turn (n {n}) is {after:.4f}, and {before:.4f} undivided."
    )
    losses = {"before": _log_loss(before, lesson.answers), "after": _log_loss(tempered(before, value), lesson.answers)}
    return value, [sentence.format(model=config.model, value=value, n=len(before), **losses)]


def _log_loss(probabilities: np.ndarray, labels: np.ndarray) -> float:
    chosen = probabilities[np.arange(len(labels)), labels].astype(np.float64)
    return float(-np.log(np.maximum(chosen, np.finfo(np.float32).tiny)).mean())


def _seen(config: ClassicalConfig, spec: Preprocess | Columns, features: np.ndarray) -> str:
    if isinstance(spec, Columns):
        sentence = _("{model} sees {count} numbers a row: {names}.")
        return sentence.format(model=config.model, count=len(spec.columns), names=", ".join(spec.columns))
    sentence = _("{model} sees {count} numbers a picture ({names}), of pictures of {size} pixels a side.")
    return sentence.format(
        model=config.model, count=features.shape[1], names=", ".join(config.features), size=config.size
    )


def _rest(model: Classical, labels: np.ndarray, withheld: np.ndarray) -> tuple[dict[str, Any], str]:
    """How well the labels that spread to training examples without one agree with those they have."""
    found, labels = model.pipeline[-1].transduction_[withheld], labels[withheld]
    hits, n = int((found == labels).sum()), len(labels)
    sentence = _("Of the {n} labels withheld from the training part, {top1:.1%} are found.")
    top1 = hits / max(1, n)
    return {"top1": top1, "n": n}, sentence.format(n=n, top1=top1)


def _conclude(
    job: Held, model: Classical, temperature: float, cost: dict[str, Any], found: Search | None, watch: Watcher
) -> None:
    written = job.run.read_config()
    for text in (*written["findings"], *written["notices"]):
        job.run.log("notice", text=text)
    searched = found.to_json() if found else None
    if searched:
        job.run.log("search", **searched)
        watch.event({"event": "search", **searched})
    card = Card(
        model=job.config.model,
        features=model.extractor.names,
        backbones=tuple(embedding.backbone for embedding in model.extractor.embeddings.values()),
        classes=job.prepared.dataset.classes,
        preprocess=job.spec,
        temperature=temperature,
        made_with={"discern": discern.__version__, "scikit-learn": version("scikit-learn")},
    )
    end = conclude_regression if card.is_regression else conclude
    end(
        job,
        Classifier(card, model),
        lambda card: write_classical(job.run.path, card, model),
        Outcome({"features": ",".join(model.extractor.names), **cost}, search=searched),
        watch,
    )
