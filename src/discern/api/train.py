"""From pictures to a run directory: prepare, choose, train, measure, report."""

from __future__ import annotations

import os
import shlex
import statistics as stats
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pydantic
import torch

import discern
from discern.api.prepare import DataLike, Prepared, prepare
from discern.api.run import Run
from discern.classifier.bundle import Card, write_bundle
from discern.classifier.classifier import Classifier
from discern.data.pixels import pixels
from discern.display import display
from discern.errors import ConfigError, RunError
from discern.evaluation.metrics import Metrics, measure
from discern.evaluation.report import Story, page
from discern.files import write_json, write_text
from discern.i18n import _
from discern.models.network import Network
from discern.models.table import build
from discern.preprocess.normalise import statistics
from discern.preprocess.spec import Preprocess
from discern.progress import Watcher
from discern.run import RunDirectory, check_free, new_run
from discern.runtime import Ranks, device, machine, process_group, seed_for
from discern.training.config import Config
from discern.training.cpu_convolutions import cpu_convolutions
from discern.training.interrupt import Interrupted
from discern.training.loop import Data, Trainer
from discern.training.probe import choose
from discern.training.recipes import Subject, check, complete


def train(
    data: DataLike | None = None,
    model: str = "auto",
    epochs: int | None = None,
    seed: int | None = None,
    out: str | os.PathLike[str] | None = None,
    resume: str | os.PathLike[str] | None = None,
    settings: Mapping[str, Any] | None = None,
    watch: Watcher | None = None,
) -> Run:
    """Train a classifier.

    Parameters
    ----------
    data : path, name or Dataset
        What `discern.open_data` takes; left out when resuming.
    model : str
        A name that `discern.models` lists, or ``auto``.
    epochs, seed : int, optional
        Passes over the training part; what all randomness follows from.
    out : path, optional
        The run directory; ``runs/DATE_DATA_MODEL`` unless given.
    resume : path, optional
        Go on with this run from its checkpoint.
    settings : mapping, optional
        Any setting of `discern.training.config.Config` or of the network, by name.
    watch : Watcher, optional
        Is told how it goes; stderr shows it unless given.

    Returns
    -------
    Run
        The finished run.

    Raises
    ------
    DataError, ConfigError, ModelError, RunError
        Each says what to do.
    Interrupted
        After Ctrl-C; everything is saved.

    Examples
    --------
    >>> run = train("digits", model="lenet", epochs=5)  # doctest: +SKIP
    >>> run.evaluate().top1 > 0.9  # doctest: +SKIP
    True
    """
    asked = {"model": model, "epochs": epochs, "seed": seed}
    asked = {name: value for name, value in asked.items() if value is not None} | dict(settings or {})
    with process_group() as ranks:
        watch = watch or display() if ranks.first else Watcher()
        try:
            job = None
            if ranks.first:
                job = _start(data, asked, out, watch) if resume is None else _open(RunDirectory(resume), data, watch)
            path = ranks.share(str(job.run.path) if job else None)
            job = job or _open(RunDirectory(path), None, watch)  # the other processes find all ready on disk
            return _train(job, ranks, watch)
        finally:
            watch.close()


@dataclass(frozen=True)
class _Job:
    """A run whose every choice is made and on disk, with the data it needs in memory."""

    run: RunDirectory
    prepared: Prepared
    config: Config
    spec: Preprocess
    pixels: np.ndarray  # uint8, the pictures of prepared.used

    @property
    def labels(self) -> np.ndarray:
        return self.prepared.dataset.labels[self.prepared.used].astype(np.int64)

    def rows(self, indices: np.ndarray) -> np.ndarray:
        """Where the pictures at ``indices`` stand in ``pixels``."""
        return np.searchsorted(self.prepared.used, indices)

    def network(self) -> Network:
        """The network with the first weights that the seed gives."""
        torch.manual_seed(seed_for(self.config.seed, "network"))
        config, classes = self.config, len(self.prepared.dataset.classes)
        return build(config.model, classes, config.channels, config.size, config.network)


def _start(data: DataLike | None, asked: Mapping[str, Any], out: str | os.PathLike[str] | None, watch: Watcher) -> _Job:
    """Decide everything and write it down."""
    if data is None:
        raise ConfigError(
            _("There is no data: name a folder, a file or a data set, for example `discern train digits`.")
        )
    early = check(asked)
    if out is not None:
        check_free(Path(out))
    where = device(early.device)
    prepared = prepare(data, early.seed, early.validation, early.test, watch)
    counts = prepared.dataset.counts(prepared.split.train)
    subject = Subject(counts, prepared.side(), prepared.is_grey(), where.type)
    config, notes = complete(asked, subject)
    spec = Preprocess(
        size=config.size, mode=config.resize, interpolation=config.interpolation, channels=config.channels
    )
    decoded = pixels(prepared.dataset, prepared.used, prepared.facts, spec, watch.progress)
    rows = np.searchsorted(prepared.used, prepared.split.train)
    mean, std = statistics(decoded, rows)
    spec = spec.model_copy(update={"mean": mean, "std": std})
    run = new_run(prepared.dataset.name, config.model, out)
    network = _Job(run, prepared, config, spec, decoded).network()
    with cpu_convolutions(network):
        choice = choose(network, config, where)
    config = config.model_copy(update={"precision": choice.precision, "layout": choice.layout})
    job = _Job(run, prepared, config, spec, decoded)
    _write_down(job, [*prepared.notes, *notes, choice.why()], watch)
    return job


