"""The end of a run: predict the held-out splits once, measure, write bundle, predictions, metrics and report."""

from __future__ import annotations

import functools
import statistics
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from discern._version import __version__
from discern.classifier.bundle import ModelCard, write_bundle
from discern.classifier.classifier import Classifier
from discern.classifier.inference import count_views
from discern.evaluation.calibration import Temperature
from discern.evaluation.predictions import Predictions, StoredPredictions, save_predictions
from discern.evaluation.report.page import render_report
from discern.evaluation.report.stored_images import NO_EXAMPLES, AugmentedExamples, sample_augmentations, store_images
from discern.evaluation.task import Task, find_task
from discern.files import write_json, write_text
from discern.models.network import Model
from discern.models.summary import summarize
from discern.notices import Notice
from discern.progress import Reporter
from discern.runs.create import NetworkContext, RunContext, build_network
from discern.runs.report_data import load_report_data
from discern.runs.run_directory import RunDirectory
from discern.training.probe import discard_stale
from discern.training.transfer import get_training_augmentation


@dataclass(frozen=True)
class Outcome:
    """What training leaves beside the model."""

    cost: dict[str, Any]  # of the result: seconds and the like
    examples: AugmentedExamples = NO_EXAMPLES  # training images as the network saw them
    search: dict[str, Any] | None = None  # what a search over settings tried


def finish_network(
    context: NetworkContext, weights: dict[str, torch.Tensor], history: list[dict[str, Any]], reporter: Reporter
) -> None:
    """Evaluate a trained network, and write everything that its run has at the end."""
    config, split = context.config, context.prepared.split
    card = ModelCard(
        model=config.model,
        task=context.prepared.dataset.task,
        model_args=config.model_args,
        classes=context.prepared.dataset.classes,
        preprocess=context.preprocess,
        tta=config.tta,
        made_with={"discern": __version__, "torch": torch.__version__},
    )
    network = build_network(context)
    network.load_state_dict(weights)
    last = [record for record in history if record["phase"] == history[-1]["phase"]]
    rate = statistics.median(record["images_per_second"] for record in last[1:] or last)
    if config.finetune.finetune == "head":  # what takes long are the features
        rate = len(split.train) * len(last) / sum(record["seconds"] for record in last)
    seconds = round(sum(record["seconds"] for record in history), 2)
    cost = {"epochs": len(history), "seconds": seconds, "images_per_second": round(rate, 1)}
    if context.plan and (notice := discard_stale(context.plan, rate)):
        context.add_notice(notice, reporter)
    _write_layers(context, network, reporter)
    positions, augmentation = context.positions(split.train), get_training_augmentation(config)
    examples = sample_augmentations(context.inputs, context.labels, positions, card.classes, augmentation, config.seed)
    write = functools.partial(write_bundle, context.run.path, tensors=weights)
    evaluate_and_save(context, Classifier(card, network), write, Outcome(cost, examples), reporter)


def _write_layers(context: NetworkContext, network: Model, reporter: Reporter) -> None:
    """Write the network's table; where a network of a person's own cannot be traced, the training is not lost."""
    spec = context.config.preprocess
    try:
        layers = asdict(summarize(network, spec.size, spec.channels))
    except (AttributeError, LookupError, RuntimeError, TypeError, ValueError) as error:
        fields = {"model": context.config.model, "reason": f"{type(error).__name__} {error}"}
        context.add_notice(Notice("runs.no_layer_table", fields), reporter)
        return
    write_json(context.run.layers, layers, indent=None)


