"""A few steps of the real network on this machine decide precision and memory layout; the answer is kept."""

from __future__ import annotations

import copy
import json
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass
from typing import Any, TypeVar

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from discern.errors import DiskError
from discern.files import cache_folder, read_json, write_json
from discern.i18n import _
from discern.runtime import processor
from discern.training.config import Config

Placed = TypeVar("Placed", bound=nn.Module)

STEPS, SECONDS = 3, 0.3  # at least so many; more while they took less, since short steps are noisy
MARGIN = 1.1  # the plain way stays unless another is this much faster: noise must not choose
BUSY = 3.0  # times the rate measured: where training is this fast, other programs ran beside the measurement


@dataclass(frozen=True)
class Choice:
    """Precision (``fp32`` or ``bf16``), layout (``contiguous`` or ``channels_last``), and the pictures/s measured."""

    precision: str
    layout: str
    measured: dict[str, float]

    @property
    def rate(self) -> float:
        """Pictures/s of this choice; 0 where it was not measured."""
        return self.measured.get(f"{self.precision} {self.layout}", 0.0)

    def why(self) -> str:
        """One sentence for the run's notices."""
        if len(self.measured) < 2:
            return _("Computing in {precision}, {layout}, as set.").format(precision=self.precision, layout=self.layout)
        figures = ", ".join(f"{name} {rate:,.0f}" for name, rate in self.measured.items())
        sentence = _("Computing in {precision}, {layout}: steps measured on this machine ran at {figures} pictures/s.")
        return sentence.format(precision=self.precision, layout=self.layout, figures=figures)


def choose(model: nn.Module, config: Config, device: torch.device) -> Choice:
    """The fastest precision and layout for training ``model`` on ``device``, unless ``config`` states them.

    The answer is kept in the cache folder for this network, size and machine, so that the same command gives the
    same bits again.
    """
    precisions = ["fp32", "bf16"] if config.precision == "auto" else [config.precision]
    layouts = ["contiguous", "channels_last"] if config.layout == "auto" else [config.layout]
    if device.type == "mps" and config.precision == "auto":
        precisions = ["fp32"]
    ways = [(precision, layout) for precision in precisions for layout in layouts]
    if len(ways) == 1 and config.compile != "auto":  # which asks how long the steps are
        return Choice(*ways[0], measured={})
    shape = (min(config.batch, 64), config.channels, config.size, config.size)

    def measure() -> dict[str, Any]:
        return asdict(_fastest(ways, {" ".join(way): _rate(model, way, shape, device) for way in ways}))

    return Choice(**kept([config.model, config.network, shape, ways], device, measure))


def kept(question: list[Any], device: torch.device, measure: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """What ``measure`` found when ``question`` was first asked of this machine, from the cache folder."""
    name = json.dumps([*question, str(device), _machine(device)])
    file = cache_folder() / "probe.json"
    known: dict[str, Any] = {}
    with suppress(OSError, ValueError):
        known = read_json(file)
    if name not in known:
        known[name] = measure()
        with suppress(DiskError):
            write_json(file, known)
    found: dict[str, Any] = known[name]
    return found


def forgotten(choice: Choice, rate: float) -> str:
    """Drop what was measured where training, at ``rate`` pictures/s, has shown it to be wrong; a sentence if it has.

    It would decide for every later training of the network on this machine.
    """
    if not 0 < BUSY * choice.rate < rate:
        return ""
    file = cache_folder() / "probe.json"
    with suppress(OSError, ValueError, DiskError):
        write_json(file, {name: found for name, found in read_json(file).items() if found != asdict(choice)})
    sentence = _(
        "Training ran at {rate:,.0f} pictures/s, and its steps were measured at {measured:,.0f} while the machine was "
        "busy: the next training measures them again."
    )
    return sentence.format(rate=rate, measured=choice.rate)


def autocast(precision: str, device: torch.device) -> torch.autocast:
    """The context in which ``precision`` computes on ``device``."""
    return torch.autocast(device.type, dtype=torch.bfloat16, enabled=precision == "bf16")


def placed(model: Placed, layout: str, device: torch.device) -> Placed:
    """``model`` on the device, with its weights laid out as the pictures are on a GPU; a CPU reorders them anyway."""
    model = model.to(device)
    return model if device.type == "cpu" else model.to(memory_format=memory_format(layout))


def memory_format(layout: str) -> torch.memory_format:
    """torch's name of ``layout``."""
    return torch.channels_last if layout == "channels_last" else torch.contiguous_format


def _fastest(ways: list[tuple[str, str]], measured: dict[str, float]) -> Choice:
    best = ways[0]
    for way in ways[1:]:
        if measured[" ".join(way)] > MARGIN * measured[" ".join(best)]:
            best = way
    return Choice(*best, measured={name: round(rate, 1) for name, rate in measured.items()})


def steps(
    answer: Callable[[Tensor], Tensor], way: tuple[str, str], shape: tuple[int, ...], device: torch.device
) -> Iterator[float]:
    """Seconds of one step after another: forward to the logits, and backward."""
    precision, layout = way
    x = torch.randn(shape, device=device).to(memory_format=memory_format(layout))
    y = torch.zeros(shape[0], dtype=torch.long, device=device)
    while True:
        start = time.perf_counter()
        with autocast(precision, device):
            logits = answer(x)
        cross_entropy(logits.float(), y).backward()
        if device.type == "cuda":
            torch.cuda.synchronize(device)
        yield time.perf_counter() - start


def fastest(seconds: Iterator[float]) -> float:
    """Seconds of the best step after one that warms up."""
    times: list[float] = []
    while len(times) <= STEPS or sum(times) < SECONDS:
        times.append(next(seconds))
    return min(times[1:])


def _rate(model: nn.Module, way: tuple[str, str], shape: tuple[int, ...], device: torch.device) -> float:
    """Pictures a second of training a copy of ``model``."""
    with torch.random.fork_rng():
        return shape[0] / fastest(steps(placed(copy.deepcopy(model), way[1], device).train(), way, shape, device))


def _machine(device: torch.device) -> list[str]:
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else processor()
    return [name, str(torch.get_num_threads()), torch.__version__]
