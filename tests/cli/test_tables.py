"""`discern data`, `evaluate` and `predict` of tables of numbers."""

from __future__ import annotations

import json
from pathlib import Path

from discern.api.train import train
from discern.progress import NullReporter
from tests.command import Command
from tests.tables import flowers, line, write_table


def test_data(tmp_path: Path, command: Command) -> None:
    output = command("data", "iris")
    assert "150 rows" in output and "species" in output and "3 classes" in output
    assert "petal width" in output and "setosa" in output and "images" not in output
    assert "150 rows" in command("data", "iris", "--out", tmp_path / "iris.html")
    assert "petal width" in (tmp_path / "iris.html").read_text(encoding="utf-8")
    assert "regression" in command("data", line(tmp_path / "line.csv"))


def test_classes(tmp_path: Path, command: Command) -> None:
    run = train(flowers(tmp_path / "flowers.csv"), "knn", out=tmp_path / "r", reporter=NullReporter())
    rows = write_table(tmp_path / "rows.csv", ("width", "height"), [(0, 0), ("", 1)])
    assert "rows.csv#1  a 1.000" in command("predict", run.path, rows, code=1)
    assert "Error: rows.csv#2 has no value for width" in command.error
    assert "balanced accuracy" in command("evaluate", run.path)


def test_numbers(tmp_path: Path, command: Command) -> None:
    run = train(line(tmp_path / "line.csv"), "tree", out=tmp_path / "r", reporter=NullReporter())
    rows = write_table(tmp_path / "rows.csv", ("q", "p"), [(0, 9)])
    value = json.loads(command("predict", run.path, rows, "--json"))
    assert value["target"] == "y" and 15 < value["value"] < 32
    output = command("evaluate", run.path)
    assert "R2" in output and "mean absolute error" in output and "n 16" in output
    message = command.refuse("evaluate", run.path, "--positive", "y", "--min-recall", "0.9")
    assert "predicts a number, not classes" in message
