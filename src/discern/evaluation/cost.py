"""What predicting costs on this machine: time and memory of several models, measured in turn."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from discern.models.timing import time_in_turns
from discern.runtime import return_freed_memory

BATCH = 32
REPEATS = 8  # predictions before the next model has its turn: the first finds caches full of another model


@dataclass(frozen=True)
class Candidate:
    """A model to measure."""

    predict: Callable[[np.ndarray], object]  # takes inputs (N, ...)
    inputs: np.ndarray  # a batch of `BATCH` of them; what they show costs no time
    parameters: int | None  # of a network
    weight_bytes: int  # of the model in memory


@dataclass(frozen=True)
class Cost:
    """What predicting takes."""

    parameters: int | None  # of the network; None for a classical model
    latency_ms: float  # median time for one example
    batch_ms: float  # median time for each of `BATCH` at a time
    memory: int  # bytes
    memory_kind: str  # peak: the model and the peak that predicting a batch added; weights: the model alone


def measure_costs(candidates: Iterable[tuple[str, Candidate]], device: torch.device) -> dict[str, Cost]:
    """Measure models by name; they take turns, so that what else the machine does hits all alike.

    ``candidates`` may load each when it comes to it: its memory is measured before the next one is there.
    """
    single, batch, memory, parameters = {}, {}, {}, {}
    for name, candidate in candidates:
        single[name] = _repeat(candidate.predict, candidate.inputs[:1])
        batch[name] = _repeat(candidate.predict, candidate.inputs)
        candidate.predict(candidate.inputs[:1])  # what only the first prediction does
        peak = _measure_peak(lambda run=candidate: run.predict(run.inputs), device)  # type: ignore[misc]
        memory[name] = candidate.weight_bytes + (peak or 0), "weights" if peak is None else "peak"
        parameters[name] = candidate.parameters
    latencies, batches = time_in_turns(single, device), time_in_turns(batch, device)
    return {
        name: Cost(
            parameters[name], 1000 * latencies[name] / REPEATS, 1000 * batches[name] / BATCH / REPEATS, *memory[name]
        )
        for name in single
    }


def _repeat(predict: Callable[[np.ndarray], object], inputs: np.ndarray) -> Callable[[], object]:
    def turn() -> None:
        for _i in range(REPEATS):
            predict(inputs)

    return turn


def _measure_peak(job: Callable[[], object], device: torch.device) -> int | None:
    """Return the bytes that ``job`` needed at its height beyond what was there; None where the system hides it."""
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
        before = torch.cuda.memory_allocated(device)
        job()
        return torch.cuda.max_memory_allocated(device) - before
    try:
        return_freed_memory()  # else what was freed before would hide what the job needs
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")  # Linux: the peak counts from now
        before = _read_status("VmRSS")
        job()
        return max(0, _read_status("VmHWM") - before)
    except (OSError, AttributeError, TypeError, KeyError, ValueError):
        job()
        return None


def _read_status(key: str) -> int:
    """Read a line of /proc/self/status, in bytes."""
    text = Path("/proc/self/status").read_text(encoding="ascii", errors="replace")
    lines = dict(line.split(":", 1) for line in text.splitlines() if ":" in line)
    return 1024 * int(lines[key].split()[0])
