"""What tests of training look at: the events that are reported, and what a run stores."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from safetensors.torch import load_file
from torch import Tensor

from discern.notices import Notice
from discern.progress import Reporter
from discern.runs.run import Run
from discern.runs.run_directory import RunDirectory
from discern.settings import flatten

KERAS_FILE = "mobilenet_v1_0.25_224_imagenet.safetensors"
QUICK: dict[str, Any] = {
    "precision": "fp32",
    "memory_format": "contiguous",
    "batch_size": 8,
    "augmented_copies": 1,
    "head_epochs": 2,
}


class RecordingReporter(Reporter):
    """Keeps the events; ``act`` is called with the progress."""

    def __init__(self, act: Callable[[str, int], None] | None = None) -> None:
        self.events: list[dict[str, Any]] = []
        self.act = act

    def event(self, event: dict[str, Any]) -> None:
        self.events.append(event)

    def progress(self, what: str, done: int, total: int) -> None:
        if self.act is not None:
            self.act(what, done)

    def close(self) -> None:
        pass

    def notices(self) -> str:
        """Return the text of the notices, a line each."""
        notices = [event for event in self.events if event["event"] == "notice"]
        return "\n".join(Notice.from_json(notice).text() for notice in notices)


def notices(run: Run) -> str:
    """Return the text of the notices in config.json, a line each."""
    return "\n".join(Notice.from_json(notice).text() for notice in RunDirectory(run.path).read_config()["notices"])


def settings_of(run: Run) -> dict[str, Any]:
    """Return the resolved settings by name."""
    settings: dict[str, Any] = flatten(RunDirectory(run.path).read_config()["config"])
    return settings


def bundle(run: Run) -> dict[str, Tensor]:
    return load_file(run.path / "model.safetensors")


def initial_weights(run: Run) -> dict[str, Tensor]:
    return load_file(run.path / "checkpoint" / "start.safetensors")
