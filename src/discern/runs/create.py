"""A run with every choice made and on disk: created, or resumed as it was left."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Generic, NamedTuple, TypeVar

import numpy as np
import pydantic
import torch

from discern._version import __version__
from discern.arrays import ArrayLike
from discern.classical.config import ClassicalConfig
from discern.classical.estimators import CLASSICAL
from discern.data.columns import NO_GROUPS, column_spec_from
from discern.data.dataset import Dataset
from discern.data.groups import is_pattern
from discern.data.open import open_data
from discern.data.split import SplitAssignment
from discern.data.streamed import load_pixels
from discern.errors import ConfigError, ModelError, RunError
from discern.files import write_json
from discern.i18n import _
from discern.models.external import is_user_code
from discern.models.network import Model
from discern.models.registry import build_model
from discern.models.weights import load_weights, save_weights
from discern.notices import Notice
from discern.preprocess.columns import Columns
from discern.preprocess.normalize import compute_mean_std
from discern.preprocess.spec import Preprocess
from discern.printable import quote_argument
from discern.progress import Reporter
from discern.runs.initial_weights import InitialWeights, find_initial_weights
from discern.runs.prepare import Prepared, prepare, prepare_to_train
from discern.runs.reproduce import make_absolute
from discern.runs.request import TrainRequest
from discern.runs.run_directory import RunDirectory, make_run_directory
from discern.runtime import choose_device, describe_machine, seed_for
from discern.training.compiling import decide_compile
from discern.training.config import TrainConfig
from discern.training.cpu_convolutions import cpu_convolutions
from discern.training.probe import ComputePlan, plan_compute
from discern.training.recipes import DataProfile, resolve, validation_fraction

C = TypeVar("C", TrainConfig, ClassicalConfig)


@dataclass(frozen=True)
class RunContext(Generic[C]):
    """A run of whatever model, every choice made and on disk, with the data it needs in memory."""

    run: RunDirectory
    prepared: Prepared
    config: C
    preprocess: Preprocess | Columns  # what happens to an image first, or what is read of a table's row
    inputs: ArrayLike  # what the model reads of prepared.used: uint8 (N, H, W, C) of images, float64 (N, F) of a table
    plan: ComputePlan | None = None  # how fast steps were beforehand, where one process trains a network on a CPU

    @property
    def labels(self) -> np.ndarray:
        """int64 (N,), of the same examples as ``inputs``."""
        return self.prepared.dataset.labels[self.prepared.used].astype(np.int64)

    def positions(self, indices: np.ndarray) -> np.ndarray:
        """Return where in ``inputs`` the examples at ``indices`` of the data set are."""
        return np.searchsorted(self.prepared.used, indices)

    def add_notice(self, notice: Notice, reporter: Reporter) -> None:
        """Record a notice in the run, and report it."""
        self.run.log("notice", **notice.to_json())
        reporter.notice(notice)


NetworkContext = RunContext[TrainConfig]


def build_network(context: NetworkContext) -> Model:
    """Build the network with its first weights: those it was given to start from, else what the seed gives."""
    network = _build_seeded(context.config, len(context.prepared.dataset.classes))
    if context.config.finetune.weights:
        load_weights(network, context.run.start)
    return network


def _build_seeded(config: TrainConfig, classes: int) -> Model:
    torch.manual_seed(seed_for(config.seed, "network"))
    return build_model(config.model, classes, config.preprocess.channels, config.preprocess.size, config.model_args)


class _Choices(NamedTuple):
    """What is chosen by looking at the data, before an image is decoded."""

    config: TrainConfig
    prepared: Prepared
    profile: DataProfile
    initial: InitialWeights | None
    notices: tuple[Notice, ...]
    device: torch.device


def choose_settings(request: TrainRequest, reporter: Reporter) -> _Choices:
    """Prepare the data, and let the recipe choose the settings that were not requested."""
    early = request.validate()
    assert isinstance(early, TrainConfig)  # a classical model is trained by `train_classical`
    device, data = choose_device(early.runtime.device), request.data
    if data is not None and not isinstance(data, Prepared):
        spec = column_spec_from(dict(early.data))  # a pattern of groups is for `prepare`, which opens what is open
        data = open_data(data, column_spec=replace(spec, group=NO_GROUPS) if is_pattern(spec.group) else spec)
    if isinstance(data, Dataset):
        early = early.replace(validation=validation_fraction(request.settings, len(data)))
    prepared = prepare_to_train(data, early.seed, early.data, reporter)
    if prepared.table:
        message = _("{data} is a table of numbers, which classical models learn: add --model with one of {names}.")
        raise ModelError(message.format(data=prepared.dataset.origin, names=", ".join(CLASSICAL)))
    initial, notices = find_initial_weights(early, prepared.side(), reporter.progress)
    counts, start = prepared.dataset.counts(prepared.split.train), initial.settings if initial else {}
    profile = DataProfile(counts, prepared.side(), prepared.is_gray(), device.type, prepared.are_long(), start)
    config, choices = resolve(request.settings, profile)
    return _Choices(config, prepared, profile, initial, (*notices, *choices), device)


def create_run(request: TrainRequest, reporter: Reporter, processes: int = 1) -> NetworkContext:
    """Make every choice for training a network in ``processes`` processes, and write the choices down."""
    config, prepared, profile, initial, notices, device = choose_settings(request, reporter)
    network = _build_seeded(config, len(prepared.dataset.classes))
    if initial:  # before the images are decoded: weights that do not fit are noticed at once
        initial.load_into(network)
        config = config.replace(weights=initial.source)
    inputs = _load_inputs(prepared, config, reporter)
    if not config.preprocess.mean:
        mean, std = compute_mean_std(inputs, np.searchsorted(prepared.used, prepared.split.train))
        config = config.replace(mean=mean, std=std)
    with cpu_convolutions(network):
        plan = plan_compute(network, config, device)
        images = profile.n * config.optim.epochs
        compile, compile_notices = decide_compile(network, config, plan, device, images, processes)
    config = config.replace(precision=plan.precision, memory_format=plan.memory_format, compile=compile)
    measured = plan if device.type == "cpu" and processes == 1 else None
    run = make_run_directory(prepared.dataset.name, config.model, request.out)
    context = RunContext(run, prepared, config, config.preprocess, inputs, measured)
    if initial:
        save_weights(network, run.start)
    notices = (*notices, _describe_finetuning(config), plan.notice(), *compile_notices)
    save_config(context, request.settings, [*prepared.notices, *notices], reporter, profile=asdict(profile))
    return context


def _load_inputs(prepared: Prepared, config: TrainConfig, reporter: Reporter) -> ArrayLike:
    dataset, spec, cache = prepared.dataset, config.preprocess, config.data.cache
    return load_pixels(dataset, prepared.used, prepared.stats, spec, cache, reporter.progress)


def _describe_finetuning(config: TrainConfig) -> Notice:
    if config.finetune.finetune == "head":
        copies = config.finetune.augmented_copies if config.augmentation.augment else 0
        return Notice("runs.finetune_head", {"versions": 1 + copies})
    return Notice("runs.finetune_head_all" if config.finetune.finetune == "head+all" else "runs.finetune_all")


def save_config(
    context: RunContext[Any], requested: Mapping[str, Any], notices: Sequence[Notice], reporter: Reporter, **extra: Any
) -> None:
    """Write split.json, audit.json and, last, config.json: a directory without it is no run; report the notices."""
    prepared, run = context.prepared, context.run
    prepared.split.save(run.split, prepared.dataset)
    write_json(run.audit, prepared.audit.to_json())
    findings = [finding.notice for finding in prepared.audit.findings]
    for notice in (*findings, *notices):
        reporter.notice(notice)
    dataset = prepared.dataset
    origin, fingerprint = absolute_origin(dataset.origin, run.path), prepared.stats.fingerprint(prepared.used)
    config = {
        "data": {"origin": origin, "name": dataset.name, "fingerprint": fingerprint},
        "task": dataset.task,
        "unit": prepared.unit,
        "classes": list(dataset.classes),
        "requested": make_absolute(requested),
        **extra,
        "config": context.config.model_dump(mode="json"),
        "preprocess": context.preprocess.model_dump(mode="json"),
        "notices": [notice.to_json() for notice in notices],
        "findings": [notice.to_json() for notice in findings],
        "machine": describe_machine(),
        "discern": __version__,
    }
    write_json(run.config, config)


def absolute_origin(origin: str, run: Path) -> str:
    """Return a path that holds from every folder; a built-in name stays a name, also where the run is called so."""
    path = Path(origin).resolve()
    return str(path) if path.exists() and path != run.resolve() else origin


def resume_run(request: TrainRequest, reporter: Reporter) -> NetworkContext:
    """Open the run ``request.resume`` as `create_run` left it, and refuse one whose images were moved or changed."""
    assert request.resume is not None
    run = RunDirectory(request.resume)
    record = run.read_config()
    config, spec = _read_config(run, record)
    if is_user_code(config.model):
        code = request.model_code
        if code is None or not is_user_code(code):
            message = _(
                "{run} trains a network of your own code, which runs only when named: add --model-code {model}."
            )
            raise ConfigError(message.format(run=run.path, model=quote_argument(config.model)))
        config = config.replace(model=code)
    origin = record["data"]["origin"]
    if request.data is None and Path(origin).is_absolute() and not Path(origin).exists():
        message = _(
            "The images of {run} are no longer at {origin}: put them back, or say where they are now with "
            "`discern train FOLDER --resume {run}`."
        )
        raise RunError(message.format(run=quote_argument(run.path), origin=origin))
    prepared = prepare(request.data or origin, config.seed, config.data, reporter)
    prepared = replace(prepared, split=SplitAssignment.load(run.split, prepared.dataset))  # the record decides
    if prepared.stats.fingerprint(prepared.used) != record["data"]["fingerprint"]:
        message = _("The images of {data} changed since {run} was started: start a new run.")
        raise RunError(message.format(data=origin, run=run.path))
    if notice := _compare_threads(record.get("machine")):
        reporter.notice(notice)
    return RunContext(run, prepared, config, spec, _load_inputs(prepared, config, reporter))


def _compare_threads(machine: Any) -> Notice | None:
    """Return a notice where the run began with another number of threads, which add in another order."""
    before, now = machine.get("threads") if isinstance(machine, Mapping) else None, torch.get_num_threads()
    if not isinstance(before, int) or before == now:
        return None
    return Notice("runs.other_threads", {"before": before, "now": now})


def _read_config(run: RunDirectory, record: Mapping[str, Any]) -> tuple[TrainConfig, Preprocess]:
    if record["config"].get("model") in CLASSICAL:
        message = _("{run} is of a classical model, which is not trained in steps: start a new run.")
        raise RunError(message.format(run=run.path))
    try:
        config = TrainConfig.model_validate(record["config"])
        return config, Preprocess.model_validate(record["preprocess"])
    except pydantic.ValidationError as error:
        message = _("{path} is damaged or from another version: start a new run.")
        raise RunError(message.format(path=run.config)) from error
