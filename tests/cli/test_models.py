"""`discern models`: the list, one model, several side by side, a published table."""

from __future__ import annotations

import json
import subprocess
import sys
import time

import pytest

from discern.classical.estimators import CLASSICAL
from discern.cli import main
from discern.models.registry import TABLE


def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    monkeypatch.setattr(sys, "argv", ["discern", "models", *arguments])
    with pytest.raises(SystemExit) as stopped:
        main()
    assert not stopped.value.code
    return capsys.readouterr().out


def test_list(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    first_words = [line.split()[0] for line in run(monkeypatch, capsys).splitlines() if line.strip()]
    assert [word for word in first_words if word in TABLE] == list(TABLE)
    assert [word for word in first_words if word in CLASSICAL] == list(CLASSICAL)


def test_one_network(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    out = run(monkeypatch, capsys, "resnet18")
    assert all(fact in out for fact in ("2015", "arXiv:1512.03385", "224x224", "11,689,512", "46.8 MB"))
    assert [line.split()[-1] for line in out.splitlines() if line.startswith("layer")] == ["43", "99", "211", "435"]
    assert "Type / stride" not in out


def test_layers_are_the_lectures_table(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    out = run(monkeypatch, capsys, "mobilenet", "--layers")
    lines = out[out.index("Type / stride") :].splitlines()
    assert all(text in lines[1] for text in ("Conv / s2", "3 x 3 x 3 x 32", "224 x 224 x 3", "10,838,016"))
    assert any(line.startswith("5 x  Conv dw / s1") for line in lines)


def test_a_classical_model(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert "n_neighbors" in run(monkeypatch, capsys, "knn")
    assert json.loads(run(monkeypatch, capsys, "svm-rbf", "--json"))["settings"]["gamma"] == "scale"


def test_several_are_described_in_turn(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    facts = [json.loads(line) for line in run(monkeypatch, capsys, "lenet", "sample", "--json").splitlines()]
    assert [fact["name"] for fact in facts] == ["lenet", "sample"]
    assert facts[0]["multiply_adds"] == 416_520


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


def test_speed_is_measured(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    out = run(monkeypatch, capsys, "--compare", "lenet", "sample", "--size", "32", "--time")
    assert "Measured on" in out
    assert [len(line.split()) for line in out.splitlines() if line.startswith(("lenet", "sample"))] == [8, 8]


def test_the_published_table(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    lines = run(monkeypatch, capsys, "--zoo", "lecture").splitlines()
    assert "26 of 26" in lines[0]
    (row,) = (line for line in lines if line.startswith("NASNetMobile "))
    assert " ".join(row.split()[1:]) == "nasnet-mobile 23 0.744 0.919 5,326,716 – 5,289,978 5,326,716 389 ="
    assert len(json.loads(run(monkeypatch, capsys, "--zoo", "lecture", "--json"))["rows"]) == 26


def test_the_published_table_comes_at_once_and_loads_neither_torch_nor_keras() -> None:
    code = (
        "import sys\n"
        "from discern.cli import main\n"
        "sys.argv = ['discern', 'models', '--zoo', 'lecture']\n"
        "try:\n    main()\n"
        "except SystemExit as done:\n    assert not done.code, done.code\n"
        "print('MODULES', *sys.modules)"
    )
    start = time.perf_counter()
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert time.perf_counter() - start < 3
    assert not {"torch", "keras", "timm", "torchvision"} & set(out.split("MODULES")[1].split())


REFUSED = {
    "no names": (["--compare"], "--compare lenet resnet18"),
    "layers of what": (["--layers"], "resnet18 --layers"),
    "too small": (["alexnet", "--size", "8"], "at least 15x15 pixels"),
    "unknown beside known": (["lenet", "vgg61", "--compare"], "vgg16"),
    "unknown table": (["--zoo", "lectures"], 'Unknown table "lectures" (did you mean lecture?)'),
}


@pytest.mark.parametrize("case", REFUSED)
def test_errors_are_one_sentence(
    case: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments, expected = REFUSED[case]
    monkeypatch.setattr(sys, "argv", ["discern", "models", *arguments])
    with pytest.raises(SystemExit) as stopped:
        main()
    assert stopped.value.code == 2
    error = capsys.readouterr().err
    assert expected in error
    assert error.count("\n") == 1