def evaluate_and_save(
    context: RunContext[Any],
    classifier: Classifier,
    write_model: Callable[[ModelCard], None],
    outcome: Outcome,
    reporter: Reporter,
) -> None:
    """Predict both held-out splits once with the bundle's own arithmetic; write bundle, predictions, metrics, report.

    ``write_model`` writes the bundle, given its card.
    """
    task, unit = find_task(context.prepared.dataset.task), context.prepared.unit
    predictions, scaling = _predict_held_out(context, classifier, task, reporter)
    metrics = {name: task.measure(each, split=name, unit=unit) for name, each in predictions.items()}
    last = "test" if "test" in predictions else "validation"
    indices, shown = _held_out(context)[last], predictions[last]
    gain = _measure_tta(context, classifier, indices, shown, reporter)
    remarks: dict[str, Any] = {"temperature": scaling.to_json()} if scaling else {}
    if scaling and scaling.value != 1:
        context.add_notice(scaling.notice, reporter)
    if gain:
        remarks["tta"] = {**gain.fields, "notice": gain.to_json()}
        context.add_notice(gain, reporter)
    save_predictions(context.run.predictions, predictions)
    temperature = classifier.card.temperature * (scaling.value if scaling else 1.0)
    summaries = {name: each.summarize() for name, each in metrics.items()}
    write_model(classifier.card.model_copy(update={"metrics": summaries, "temperature": temperature}))
    if isinstance(shown, Predictions) and unit == "images":
        positions = context.positions(indices)
        store_images(context.run.images, last, shown, context.inputs, positions, outcome.examples)
    splits = {name: metrics.get(name) for name in ("validation", "test")}
    scores = {name: each and each.scores for name, each in splits.items()}
    result = {"model": context.config.model, **scores, **outcome.cost}
    searched = {"search": outcome.search} if outcome.search else {}
    measured = {name: each and each.to_json() for name, each in splits.items()}
    write_json(context.run.metrics, {"result": result, **searched, **remarks, **measured})
    write_report(context.run, None, reporter)
    context.run.log("done", **result)
    reporter.event({"event": "done", **result})


def _held_out(context: RunContext[Any]) -> dict[str, np.ndarray]:
    """Return the indices of the held-out splits that have examples."""
    split = context.prepared.split
    return {name: each for name, each in (("validation", split.validation), ("test", split.test)) if len(each)}


def _predict_held_out(
    context: RunContext[Any], classifier: Classifier, task: Task[Any, Any], reporter: Reporter
) -> tuple[dict[str, StoredPredictions], Temperature | None]:
    """Return the predictions of each split, scaled as it was best on validation, and that scaling."""
    dataset, held_out = context.prepared.dataset, _held_out(context)
    outputs = {
        name: classifier.outputs(context.inputs, context.positions(indices), progress=reporter.progress)
        for name, indices in held_out.items()
    }
    truth = {name: task.truth(dataset, indices) for name, indices in held_out.items()}
    scaling = task.calibrate(outputs["validation"], truth["validation"], context.config.seed)
    predictions, groups = {}, context.prepared.groups
    for name, indices in held_out.items():
        scaled = scaling.apply(outputs[name]) if scaling else outputs[name]
        paths = tuple(dataset.store.path(index) for index in indices.tolist())
        stored = task.predictions.from_columns(dataset.classes, paths, truth[name], scaled)
        predictions[name] = stored.with_groups(None if groups is None else groups[indices])
    return predictions, scaling


def _measure_tta(
    context: RunContext[Any], classifier: Classifier, indices: np.ndarray, predictions: Any, reporter: Reporter
) -> Notice | None:
    """Return what several views of an image bring over one; None where a single view is predicted."""
    if not classifier.card.tta:
        return None
    single = classifier.without_tta()
    alone = single.probabilities(context.inputs, context.positions(indices), progress=reporter.progress)
    fields = {
        "views": count_views(classifier.card.tta),
        "top1": float(predictions.correct.mean()),
        "top1_without": float((alone.argmax(axis=1) == predictions.labels).mean()),
        "n": len(indices),
    }
    return Notice("runs.tta_gain", fields)


def write_report(run: RunDirectory, path: Path | None, reporter: Reporter) -> Path:
    """Write the report of a run, in the reader's language, to ``path`` or into the run; report what it must warn of."""
    data, path = load_report_data(run), path or run.report
    write_text(path, render_report(data))
    for notice in data.alerts:
        reporter.notice(notice)
    return path
