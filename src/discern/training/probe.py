"""A few steps of the real network on this machine decide precision and memory format; the answer is cached."""

from __future__ import annotations

import copy
import datetime
import functools
import itertools
import json
import math
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, TypeVar

import pydantic
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from discern.errors import DiskError
from discern.files import cache_folder, read_json, write_json
from discern.notices import Notice
from discern.runtime import read_processor_name
from discern.training.config import TrainConfig

Network = TypeVar("Network", bound=nn.Module)
Format = tuple[str, str]  # precision, memory format

MIN_STEPS, MIN_SECONDS = 3, 0.3  # more steps while they took less, since short ones are noisy
MARGIN = 1.1  # the plain format stays unless another is this much faster: noise must not choose
BUSY = 3.0  # times the measured rate: where training is this fast, other programs ran beside the measurement
CACHE_FILE = "measurements.json"


@dataclass(frozen=True)
class ComputePlan:
    """How the arithmetic of a training runs."""

    precision: str  # fp32 or bf16
    memory_format: str  # of the images: contiguous or channels_last
    measured: dict[str, float]  # images/s of each format that was measured
    date: str = ""  # when it was measured; empty where nothing was

    @property
    def rate(self) -> float:
        """Images/s of this plan; 0 where it was not measured."""
        return self.measured.get(f"{self.precision} {self.memory_format}", 0.0)

    def notice(self) -> Notice:
        """Return what was chosen, and by which figures."""
        fields: dict[str, Any] = {"precision": self.precision, "memory_format": self.memory_format}
        if len(self.measured) < 2:
            return Notice("training.compute_as_set", fields)
        figures = [f"{name} {rate:,.0f}" for name, rate in self.measured.items()]
        return Notice("training.compute", {**fields, "figures": figures})


def plan_compute(model: nn.Module, config: TrainConfig, device: torch.device) -> ComputePlan:
    """Return the fastest precision and memory format for training ``model`` on ``device``, unless ``config`` sets them.

    The answer is kept in the cache folder for this network, size and machine, so that the same command gives the
    same bits again.
    """
    runtime, preprocess = config.runtime, config.preprocess
    precisions = ["fp32", "bf16"] if runtime.precision == "auto" else [runtime.precision]
    memory_formats = ["contiguous", "channels_last"] if runtime.memory_format == "auto" else [runtime.memory_format]
    if device.type == "mps" and runtime.precision == "auto":
        precisions = ["fp32"]
    formats = list(itertools.product(precisions, memory_formats))
    if len(formats) == 1 and runtime.compile != "auto":  # which needs to know how long the steps are
        return ComputePlan(*formats[0], measured={})
    shape = (min(config.optim.batch_size, 64), preprocess.channels, preprocess.size, preprocess.size)

    def measure() -> dict[str, Any]:
        rates = {" ".join(each): _measure_rate(model, each, shape, device) for each in formats}
        return asdict(_choose_fastest(formats, rates))

    key, valid = [config.model, config.model_args, shape, formats], functools.partial(_is_plan, formats=formats)
    return ComputePlan(**cached_measurement(key, device, measure, valid))


def _is_plan(value: dict[str, Any], formats: list[Format]) -> bool:
    """Return whether ``value``, from a file, is a `ComputePlan` in one of ``formats``."""
    try:
        plan = pydantic.TypeAdapter(ComputePlan).validate_python(value)
        datetime.date.fromisoformat(plan.date)
    except (ValueError, TypeError):
        return False
    rates = [plan.measured.get(" ".join(each), 0.0) for each in formats]
    is_fit = asdict(plan) == value and (plan.precision, plan.memory_format) in formats
    return is_fit and all(0 < rate < math.inf for rate in rates)


