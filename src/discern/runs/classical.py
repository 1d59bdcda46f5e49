"""A run of a classical model: the data and the run directory of a network's, and scikit-learn in between."""

from __future__ import annotations

import functools
import time
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

import numpy as np
import torch

from discern._version import __version__
from discern.arrays import ArrayLike
from discern.classical.config import ClassicalConfig, reduce_features, resolve_classical
from discern.classical.cross_validation import Search, apply_settings, grid_search, predict_held_out
from discern.classical.estimators import CLASSICAL
from discern.classical.features import COLUMNS, EMBEDDING, Extractor
from discern.classical.fitting import UNLABELED, ClassicalModel, fit_model, withhold_labels
from discern.classifier.bundle import ModelCard, write_classical
from discern.classifier.classifier import Classifier
from discern.data.columns import ColumnSpec
from discern.data.dataset import TableDataset
from discern.data.groups import join_groups
from discern.data.streamed import load_pixels
from discern.errors import ConfigError
from discern.evaluation.calibration import apply_temperature, fit_temperature
from discern.evaluation.task import find_task
from discern.i18n import _
from discern.notices import Notice
from discern.preprocess.columns import Columns
from discern.preprocess.spec import Preprocess
from discern.progress import Reporter
from discern.runs.create import RunContext, save_config
from discern.runs.embedding import find_embedding
from discern.runs.evaluate import Outcome, evaluate_and_save
from discern.runs.prepare import Prepared, prepare_to_train
from discern.runs.request import TrainRequest
from discern.runs.run import Run
from discern.runs.run_directory import make_run_directory
from discern.runtime import seed_for


@dataclass(frozen=True)
class _Inputs:
    """The examples as the model reads them: ``values`` of prepared.used, which ``extractor`` turns into features."""

    prepared: Prepared
    config: ClassicalConfig
    preprocess: Preprocess | Columns
    values: ArrayLike
    extractor: Extractor


@dataclass(frozen=True)
class _TrainingSet:
    """The training split."""

    features: np.ndarray  # (N, F)
    targets: np.ndarray  # (N,) labels to learn, `UNLABELED` where withheld from ``truth``; the numbers of a regression
    truth: np.ndarray  # (N,)
    classes: tuple[str, ...]  # empty of a regression
    groups: np.ndarray  # (N,) equal for duplicates and for what is in one group


def train_classical(request: TrainRequest, reporter: Reporter) -> Run:
    """Make every choice, fit, and evaluate the run."""
    early = request.validate()
    assert isinstance(early, ClassicalConfig)
    target = ColumnSpec(early.table.target, early.table.task)
    prepared = prepare_to_train(request.data, early.seed, early.data, reporter, target)
    table = prepared.table
    inputs = _read_table(early, prepared, table) if table else _read_images(early, prepared, reporter)
    start = time.perf_counter()
    training = _extract_training_set(inputs, reporter)
    config, choices = reduce_features(inputs.config, training.features.shape[1], len(training.features))
    search = None
    if config.search != "none":
        search = grid_search(config, training.features, training.targets, training.classes, training.groups)
        config = apply_settings(config, search.best.settings)
        choices = [*choices, search.notice()]
    model, fit_notices = fit_model(config, inputs.extractor, training.features, training.targets, training.classes)
    temperature, scaling = _fit_temperature(config, model, training)
    seconds = time.perf_counter() - start
    rate = len(training.features) / max(seconds, 1e-9)
    cost: dict[str, Any] = {"seconds": round(seconds, 3), "images_per_second": round(rate, 1)}
    notices = [_describe_features(config, inputs.preprocess, training.features), *choices, *fit_notices, *scaling]
    if config.labeled_fraction < 1:
        cost["rest"], notice = _score_withheld(model, training)
        notices.append(notice)
    run = make_run_directory(prepared.dataset.name, config.model, request.out)
    context = RunContext(run, prepared, config, inputs.preprocess, inputs.values)
    save_config(context, request.settings, [*prepared.notices, *notices], reporter)
    _finish_classical(context, model, temperature, cost, search, reporter)
    return Run(run)


def _read_table(early: ClassicalConfig, prepared: Prepared, dataset: TableDataset) -> _Inputs:
    if "features" in early.stated:
        message = _("--features are of images, and {name} is a table of numbers: leave them out.")
        raise ConfigError(message.format(name=dataset.origin))
    scale = early.scale if early.scale != "auto" else "standard" if CLASSICAL[early.model].needs_scaling else "none"
    store = dataset.store
    columns = Columns(columns=store.columns, target=store.target)
    config = early.replace(features=(COLUMNS,), scale=scale, target=store.target, task=dataset.task)
    return _Inputs(prepared, config, columns, store.values[prepared.used], Extractor(config.features))


