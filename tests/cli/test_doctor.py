"""`discern doctor`: the facts about this machine."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from discern.cli import main


def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    monkeypatch.setattr(sys, "argv", ["discern", "doctor", *arguments])
    with pytest.raises(SystemExit) as stopped:
        main()
    assert not stopped.value.code
    return capsys.readouterr().out


def test_tells_where_weights_are_looked_for_and_what_is_there(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    folder, data, cache = tmp_path / "mine", tmp_path / "data", tmp_path / "cache"
    folder.mkdir()
    for name in ("resnet18-f37072fd.pth", "mobilenet.safetensors", "notes.txt"):
        (folder / name).touch()
    monkeypatch.setenv("DISCERN_WEIGHTS", str(folder))
    monkeypatch.setenv("DISCERN_DATA", str(data))
    monkeypatch.setenv("DISCERN_CACHE", str(cache))
    facts = json.loads(run(monkeypatch, capsys, "--json"))
    assert facts["weights"] == {
        str(folder): ["mobilenet.safetensors", "resnet18-f37072fd.pth"],
        str(tmp_path / "weights"): [],
        str(cache / "weights"): [],
    }
    lines = run(monkeypatch, capsys).splitlines()
    place = lines.index("weights are looked for in:")
    assert lines[place + 1 : place + 4] == [
        f"  {folder}: mobilenet.safetensors, resnet18-f37072fd.pth",
        f"  {tmp_path / 'weights'}: -",
        f"  {cache / 'weights'}: -",
    ]
