"""`discern models`: the list, one network, several side by side."""

from __future__ import annotations

import json
import sys

import pytest

from discern.classical.estimators import CLASSICAL
from discern.cli import main
from discern.models.registry import TABLE


def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *arguments: str, columns: int = 80) -> str:
    monkeypatch.setenv("COLUMNS", str(columns))
    monkeypatch.setattr(sys, "argv", ["discern", "models", *arguments])
    with pytest.raises(SystemExit) as stopped:
        main()
    assert not stopped.value.code
    return capsys.readouterr().out


def test_list(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    lines = run(monkeypatch, capsys).splitlines()
    assert max(len(line) for line in lines[:-1]) <= 80
    named = [line.split()[0] for line in lines if " parameters " in line]
    assert named == list(TABLE)
    assert sum(line.startswith("2014") for line in lines) == 2  # an idea is said once for its variants


def test_classical_models_are_listed_and_told_of(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    told = run(monkeypatch, capsys)
    assert all(f" {name}: " in told for name in CLASSICAL)
    assert "k=3" in run(monkeypatch, capsys, "knn")
    assert json.loads(run(monkeypatch, capsys, "svm-rbf", "--json"))["settings"]["gamma"] == "scale"


def test_one_network(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    told = run(monkeypatch, capsys, "resnet18")
    for fact in (
        "2015",
        "arXiv:1512.03385",
        "224 x 224",
        "11,689,512",
        "11,699,112",
        "1,814,073,344",
        "46.8 MB",
        "18:",
    ):
        assert fact in told
    assert [line.split()[-1] for line in told.splitlines() if line.startswith("layer")] == ["43", "99", "211", "435"]
    assert "Type / stride" not in told


def test_layers_are_the_lectures_table(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    told = run(monkeypatch, capsys, "mobilenet", "--layers")
    lines = told[told.index("Type / stride") :].splitlines()
    assert lines[1].split("  ")[-1]
    assert "Conv / s2" in lines[1]
    assert "3 x 3 x 3 x 32" in lines[1]
    assert "224 x 224 x 3" in lines[1]
    assert any(line.startswith("5 x  Conv dw / s1") for line in lines)


def test_several_are_told_in_turn(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    facts = [json.loads(line) for line in run(monkeypatch, capsys, "lenet", "sample", "--json").splitlines()]
    assert [fact["name"] for fact in facts] == ["lenet", "sample"]
    assert facts[0]["multiply_adds"] == 416_520


def test_auxiliary_heads_are_told_apart(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert "6,379,984 of them in auxiliary heads" in run(monkeypatch, capsys, "googlenet")


@pytest.mark.parametrize("arguments", [("--compare", "lenet", "resnet18"), ("lenet", "resnet18", "--compare")])
def test_comparison(
    arguments: tuple[str, ...], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = run(monkeypatch, capsys, *arguments, "--size", "32").splitlines()
    rows = [line.split() for line in lines if line.startswith(("lenet", "resnet18"))]
    assert rows == [
        ["lenet", "61,706", "0.4", "0.2", "5", "16"],
        ["resnet18", "11,681,832", "555.9", "46.8", "18", "109"],
    ]


def test_time_fits_the_terminal(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    names = ("lenet", "mobilenet-0.25")
    lines = run(monkeypatch, capsys, "--compare", *names, "--size", "32", "--time").splitlines()
    rows = [line.split() for line in lines if line.startswith(names)]
    assert [row[0] for row in rows] == list(names)
    assert all(len(row) == 8 for row in rows)
    assert lines[-1].startswith("Measured on")
    assert "threads: " in lines[-1]


def test_comparison_for_programs(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    found = json.loads(run(monkeypatch, capsys, "--compare", "lenet", "sample", "--size", "32", "--json"))
    assert [row["depth"] for row in found["networks"]] == [5, 5]
    assert "machine" not in found


ASKED = {
    "no names": (["--compare"], "--compare lenet resnet18"),
    "layers of what": (["--layers"], "resnet18 --layers"),
    "too small": (["alexnet", "--size", "8"], "too small"),
    "unknown beside known": (["lenet", "vgg61", "--compare"], "vgg16"),
}


@pytest.mark.parametrize("case", ASKED)
def test_errors_are_one_sentence(
    case: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments, wanted = ASKED[case]
    monkeypatch.setattr(sys, "argv", ["discern", "models", *arguments])
    with pytest.raises(SystemExit) as stopped:
        main()
    assert stopped.value.code == 2
    error = capsys.readouterr().err
    assert wanted in error
    assert error.count("\n") == 1
