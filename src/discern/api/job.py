"""A run whose every choice is made: started anew, or opened again as it was left."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pydantic
import torch

import discern
from discern.api.prepare import DataLike, Prepared, prepare, prepare_to_train
from discern.api.weights import find_start
from discern.arrays import Rows
from discern.classical.config import ClassicalConfig
from discern.classical.table import CLASSICAL
from discern.data.dataset import Dataset
from discern.data.open import open_data
from discern.data.split import Split
from discern.data.streamed import kept_or_streamed
from discern.errors import ConfigError, ModelError, RunError
from discern.files import write_json
from discern.i18n import _
from discern.models.external import is_code
from discern.models.network import Model
from discern.models.table import build
from discern.models.weights import load_weights, save_weights
from discern.preprocess.columns import Columns
from discern.preprocess.normalise import statistics
from discern.preprocess.spec import Preprocess
from discern.progress import Watcher
from discern.run import RunDirectory, check_free, new_run
from discern.runtime import device, machine, seed_for
from discern.training.compiling import offer
from discern.training.config import Config
from discern.training.cpu_convolutions import cpu_convolutions
from discern.training.probe import Choice, choose
from discern.training.recipes import Subject, check, complete, held_back


@dataclass(frozen=True)
class Held:
    """A run of whatever model, every choice made and on disk, with the data it needs in memory."""

    run: RunDirectory
    prepared: Prepared
    config: Config | ClassicalConfig
    spec: Preprocess | Columns
    pixels: Rows  # uint8, the pictures of prepared.used; float64 (N, F) of a table

    @property
    def labels(self) -> np.ndarray:
        return self.prepared.dataset.labels[self.prepared.used].astype(np.int64)

    def rows(self, indices: np.ndarray) -> np.ndarray:
        """Where the pictures at ``indices`` stand in ``pixels``."""
        return np.searchsorted(self.prepared.used, indices)


@dataclass(frozen=True)
class Job(Held):
    """The run of a network."""

    config: Config
    spec: Preprocess
    measured: Choice | None = None  # how fast steps were beforehand, where one process trains on a CPU

    def network(self) -> Model:
        """The network with its first weights: those it was given to start from, else what the seed gives."""
        network = _first(self.config, len(self.prepared.dataset.classes))
        if self.config.weights:
            load_weights(network, self.run.start)
        return network


def _first(config: Config, classes: int) -> Model:
    """The network with the weights that the seed gives."""
    torch.manual_seed(seed_for(config.seed, "network"))
    return build(config.model, classes, config.channels, config.size, config.network)


def start(
    data: DataLike | Prepared | None,
    asked: Mapping[str, Any],
    out: str | os.PathLike[str] | None,
    watch: Watcher,
    processes: int = 1,
) -> Job:
    """Decide everything and write it down; so many processes will train."""
    early = check(asked)
    if out is not None:
        check_free(Path(out))
    where = device(early.device)
    if data is not None and not isinstance(data, Prepared):
        data = open_data(data)
    validation = held_back(asked, len(data)) if isinstance(data, Dataset) else early.validation
    prepared = prepare_to_train(data, early.seed, validation, early.test, watch, early.train_limit)
    if prepared.rows:
        sentence = _("{data} is a table of numbers, which classical models learn: take --model with one of {names}.")
        raise ModelError(sentence.format(data=prepared.dataset.origin, names=", ".join(CLASSICAL)))
    counts = prepared.dataset.counts(prepared.split.train)
    begin, told = find_start(early, prepared.side(), watch.progress)
    settings = begin.settings if begin else {}
    subject = Subject(counts, prepared.side(), prepared.is_grey(), where.type, settings)
    config, notes = complete(asked, subject)
    spec = _spec(config)
    network = _first(config, len(prepared.dataset.classes))
    if begin:  # before the pictures are decoded: weights that do not fit are noticed at once
        begin.fill(network)
        config = config.model_copy(update={"weights": begin.source})
    decoded = _decoded(prepared, config, spec, watch)
    if not spec.mean:
        mean, std = statistics(decoded, np.searchsorted(prepared.used, prepared.split.train))
        spec = spec.model_copy(update={"mean": mean, "std": std})
    with cpu_convolutions(network):
        choice = choose(network, config, where)
        seen = subject.n * config.epochs
        compile, why = offer(network, config, choice, where, seen, processes)
    config = config.model_copy(update={"precision": choice.precision, "layout": choice.layout, "compile": compile})
    measured = choice if where.type == "cpu" and processes == 1 else None
    job = Job(new_run(prepared.dataset.name, config.model, out), prepared, config, spec, decoded, measured)
    if begin:
        save_weights(network, job.run.start)
    write_down(job, asked, [*prepared.notes, *told, *notes, _tuning(config), choice.why(), *why], watch)
    return job


def _decoded(prepared: Prepared, config: Config, spec: Preprocess, watch: Watcher) -> Rows:
    return kept_or_streamed(prepared.dataset, prepared.used, prepared.facts, spec, config.cache, watch.progress)


def _tuning(config: Config) -> str:
    """A sentence on what is trained."""
    match config.tune:
        case "head":
            sentence = _(
                "Training the head alone: the backbone stays as it is. Versions of each training picture that it sees, "
                "all but the first shifted or mirrored: {versions}."
            )
            return sentence.format(versions=1 + (config.passes if config.augment else 0))
        case "head+all":
            return _("Training the head on a frozen backbone first, then everything, early layers at a lower rate.")
    return _("Training all layers.")


def _spec(config: Config) -> Preprocess:
    fields = ("size", "interpolation", "channels", "mean", "std")
    try:
        return Preprocess(mode=config.resize, **{name: getattr(config, name) for name in fields})
    except pydantic.ValidationError as error:
        sentence = _("mean={mean} and std={std} do not fit: give {channels} numbers each, std above 0.")
        raise ConfigError(sentence.format(mean=config.mean, std=config.std, channels=config.channels)) from error


def write_down(job: Held, asked: Mapping[str, Any], notices: list[str], watch: Watcher) -> None:
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
            "data": {
                "origin": _lasting(dataset.origin, job.run.path),
                "name": dataset.name,
                "fingerprint": _fingerprint(job),
            },
            "classes": list(dataset.classes),
            "asked": dict(asked),
            "config": job.config.model_dump(mode="json"),
            "preprocess": job.spec.model_dump(mode="json"),
            "notices": notices,
            "findings": [finding.sentence for finding in job.prepared.audit.findings],
            "machine": machine(),
            "discern": discern.__version__,
        }
    )


def _lasting(origin: str, run: Path) -> str:
    """A path that holds from every folder; a built-in name stays a name, also where the run itself is called so."""
    path = Path(origin).resolve()
    return str(path) if path.exists() and path != run.resolve() else origin


def _fingerprint(job: Held) -> str:
    return job.prepared.facts.fingerprint(job.prepared.used)


def reopen(path: str | os.PathLike[str], data: DataLike | Prepared | None, code: str | None, watch: Watcher) -> Job:
    """A run that was started, as `start` left it.

    Raises
    ------
    RunError
        When the pictures changed since.
    ConfigError
        When its network is in a file of code that ``code`` does not name.
    """
    run = RunDirectory(path)
    written = run.read_config()
    if written["config"].get("model") in CLASSICAL:
        sentence = _("{run} is of a classical model, which trains in one go: start a new run.")
        raise RunError(sentence.format(run=run.path))
    try:
        config = Config.model_validate(written["config"])
        spec = Preprocess.model_validate(written["preprocess"])
    except pydantic.ValidationError as error:
        sentence = _("{path} is damaged or from another version: start a new run.")
        raise RunError(sentence.format(path=run.config)) from error
    if is_code(config.model):
        if code is None or not is_code(code):
            sentence = _("{run} trains a network in code of its own, which runs only when named: add --code {model}.")
            raise ConfigError(sentence.format(run=run.path, model=config.model))
        config = config.model_copy(update={"model": code})
    origin = written["data"]["origin"]
    if data is None and Path(origin).is_absolute() and not Path(origin).exists():
        sentence = _(
            "The pictures of {run} are not at {origin} any more: put them back, or say where they are now, "
            "`discern train FOLDER --resume {run}`."
        )
        raise RunError(sentence.format(run=run.path, origin=origin))
    prepared = prepare(data or origin, config.seed, config.validation, config.test, watch)
    prepared = replace(prepared, split=Split.load(run.split, prepared.dataset))  # the record decides, not the rule
    decoded = _decoded(prepared, config, spec, watch)
    job = Job(run, prepared, config, spec, decoded)
    if _fingerprint(job) != written["data"]["fingerprint"]:
        sentence = _("The pictures of {data} changed since {run} was started: start a new run.")
        raise RunError(sentence.format(data=origin, run=run.path))
    return job
