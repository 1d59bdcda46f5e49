"""`discern doctor`: the facts about this machine."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from discern.files import read_json, write_json
from tests.command import Command


def test_where_weights_are_looked_for_and_what_is_there(
    command: Command, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    folder, data, cache = tmp_path / "mine", tmp_path / "data", tmp_path / "cache"
    folder.mkdir()
    for name in ("resnet18-f37072fd.pth", "mobilenet.safetensors", "notes.txt"):
        (folder / name).touch()
    monkeypatch.setenv("DISCERN_WEIGHTS", str(folder))
    monkeypatch.setenv("DISCERN_DATA", str(data))
    monkeypatch.setenv("DISCERN_CACHE", str(cache))
    facts = json.loads(command("doctor", "--json"))
    assert facts["weights"] == {
        str(folder): ["mobilenet.safetensors", "resnet18-f37072fd.pth"],
        str(tmp_path / "weights"): [],
        str(cache / "weights"): [],
    }
    rows = [line.split(maxsplit=2) for line in command("doctor").splitlines() if line.startswith("weights ")]
    assert [[word.strip() for word in row[1:]] for row in rows] == [
        [str(folder), "mobilenet.safetensors, resnet18-f37072fd.pth"],
        [str(tmp_path / "weights"), "no weights"],
        [str(cache / "weights"), "no weights"],
    ]


def test_a_measurement_has_an_age(command: Command, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("DISCERN_CACHE", str(tmp_path))
    assert "Measured today." in command("doctor")
    file = tmp_path / "measurements.json"
    known = read_json(file)
    write_json(file, {name: {**each, "date": "2020-02-29"} for name, each in known.items()})
    assert f"days ago; delete {file} to measure again." in command("doctor")
