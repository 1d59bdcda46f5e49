"""A few steps of the real network on this machine decide precision and memory layout; the answer is kept."""

from __future__ import annotations

import copy
import json
import time
from contextlib import suppress
from dataclasses import asdict, dataclass
from typing import TypeVar

import torch
from torch import nn
from torch.nn.functional import cross_entropy

from discern.errors import DiskError
from discern.files import cache_folder, read_json, write_json
from discern.i18n import _
from discern.runtime import processor
from discern.training.config import Config

Placed = TypeVar("Placed", bound=nn.Module)

STEPS, SECONDS = 3, 0.3  # at least so many; more while they took less, since short steps are noisy
MARGIN = 1.1  # the plain way stays unless another is this much faster: noise must not choose


@dataclass(frozen=True)
class Choice:
    """Precision (``fp32`` or ``bf16``), layout (``contiguous`` or ``channels_last``), and the pictures/s measured."""

    precision: str
    layout: str
    measured: dict[str, float]

    def why(self) -> str:
        """One sentence for the run's notices."""
        if not self.measured:
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
    if len(ways) == 1:
        return Choice(*ways[0], measured={})
    shape = (min(config.batch, 64), config.channels, config.size, config.size)
    name = json.dumps([config.model, config.network, shape, ways, str(device), _machine(device)])
    file = cache_folder() / "probe.json"
    known = {}
    with suppress(OSError, ValueError):
        known = read_json(file)
    if name not in known:
        measured = {" ".join(way): _rate(model, way, shape, device) for way in ways}
        known[name] = asdict(_fastest(ways, measured))
        with suppress(DiskError):
            write_json(file, known)
    return Choice(**known[name])


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


def _rate(model: nn.Module, way: tuple[str, str], shape: tuple[int, ...], device: torch.device) -> float:
    """Pictures a second of forward and backward, the best step after one that warms up."""
    precision, layout = way
    with torch.random.fork_rng():
        model = placed(copy.deepcopy(model), layout, device).train()
        x = torch.randn(shape, device=device).to(memory_format=memory_format(layout))
        y = torch.zeros(shape[0], dtype=torch.long, device=device)
        times: list[float] = []
        while len(times) <= STEPS or sum(times) < SECONDS:
            start = time.perf_counter()
            with autocast(precision, device):
                logits = model(x)
            cross_entropy(logits.float(), y).backward()
            if device.type == "cuda":
                torch.cuda.synchronize(device)
            times.append(time.perf_counter() - start)
    return shape[0] / min(times[1:])


def _machine(device: torch.device) -> list[str]:
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else processor()
    return [name, str(torch.get_num_threads()), torch.__version__]
