"""`discern models --zoo lecture`: 26 lines, at once, without torch."""

from __future__ import annotations

import json
import subprocess
import sys
import time

import pytest

from discern.api.zoo import zoo
from discern.cli import main
from discern.errors import ModelError


def run(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    monkeypatch.setattr(sys, "argv", ["discern", "models", "--zoo", *arguments])
    with pytest.raises(SystemExit) as stopped:
        main()
    return int(stopped.value.code or 0)


def test_prints_every_row_whole(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    assert run(monkeypatch, "lecture") == 0
    titles, *rows = [line.split() for line in capsys.readouterr().out.splitlines()[:27]]
    assert " ".join(titles) == "name MB top-1 top-5 parameters depth model trainable total layers equal"
    assert len(rows) == 26
    printed = {row[0]: " ".join(row[1:]) for row in rows}
    assert printed["Xception"] == "88 0.790 0.945 22,910,480 126 keras:Xception 22,855,952 22,910,480 81 ="
    assert printed["NASNetMobile"] == "23 0.744 0.919 5,326,716 - nasnet-mobile 5,289,978 5,326,716 389 ="
    assert printed["EfficientNetB0"].startswith("29 - - 5,330,571 -")
    assert {row[-1] for row in rows} == {"="}


def test_says_how_it_counts(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    run(monkeypatch, "lecture")
    shown = capsys.readouterr().out
    assert "26 of 26" in shown
    assert "running mean and variance" in shown


def test_a_line_of_json_a_row(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(monkeypatch, "lecture", "--json") == 0
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert rows == zoo("lecture")
    assert rows[1]["name"] == "VGG16" and rows[1]["bytes"] == 4 * rows[1]["parameters"]


def test_no_such_table(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(monkeypatch, "lectures") == 2
    error = capsys.readouterr().err
    assert error == "Error: There is no zoo called lectures; there is: lecture.\n"
    with pytest.raises(ModelError, match="lecture"):
        zoo("lectures")


def test_answers_at_once_and_loads_neither_torch_nor_keras() -> None:
    code = (
        "import sys\n"
        "from discern.cli import main\n"
        "sys.argv = ['discern', 'models', '--zoo', 'lecture']\n"
        "try:\n    main()\n"
        "except SystemExit as done:\n    assert not done.code, done.code\n"
        "print('MODULES', *sys.modules)"
    )
    start = time.perf_counter()
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert time.perf_counter() - start < 3
    assert not {"torch", "keras", "timm", "torchvision"} & set(shown.split("MODULES")[1].split())
