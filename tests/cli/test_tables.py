"""`discern data`, `evaluate` and `predict` of tables of numbers."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from discern.api.train import train
from discern.cli import main
from discern.progress import NullReporter
from tests.tables import flowers, line, write_table


def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *arguments: str, code: int = 0) -> str:
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.setattr(sys, "argv", ["discern", *arguments])
    with pytest.raises(SystemExit) as stopped:
        main()
    assert (stopped.value.code or 0) == code
    found = capsys.readouterr()
    return found.out + found.err


def test_data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    told = run(monkeypatch, capsys, "data", "iris")
    assert "iris: 150 rows of 4 columns, from which to learn species (3 classes)." in told
    assert "petal width" in told and "setosa" in told and "rows" in told and "images" not in told
    told = run(monkeypatch, capsys, "data", str(line(tmp_path / "line.csv")))
    assert "from which to learn the number y" in told


def test_classes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    path = str(train(flowers(tmp_path / "flowers.csv"), "knn", out=tmp_path / "r", reporter=NullReporter()).path)
    rows = str(write_table(tmp_path / "rows.csv", ("width", "height"), [(0, 0), ("", 1)]))
    told = run(monkeypatch, capsys, "predict", path, rows, code=1)
    assert "rows.csv#1  a 1.000" in told and "Error: rows.csv#2 lacks a number (width)" in told
    assert "top-1" in run(monkeypatch, capsys, "evaluate", path)


def test_numbers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    path = str(train(line(tmp_path / "line.csv"), "tree", out=tmp_path / "r", reporter=NullReporter()).path)
    rows = str(write_table(tmp_path / "rows.csv", ("q", "p"), [(0, 9)]))
    told = json.loads(run(monkeypatch, capsys, "predict", path, rows, "--json"))
    assert told["target"] == "y" and 15 < told["value"] < 32
    told = run(monkeypatch, capsys, "evaluate", path)
    assert "R2" in told and "mean absolute error" in told and "n 16" in told
    asked = ("evaluate", path, "--positive", "y", "--least-recall", "0.9")
    assert "learnt a number and no classes" in run(monkeypatch, capsys, *asked, code=2)