def _read_images(early: ClassicalConfig, prepared: Prepared, reporter: Reporter) -> _Inputs:
    side = prepared.side()
    config = resolve_classical(early, side, prepared.is_gray())
    if "resize" not in early.stated and prepared.are_long():
        config = config.replace(resize="pad")
    size, resize = early.preprocess.size if "size" in early.stated else 0, config.preprocess.resize
    found = ((name, find_embedding(name, size, resize, side, reporter.progress)) for name in config.embeddings)
    embeddings = {f"{EMBEDDING}{name}": embedding for name, embedding in found}
    specs = {name: embedding.spec.preprocess for name, embedding in embeddings.items()}
    if len({(spec.channels, spec.resize) for spec in specs.values()}) > 1:
        message = _("{names} read images differently (gray or color, cropped or complete): use networks that agree.")
        raise ConfigError(message.format(names=", ".join(specs)))
    if specs:
        largest = max(specs.values(), key=lambda spec: spec.size)
        config = config.replace(**largest.model_dump(include={"size", "resize", "interpolation", "channels"}))
    spec = config.preprocess
    cache = config.data.cache
    pixels = load_pixels(prepared.dataset, prepared.used, prepared.stats, spec, cache, reporter.progress)
    return _Inputs(prepared, config, spec, pixels, Extractor(config.features, embeddings))


def _extract_training_set(inputs: _Inputs, reporter: Reporter) -> _TrainingSet:
    prepared, config, train = inputs.prepared, inputs.config, inputs.prepared.split.train
    features = inputs.extractor(inputs.values, np.searchsorted(prepared.used, train), reporter.progress)
    groups = join_groups(prepared.duplicates.group, prepared.dataset.groups)[train]
    task = find_task(prepared.dataset.task)
    truth = task.truth(prepared.dataset, train)
    if not task.has_classes:
        return _TrainingSet(features, truth, truth, (), groups)
    fraction = config.labeled_fraction
    targets = truth if fraction == 1 else withhold_labels(truth, fraction, seed_for(config.seed, "labelled"))
    return _TrainingSet(features, targets, truth, prepared.dataset.classes, groups)


def _fit_temperature(
    config: ClassicalConfig, model: ClassicalModel, training: _TrainingSet
) -> tuple[float, list[Notice]]:
    """Return what makes logits of the distances of a support vector machine, and a notice; 1 for other models."""
    if not training.classes or hasattr(model.pipeline, "predict_proba"):
        return 1.0, []
    logits = predict_held_out(config, training.features, training.targets, training.classes, training.groups)
    if logits is None:
        return 1.0, [Notice("runs.uncalibrated", {"model": config.model})]
    before = torch.from_numpy(logits).softmax(dim=1).numpy()
    value = fit_temperature(before, training.targets)
    after = apply_temperature(before, value)
    losses = {"before": _log_loss(before, training.targets), "after": _log_loss(after, training.targets)}
    return value, [Notice("runs.calibrated", {"model": config.model, "value": value, "n": len(before), **losses})]


def _log_loss(probabilities: np.ndarray, labels: np.ndarray) -> float:
    chosen = probabilities[np.arange(len(labels)), labels].astype(np.float64)
    return float(-np.log(np.maximum(chosen, np.finfo(np.float32).tiny)).mean())


def _describe_features(config: ClassicalConfig, preprocess: Preprocess | Columns, features: np.ndarray) -> Notice:
    if isinstance(preprocess, Columns):
        names = list(preprocess.columns)
        return Notice("runs.columns", {"model": config.model, "count": len(names), "names": names})
    fields = {"count": features.shape[1], "names": list(config.features), "size": preprocess.size}
    return Notice("runs.features", {"model": config.model, **fields})


def _score_withheld(model: ClassicalModel, training: _TrainingSet) -> tuple[dict[str, Any], Notice]:
    """Compare the labels that spread to training examples without one with those they have."""
    withheld = training.targets == UNLABELED
    spread, truth = model.pipeline[-1].transduction_[withheld], training.truth[withheld]
    scores = {"top1": int((spread == truth).sum()) / max(1, len(truth)), "n": len(truth)}
    return scores, Notice("runs.labels_spread", scores)


def _finish_classical(
    context: RunContext[ClassicalConfig],
    model: ClassicalModel,
    temperature: float,
    cost: dict[str, Any],
    search: Search | None,
    reporter: Reporter,
) -> None:
    for notice in context.run.read_notices():
        context.run.log("notice", **notice)
    tried = search.to_json() if search else None
    if tried:
        context.run.log("search", **tried)
        reporter.event({"event": "search", **tried})
    card = ModelCard(
        model=context.config.model,
        task=context.prepared.dataset.task,
        features=model.extractor.names,
        backbones=tuple(embedding.spec for embedding in model.extractor.embeddings.values()),
        classes=context.prepared.dataset.classes,
        preprocess=context.preprocess,
        temperature=temperature,
        made_with={"discern": __version__, "scikit-learn": version("scikit-learn")},
    )
    outcome = Outcome({"features": ",".join(model.extractor.names), **cost}, search=tried)
    write = functools.partial(write_classical, context.run.path, model=model)
    evaluate_and_save(context, Classifier(card, model), write, outcome, reporter)
