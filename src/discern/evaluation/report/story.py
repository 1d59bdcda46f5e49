"""What a report tells, read from the run directory."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from discern.errors import RunError
from discern.evaluation.metrics import Metrics
from discern.evaluation.predictions import Predictions, load_predictions
from discern.evaluation.regression import Estimates, RegressionMetrics, load_estimates
from discern.evaluation.report.kept import Kept, load_kept
from discern.files import read_json
from discern.i18n import _
from discern.models.summary import Summary
from discern.run import RunDirectory

# Of the command line; the rest goes by --set.
OPTIONS = ("model", "epochs", "seed", "tune", "weights", "features", "target", "search", "cv")


@dataclass(frozen=True, eq=False)
class Story:
    """Everything a report is made of.

    Attributes
    ----------
    path : Path
        The run directory.
    config : mapping
        config.json.
    split, audit : mapping
        split.json and audit.json; empty where there is none.
    epochs : tuple of dict
        The epoch records of events.jsonl.
    planned : int
        Epochs that training was to take; 0 where there are none.
    part : str
        The part that all numbers are of: ``test``, or ``validation`` where there is no labelled test part.
    metrics : Metrics or RegressionMetrics or None
        Of that part; None where training did not end.
    temperature : str
        A sentence on how probabilities were scaled.
    views : str
        A sentence on what several looks at a picture bring, where it gets several.
    result, made_with, search : mapping
        Seconds and the like; versions; what a search over settings tried, if there was one.
    predictions, estimates : Predictions or None, Estimates or None
        Of that part, of a classifier and of a regression; None where they were not kept.
    kept : Kept or None
        Pictures; None where they were not kept.
    layers : Summary or None
        The network's table; None for a classical model.
    """

    path: Path
    config: Mapping[str, Any]
    split: Mapping[str, Any]
    audit: Mapping[str, Any]
    epochs: tuple[Mapping[str, Any], ...]
    planned: int = 0
    part: str = "test"
    metrics: Metrics | RegressionMetrics | None = None
    temperature: str = ""
    views: str = ""
    result: Mapping[str, Any] = field(default_factory=dict)
    made_with: Mapping[str, str] = field(default_factory=dict)
    search: Mapping[str, Any] = field(default_factory=dict)
    predictions: Predictions | None = None
    estimates: Estimates | None = None
    kept: Kept | None = None
    layers: Summary | None = None

    @property
    def data(self) -> str:
        """Short name of the data set."""
        return str(self.config["data"]["name"])

    @property
    def model(self) -> str:
        """Name of the model."""
        return str(self.config["config"]["model"])

    @property
    def is_table(self) -> bool:
        """Whether it learnt from rows of numbers, not from pictures."""
        return "columns" in self.config["preprocess"]

    @property
    def command(self) -> str:
        """What makes the run again: what was asked for, and of what was measured the settings that were chosen."""
        asked = dict(self.config["asked"]) | {"model": self.model}
        measured = ("precision", "layout", "compile")
        asked |= {name: self.config["config"][name] for name in measured if name in self.config["config"]}
        words = ["discern train", shlex.quote(self.config["data"]["origin"])]
        if asked.get("weights") == "official":
            words.append("--pretrained")
            del asked["weights"]
        words += [f"--{name} {shlex.quote(_word(asked.pop(name)))}" for name in OPTIONS if name in asked]
        words += [f"--set {shlex.quote(f'{name}={_word(value)}')}" for name, value in asked.items()]
        return " ".join(words)

    @property
    def remedy(self) -> str | None:
        """What to do where training did not end."""
        if self.metrics is not None:
            return None
        if not self.planned:
            return _("{path} did not end: make it again with `{command}`.").format(path=self.path, command=self.command)
        sentence = _("{path} did not end: go on with `discern train --resume {path}`.")
        return sentence.format(path=shlex.quote(str(self.path)))

    def moved(self) -> str | None:
        """A sentence where the data is gone from where the run found it; the report needs none of it."""
        origin = Path(self.config["data"]["origin"])
        if not origin.is_absolute() or origin.exists():
            return None
        sentence = _(
            "The data is not in {origin} any more: this report shows what the run kept of it; to make the run again, "
            "say where it is."
        )
        return sentence.format(origin=origin)


def read_story(run: RunDirectory) -> Story:
    """The story of a run, whole or interrupted.

    Raises
    ------
    RunError
        When the directory is no run, or a file of it is damaged.
    """
    config = run.read_config()
    story: dict[str, Any] = {
        "path": run.path,
        "config": config,
        "split": _read(run.split),
        "audit": _read(run.audit),
        "epochs": tuple(run.read_events("epoch")),
        "planned": int(config["config"].get("epochs", 0)),
    }
    for event in run.read_events("start"):
        story["planned"] = event["epochs"]
    if not run.metrics.is_file():
        return Story(**story)
    measured, layers = _read(run.metrics), _read(run.layers)
    kind = RegressionMetrics if config["config"].get("task") == "regression" else Metrics
    try:
        part = "test" if measured["test"] else "validation"
        story |= {"part": part, "metrics": kind.from_json(measured[part]), "result": measured["result"]}
        story["search"] = measured.get("search", {})
        story["temperature"] = measured.get("temperature", {}).get("why", "")
        story["views"] = measured.get("views", {}).get("why", "")
        story["layers"] = Summary.from_json(layers) if layers else None
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        sentence = _("{path} is damaged or from another version: copy it again, or train again.")
        raise RunError(sentence.format(path=run.metrics)) from error
    story["made_with"] = _read(run.path / "model.json").get("made_with", {})
    kept = load_kept(run.pictures)
    story["kept"] = kept if kept and kept.part == part else None
    if run.predictions.is_file():
        if kind is Metrics:
            story["predictions"] = load_predictions(run.predictions).get(part)
        else:
            story["estimates"] = load_estimates(run.predictions).get(part)
    return Story(**story)


def _read(path: Path) -> dict[str, Any]:
    """A JSON file of the run, empty where there is none."""
    if not path.is_file():
        return {}
    try:
        found: dict[str, Any] = read_json(path)
    except (OSError, ValueError) as error:
        sentence = _("{path} is damaged: it is not readable JSON. Train again, or restore it.")
        raise RunError(sentence.format(path=path)) from error
    return found


def _word(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)
