"""A run is a directory: where each of its files is, and how its events are written and read."""

from __future__ import annotations

import datetime
import json
import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from discern.errors import RunError
from discern.files import disk_errors, read_errors, read_file, read_json, write_text
from discern.i18n import _
from discern.printable import quote_argument, to_json_line


class RunDirectory:
    """The files of one run; making the object touches no file.

    Examples
    --------
    >>> RunDirectory("runs/x").events.name
    'events.jsonl'
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)
        self.config = self.path / "config.json"
        self.split = self.path / "split.json"
        self.audit = self.path / "audit.json"
        self.events = self.path / "events.jsonl"
        self.checkpoint = self.path / "checkpoint"
        self.start = self.checkpoint / "start.safetensors"
        self.metrics = self.path / "metrics.json"
        self.predictions = self.path / "predictions.npz"
        self.images = self.path / "images.npz"
        self.layers = self.path / "layers.json"
        self.report = self.path / "report.html"

    def log(self, event: str, **fields: Any) -> None:
        """Append one line to events.jsonl."""
        line = to_json_line({"event": event, **fields})
        with disk_errors(self.events), self.events.open("a", encoding="utf-8", errors="backslashreplace") as stream:
            stream.write(line + "\n")

    def read_events(self, kind: str | None = None) -> Iterator[dict[str, Any]]:
        """Read the events so far, all or of one kind; a last line that is not complete yet is left out."""
        if not self.events.exists():
            return
        with read_errors(self.events):
            data = read_file(self.events)
        for line in data.split(b"\n"):  # as text, U+2028 in a name would end a line too
            try:
                event = json.loads(line)
            except ValueError:
                continue
            if kind is None or event.get("event") == kind:
                yield event

    def rewrite_events(self, events: Iterable[dict[str, Any]]) -> None:
        """Replace events.jsonl, as resuming does: what came after the checkpoint happens again."""
        write_text(self.events, "".join(to_json_line(event) + "\n" for event in events))

    def read_config(self) -> dict[str, Any]:
        """Read config.json: data, task, classes, what was requested and resolved, notices, findings, versions.

        Raises `RunError` when the directory is not a run, or its config.json is damaged.
        """
        if not self.path.exists():
            message = _("{path} does not exist: give a run; runs are listed by `ls runs`.")
            raise RunError(message.format(path=self.path))
        if not self.config.is_file():
            message = _("{path} is not a run: it has no config.json. Runs are made by `discern train`.")
            raise RunError(message.format(path=self.path))
        try:
            config: dict[str, Any] = read_json(self.config)
        except (ValueError, OSError) as error:
            message = _("{path} is damaged: it is not readable JSON. Train again, or restore it.")
            raise RunError(message.format(path=self.config)) from error
        if not isinstance(config, dict) or not config.keys() >= {"data", "task", "config", "preprocess"}:
            message = _("{path} is not a run: its config.json is not of discern. Runs are made by `discern train`.")
            raise RunError(message.format(path=self.path))
        return config

    def read_notices(self) -> list[dict[str, Any]]:
        """Return what the audit found and what was chosen, as config.json has it."""
        config = self.read_config()
        return [*config["findings"], *config["notices"]]

    def read_metrics(self) -> dict[str, Any]:
        """Read metrics.json: the result, and the metrics of each split. Raises `RunError` when it is damaged."""
        damaged = _("{path} is damaged or from another version: copy it again, or train again.")
        try:
            metrics: dict[str, Any] = read_json(self.metrics)
        except (ValueError, OSError) as error:
            raise RunError(damaged.format(path=self.metrics)) from error
        valid = isinstance(metrics, dict) and metrics.keys() >= {"result", "validation", "test"}
        if not valid or not isinstance(metrics["result"], dict) or not metrics["result"].keys() >= {"model", "seconds"}:
            raise RunError(damaged.format(path=self.metrics))
        return metrics


def check_free(path: Path) -> None:
    """Refuse a place for a new run that is a file, or a folder that is not empty; what never became a run is no run."""
    if path.exists() and (not path.is_dir() or any(path.iterdir())) and not _never_started(path):
        message = _("{path} is not empty: choose another --out, or resume with --resume {path}.")
        raise RunError(message.format(path=quote_argument(path)))


def _never_started(path: Path) -> bool:
    """Return whether the folder holds only what is written before config.json, by a training that was killed there."""
    names = {name.relative_to(path).as_posix() for name in path.rglob("*")} if path.is_dir() else set()
    written = {re.sub(r"(^|/)\.(.+)\.[0-9a-f]{8}\.part$", r"\1\2", name) for name in names}  # half-written, too
    known = {"split.json", "audit.json", "checkpoint", "checkpoint/start.safetensors"}
    return bool(written) and "config.json" not in names and written <= known | {"config.json"}


def make_run_directory(data: str, model: str, out: str | os.PathLike[str] | None = None) -> RunDirectory:
    """Make the directory of a new run: ``out``, or ``runs/DATE_DATA_MODEL`` with a number when that is taken."""
    if out is not None:
        path = Path(out)
        check_free(path)
        with disk_errors(path):
            path.mkdir(parents=True, exist_ok=True)
        return RunDirectory(path)
    words = [datetime.date.today().isoformat(), data, model]
    stem = "_".join(re.sub(r"[^\w.-]+", "-", word).strip("-") for word in words)
    for number in range(1, 10_000):
        path = Path("runs") / (stem if number == 1 else f"{stem}-{number}")
        with disk_errors(path):
            path.parent.mkdir(exist_ok=True)
            try:
                path.mkdir()
            except FileExistsError:
                continue
        return RunDirectory(path)
    raise RunError(_("runs/ holds too many runs of this name: choose a folder with --out."))