def cached_measurement(
    key: list[Any],
    device: torch.device,
    measure: Callable[[], dict[str, Any]],
    is_valid: Callable[[dict[str, Any]], bool] = lambda value: True,
) -> dict[str, Any]:
    """Return what ``measure`` found when it was first needed for ``key`` on this machine, from the cache folder.

    What is there but not ``is_valid`` is measured again.
    """
    name = json.dumps([*key, str(device), _describe_machine(device)])
    file = cache_folder() / CACHE_FILE
    known = _read_measurements(file)
    if name not in known or not is_valid(known[name]):
        known[name] = measure()
        with suppress(DiskError):
            write_json(file, known)
    measurement: dict[str, Any] = known[name]
    return measurement


def _read_measurements(file: Path) -> dict[str, dict[str, Any]]:
    """Read what was measured before; what is damaged or from elsewhere counts as not measured."""
    try:
        known = read_json(file)
    except (OSError, ValueError, DiskError):
        return {}
    if not isinstance(known, dict):
        return {}
    return {name: value for name, value in known.items() if isinstance(value, dict)}


def discard_stale(plan: ComputePlan, rate: float) -> Notice | None:
    """Delete a measurement that training, at ``rate`` images/s, has shown to be wrong; a notice where it has.

    It would decide for every later training of the network on this machine.
    """
    if not 0 < BUSY * plan.rate < rate:
        return None
    file = cache_folder() / CACHE_FILE
    known = _read_measurements(file)
    with suppress(DiskError):
        write_json(file, {name: value for name, value in known.items() if value != asdict(plan)})
    return Notice("training.measured_while_busy", {"rate": rate, "measured": plan.rate})


def autocast(precision: str, device: torch.device) -> torch.autocast:
    """Return the context in which ``precision`` computes on ``device``."""
    return torch.autocast(device.type, dtype=torch.bfloat16, enabled=precision == "bf16")


def move_to(model: Network, memory_format: str, device: torch.device) -> Network:
    """Move ``model`` to the device, its weights laid out as the images on a GPU; a CPU reorders them anyway."""
    model = model.to(device)
    return model if device.type == "cpu" else model.to(memory_format=get_memory_format(memory_format))


def get_memory_format(name: str) -> torch.memory_format:
    """Return torch's memory format called ``name``."""
    return torch.channels_last if name == "channels_last" else torch.contiguous_format


def step_times(
    forward: Callable[[Tensor], Tensor], format: Format, shape: tuple[int, ...], device: torch.device
) -> Iterator[float]:
    """Yield the seconds of one step after another: forward to the logits, and backward."""
    precision, memory_format = format
    x = torch.randn(shape, device=device).to(memory_format=get_memory_format(memory_format))
    y = torch.zeros(shape[0], dtype=torch.long, device=device)
    while True:
        start = time.perf_counter()
        with autocast(precision, device):
            logits = forward(x)
        cross_entropy(logits.float(), y).backward()
        if device.type == "cuda":
            torch.cuda.synchronize(device)
        yield time.perf_counter() - start


def time_step(seconds: Iterator[float]) -> float:
    """Return the seconds of the fastest step after one that warms up."""
    times: list[float] = []
    while len(times) <= MIN_STEPS or sum(times) < MIN_SECONDS:
        times.append(next(seconds))
    return min(times[1:])


def _choose_fastest(formats: list[Format], rates: dict[str, float]) -> ComputePlan:
    best = formats[0]
    for each in formats[1:]:
        if rates[" ".join(each)] > MARGIN * rates[" ".join(best)]:
            best = each
    rounded = {name: round(rate, 1) for name, rate in rates.items()}
    return ComputePlan(*best, measured=rounded, date=datetime.date.today().isoformat())


def _measure_rate(model: nn.Module, format: Format, shape: tuple[int, ...], device: torch.device) -> float:
    """Return the images/s of training a copy of ``model``."""
    with torch.random.fork_rng():
        twin = move_to(copy.deepcopy(model), format[1], device).train()
        return shape[0] / time_step(step_times(twin, format, shape, device))


def _describe_machine(device: torch.device) -> list[str]:
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else read_processor_name()
    return [name, str(torch.get_num_threads()), torch.__version__]
