"""What tests of training look at: what a watcher hears, and what a run keeps of its weights."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from safetensors.torch import load_file
from torch import Tensor

from discern.api.run import Run
from discern.progress import Watcher
from discern.run import RunDirectory

KERAS_FILE = "mobilenet_v1_0.25_224_imagenet.safetensors"
QUICK: dict[str, Any] = {"precision": "fp32", "layout": "contiguous", "batch": 8, "passes": 1, "head_epochs": 2}


class Heard(Watcher):
    """Keeps the events it is told; ``act`` hears of progress."""

    def __init__(self, act: Callable[[str, int], None] | None = None) -> None:
        self.events: list[dict[str, Any]] = []
        self.act = act

    def event(self, event: dict[str, Any]) -> None:
        self.events.append(event)

    def progress(self, what: str, done: int, total: int) -> None:
        if self.act is not None:
            self.act(what, done)


def notices(run: Run) -> str:
    return "\n".join(RunDirectory(run.path).read_config()["notices"])


def written(run: Run) -> dict[str, Any]:
    config: dict[str, Any] = RunDirectory(run.path).read_config()["config"]
    return config


def bundle(run: Run) -> dict[str, Tensor]:
    return load_file(run.path / "model.safetensors")


def start_of(run: Run) -> dict[str, Tensor]:
    return load_file(run.path / "checkpoint" / "start.safetensors")
