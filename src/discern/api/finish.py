"""The end of a run: measure, write the bundle, tell the story."""

from __future__ import annotations

import json
import shlex
import statistics
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import numpy as np
import torch

import discern
from discern.api.job import Job
from discern.classifier.bundle import Card, write_bundle
from discern.classifier.classifier import Classifier
from discern.evaluation.calibration import choose_temperature, tempered
from discern.evaluation.metrics import Metrics, measure
from discern.evaluation.predictions import Predictions, save_predictions
from discern.evaluation.report import Story, page
from discern.files import write_json, write_text
from discern.progress import Watcher


def finish(job: Job, weights: dict[str, torch.Tensor], history: list[dict[str, Any]], watch: Watcher) -> None:
    """Predict both held-out parts once with the bundle's own arithmetic; write bundle, predictions, metrics, report."""
    card = Card(
        model=job.config.model,
        network=job.config.network,
        classes=job.prepared.dataset.classes,
        preprocess=job.spec,
        made_with={"discern": discern.__version__, "torch": torch.__version__},
    )
    network = job.network()
    network.load_state_dict(weights)
    classifier = Classifier(card, network)
    held = {"validation": job.prepared.split.validation, "test": job.prepared.split.test}
    answers = {
        name: classifier.probabilities(job.pixels, job.rows(indices), progress=watch.progress)
        for name, indices in held.items()
        if len(indices)
    }
    scaling = choose_temperature(answers["validation"], job.labels[job.rows(held["validation"])], job.config.seed)
    predictions = {name: _predictions(job, held[name], tempered(p, scaling.value)) for name, p in answers.items()}
    if scaling.value != 1:
        job.run.log("notice", text=scaling.why)
        watch.event({"event": "notice", "text": scaling.why})
    measured: dict[str, Metrics | None] = dict.fromkeys(held)
    measured |= {name: measure(p.probabilities, p.labels, p.classes) for name, p in predictions.items()}
    summary = {name: m and {"top1": m.top1, "n": m.n, "interval": m.interval} for name, m in measured.items()}
    save_predictions(job.run.predictions, predictions)
    write_bundle(job.run.path, card.model_copy(update={"metrics": summary, "temperature": scaling.value}), weights)
    last = [record for record in history if record["phase"] == history[-1]["phase"]]
    rate = statistics.median(record["images_per_second"] for record in last[1:] or last)
    if job.config.tune == "head":  # what takes long are the features
        rate = len(job.prepared.split.train) * len(last) / sum(record["seconds"] for record in last)
    result = {
        "model": job.config.model,
        "epochs": len(history),
        "validation": {"top1": measured["validation"].top1 if measured["validation"] else None},
        "test": {"top1": measured["test"].top1} if measured["test"] else None,
        "seconds": round(sum(record["seconds"] for record in history), 2),
        "images_per_second": round(rate, 1),
    }
    write_text(job.run.report, page(_story(job, measured, history)))
    write_json(
        job.run.metrics,
        {
            "result": result,
            "temperature": asdict(scaling),
            **{name: m.to_json() if m else None for name, m in measured.items()},
        },
    )
    job.run.log("done", **result)
    watch.event({"event": "done", **result})


def _predictions(job: Job, indices: np.ndarray, probabilities: np.ndarray) -> Predictions:
    dataset = job.prepared.dataset
    paths = tuple(dataset.store.path(index) for index in indices.tolist())
    return Predictions(dataset.classes, paths, dataset.labels[indices].astype(np.int64), probabilities)


def _story(job: Job, measured: Mapping[str, Metrics | None], history: list[dict[str, Any]]) -> Story:
    part = "test" if measured["test"] else "validation"
    metrics = measured[part]
    assert metrics is not None  # training needs a validation part
    written = job.run.read_config()
    config = job.config
    asked = {**written["asked"], "precision": config.precision, "layout": config.layout}  # what was measured, too
    options = [f"--set {shlex.quote(f'{name}={json.dumps(value)}')}" for name, value in asked.items()]
    return Story(
        run=job.run.path.name,
        data=job.prepared.dataset.name,
        model=config.model,
        part=part,
        metrics=metrics,
        epochs=history,
        notices=written["notices"],
        findings=written["findings"],
        settings=config.model_dump(mode="json") | {"data": written["data"], "machine": written["machine"]},
        command=" ".join(["discern train", shlex.quote(written["data"]["origin"]), *options]),
    )
