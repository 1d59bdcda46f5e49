"""What a report is made of, read from a run directory: of a finished run, or of one that training left unfinished."""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from discern.data.findings import Finding
from discern.data.split import split_reason
from discern.errors import RunError
from discern.evaluation.report.report_data import ReportData, SplitSummary
from discern.evaluation.report.stored_images import load_images
from discern.evaluation.task import find_task
from discern.files import read_json
from discern.i18n import _
from discern.models.summary import ModelSummary
from discern.notices import Notice
from discern.runs.reproduce import write_command
from discern.runs.run_directory import RunDirectory
from discern.settings import flatten


def load_report_data(run: RunDirectory) -> ReportData:
    """Read everything that the report of a run shows."""
    written = run.read_config()
    split = _read(run.split)
    try:
        settings = flatten(written["config"])
        starts = [event["epochs"] for event in run.read_events("start")]
        choices = [notice for notice in written["notices"] if notice not in split.get("notices", ())]
        data = {
            "data": written["data"]["name"],
            "model": settings["model"],
            "outputs": tuple(written["classes"]),
            "unit": written["unit"],
            "settings": settings,
            "command": write_command(written),
            "split": _summarize_split(split),
            "choices": tuple(map(Notice.from_json, choices)),  # those of the split stand beside it
            "findings": tuple(Finding.from_json(finding) for finding in _read(run.audit).get("findings", ())),
            "epochs": tuple(run.read_events("epoch")),
            "planned": starts[-1] if starts else settings.get("epochs", 0),
        }
        data |= _read_outcome(run, written["task"])
        result = data.pop("result", {})
        provenance = _describe_provenance(written, _read(run.path / "model.json").get("made_with", {}), result)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        message = _("{path} is damaged or from another version: copy it again, or train again.")
        raise RunError(message.format(path=run.path)) from error
    alerts = tuple(_find_alerts(run, written, data))
    return ReportData(**data, provenance=provenance, alerts=alerts)


def _read_outcome(run: RunDirectory, task: str) -> dict[str, Any]:
    """Read what a finished run measured and stored; nothing of one that is unfinished."""
    if not run.metrics.is_file():
        return {}
    measured, layers, kind = _read(run.metrics), _read(run.layers), find_task(task)
    split = "test" if measured["test"] else "validation"
    images = load_images(run.images)
    predictions = kind.load(run.predictions) if run.predictions.is_file() else {}
    remarks = [Notice.from_json(measured[name]["notice"]) for name in ("temperature", "tta") if measured.get(name)]
    return {
        "metrics": kind.read_metrics(measured[split], run.metrics),
        "predictions": predictions.get(split),
        "images": images if images and images.split == split else None,
        "remarks": tuple(remarks),
        "search": measured.get("search", {}),
        "layers": ModelSummary.from_json(layers) if layers else None,
        "result": measured["result"],
    }


def _summarize_split(split: Mapping[str, Any]) -> SplitSummary:
    if not split:
        return SplitSummary(seed=0)
    places = Counter((name, code) for name, code in split["images"].values())
    reasons = tuple((name, split_reason(split["reasons"][code]), n) for (name, code), n in places.items())
    notices = tuple(map(Notice.from_json, split["notices"]))
    return SplitSummary(split["seed"], notices, split["counts"], split["classes"], reasons)


def _describe_provenance(
    written: Mapping[str, Any], made_with: Mapping[str, str], result: Mapping[str, Any]
) -> dict[str, str]:
    machine = written["machine"]
    rows = {"discern": written["discern"], "Python": machine["python"], "torch": machine["torch"], **made_with}
    rows[_("machine")] = ", ".join(str(machine[name]) for name in ("processor", "gpu") if name in machine)
    rows[_("data fingerprint")] = written["data"]["fingerprint"]
    if "seconds" in result:
        rows[_("training time")] = _("{seconds:,.1f} s").format(seconds=result["seconds"])
    return rows


def _find_alerts(run: RunDirectory, written: Mapping[str, Any], data: Mapping[str, Any]) -> Iterator[Notice]:
    """Yield what to do where training is unfinished, and where the data is gone; the report needs none of it."""
    if data.get("metrics") is None and data["planned"]:
        yield Notice("runs.unfinished", {"run": shlex.quote(str(run.path))})
    elif data.get("metrics") is None:
        yield Notice("runs.unfinished_classical", {"run": str(run.path), "command": data["command"]})
    elif unjudged := data["metrics"].unjudged():
        yield unjudged
    origin = Path(written["data"]["origin"])
    if origin.is_absolute() and not origin.exists():
        yield Notice("runs.data_moved", {"origin": str(origin)})


def _read(path: Path) -> dict[str, Any]:
    """Read a JSON file of the run; empty where there is none."""
    if not path.is_file():
        return {}
    try:
        value: dict[str, Any] = read_json(path)
    except (OSError, ValueError) as error:
        message = _("{path} is truncated or corrupt: it is not readable JSON. Train again, or restore it.")
        raise RunError(message.format(path=path)) from error
    return value