def _write_down(job: _Job, notices: list[str], watch: Watcher) -> None:
    """config.json last: a directory without it is no run."""
    job.prepared.split.save(job.run.split, job.prepared.dataset)
    write_json(job.run.audit, job.prepared.audit.to_json())
    for finding in job.prepared.audit.findings:
        watch.event({"event": "notice", "text": finding.sentence})
    for text in notices:
        watch.event({"event": "notice", "text": text})
    dataset = job.prepared.dataset
    job.run.write_config(
        {
            "data": {"origin": os.fspath(dataset.origin), "name": dataset.name, "fingerprint": _fingerprint(job)},
            "classes": list(dataset.classes),
            "config": job.config.model_dump(mode="json"),
            "preprocess": job.spec.model_dump(mode="json"),
            "notices": notices,
            "findings": [finding.sentence for finding in job.prepared.audit.findings],
            "machine": machine(),
            "discern": discern.__version__,
        }
    )


def _fingerprint(job: _Job) -> str:
    return job.prepared.facts.fingerprint(job.prepared.used)


def _open(run: RunDirectory, data: DataLike | None, watch: Watcher) -> _Job:
    """A run that was started, as `_start` left it.

    Raises
    ------
    RunError
        When the pictures changed since.
    """
    written = run.read_config()
    try:
        config = Config.model_validate(written["config"])
        spec = Preprocess.model_validate(written["preprocess"])
    except pydantic.ValidationError as error:
        sentence = _("{path} is damaged or from another version: start a new run.")
        raise RunError(sentence.format(path=run.config)) from error
    prepared = prepare(data or written["data"]["origin"], config.seed, config.validation, config.test, watch)
    decoded = pixels(prepared.dataset, prepared.used, prepared.facts, spec, watch.progress)
    job = _Job(run, prepared, config, spec, decoded)
    if _fingerprint(job) != written["data"]["fingerprint"]:
        sentence = _("The pictures of {data} changed since {run} was started: start a new run.")
        raise RunError(sentence.format(data=written["data"]["origin"], run=run.path))
    return job


def _train(job: _Job, ranks: Ranks, watch: Watcher) -> Run:
    run, split = job.run, job.prepared.split
    data = Data(
        pixels=job.pixels,
        labels=job.labels,
        train=job.rows(split.train),
        validation=job.rows(split.validation),
        classes=len(job.prepared.dataset.classes),
    )

    def listen(kind: str, fields: dict[str, Any]) -> None:
        if kind == "step":
            watch.progress(_("training"), fields["done"], fields["total"])
        elif ranks.first:
            run.log(kind, **fields)
            watch.event({"event": kind, **fields})

    trainer = Trainer(job.network(), job.config, job.spec, data, run, device(job.config.device), ranks, listen)
    if ranks.first:
        start = {
            "event": "start",
            "model": job.config.model,
            "epochs": job.config.epochs,
            "epoch": trainer.progress.epoch,
        }
        run.rewrite_events([start, *({"event": "epoch", **record} for record in trainer.progress.history)])
        watch.event(start)
    try:
        weights = trainer.train()
    except Interrupted:
        raise Interrupted(run.path) from None
    if ranks.first:
        _finish(job, weights, trainer.progress.history, watch)
    ranks.wait()
    return Run(run)


def _finish(job: _Job, weights: dict[str, torch.Tensor], history: list[dict[str, Any]], watch: Watcher) -> None:
    """Measure both held-out parts with the bundle's own arithmetic, then write bundle, metrics and report."""
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
    measured = {
        name: _measured(job, classifier, indices, watch)
        for name, indices in (("validation", job.prepared.split.validation), ("test", job.prepared.split.test))
    }
    summary = {name: m and {"top1": m.top1, "n": m.n, "interval": m.interval} for name, m in measured.items()}
    write_bundle(job.run.path, card.model_copy(update={"metrics": summary}), weights)
    rates = [record["images_per_second"] for record in history[1:] or history]
    result = {
        "model": job.config.model,
        "epochs": len(history),
        "validation": {"top1": measured["validation"].top1 if measured["validation"] else None},
        "test": {"top1": measured["test"].top1} if measured["test"] else None,
        "seconds": round(sum(record["seconds"] for record in history), 2),
        "images_per_second": stats.median(rates),
    }
    write_text(job.run.report, page(_story(job, measured, history)))
    write_json(
        job.run.metrics,
        {"result": result, **{name: m.to_json() if m else None for name, m in measured.items()}},
    )
    job.run.log("done", **result)
    watch.event({"event": "done", **result})


def _measured(job: _Job, classifier: Classifier, indices: np.ndarray, watch: Watcher) -> Metrics | None:
    if len(indices) == 0:
        return None
    rows = job.rows(indices)
    probabilities = classifier.probabilities(job.pixels, rows, progress=watch.progress)
    return measure(probabilities, job.labels[rows], classifier.classes)


def _story(job: _Job, measured: Mapping[str, Metrics | None], history: list[dict[str, Any]]) -> Story:
    part = "test" if measured["test"] else "validation"
    metrics = measured[part]
    assert metrics is not None  # training needs a validation part
    written = job.run.read_config()
    config = job.config
    changed = [f"--set {name}={shlex.quote(str(config.network[name]))}" for name in config.network]
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
        command=" ".join(
            [
                f"discern train {shlex.quote(written['data']['origin'])} --model {config.model}",
                f"--epochs {config.epochs} --seed {config.seed}",
                *changed,
            ]
        ),
    )
