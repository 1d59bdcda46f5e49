"""Wrong input: one clear sentence with the remedy, exit code 2, never a traceback."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from discern.cli import main

Make = Callable[[Path], None]


def run(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    monkeypatch.setattr(sys, "argv", ["discern", *arguments])
    with pytest.raises(SystemExit) as stopped:
        main()
    return int(stopped.value.code or 0)


def picture(path: Path) -> None:
    from PIL import Image

    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (8, 8), (len(path.name) * 9 % 255, 3, 100)).save(path)


CASES = {
    "missing path": (["data", "{tmp}/nowhere"], "nowhere"),
    "unknown name": (["data", "minst"], "mnist"),
    "empty folder": (["data", "{tmp}/empty"], "sub-folder per class"),
    "one class only": (["train", "{tmp}/one"], "at least two"),
    "no pictures": (["data", "{tmp}/words"], "holds no pictures"),
    "unknown model": (["train", "digits", "--model", "resnet81"], "resnet18"),
    "unknown setting": (["train", "digits", "--set", "learning=3"], "There is no setting 'learning'"),
    "setting misspelt": (["train", "digits", "--set", "epoch=3"], "epochs"),
    "value not allowed": (["train", "digits", "--set", "lr=-1"], "above 0"),
    "word not allowed": (["train", "digits", "--set", "optimizer=sdg"], "sgd, adamw"),
    "no equals sign": (["train", "digits", "--set", "lr"], "NAME=VALUE"),
    "no data": (["train"], "discern train digits"),
    "a run that is not a run": (["evaluate", "{tmp}/words"], "not a run"),
    "resuming what is no run": (["train", "--resume", "{tmp}/words"], "not a run"),
    "a bundle that is not there": (["predict", "{tmp}/nowhere", "{tmp}/one/a/1.png"], "nowhere"),
    "a folder that is no bundle": (["predict", "{tmp}/words", "{tmp}/one/a/1.png"], "model.json"),
    "out is taken": (["train", "{tmp}/two", "--out", "{tmp}/words"], "--out"),
    "unknown network": (["models", "vgg61"], "discern models"),
    "device that is not here": (["train", "digits", "--set", "device=tpu"], "device=tpu"),
}


@pytest.mark.parametrize("case", CASES)
def test_one_sentence_and_exit_code_2(
    case: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "words").mkdir()
    (tmp_path / "words" / "notes.txt").write_text("no pictures here")
    picture(tmp_path / "one" / "a" / "1.png")
    for name in ("a/1.png", "a/22.png", "a/333.png", "b/4444.png", "b/55555.png", "b/666666.png"):
        picture(tmp_path / "two" / name)
    arguments, expected = CASES[case]
    code = run(monkeypatch, *(argument.format(tmp=tmp_path) for argument in arguments))
    shown = capsys.readouterr()
    last = shown.err.strip().splitlines()[-1]
    assert code == 2
    assert "Traceback" not in shown.err and not shown.out
    assert last.startswith("Error: ") and expected in last


def test_debug_shows_the_traceback(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from discern.errors import DataError

    monkeypatch.setattr(sys, "argv", ["discern", "--debug", "data", str(tmp_path / "nowhere")])
    with pytest.raises(DataError):
        main()


def test_version(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    from discern import __version__

    assert run(monkeypatch, "--version") == 0
    assert capsys.readouterr().out == f"discern {__version__}\n"


def test_models_json(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(monkeypatch, "models", "--json") == 0
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert {"name", "year", "idea", "parameters", "size"} <= rows[0].keys()
    assert run(monkeypatch, "models", "lenet", "--json") == 0
    assert json.loads(capsys.readouterr().out)["trainable"] == 61_706
