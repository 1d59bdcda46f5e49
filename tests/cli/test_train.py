"""`discern train` of classical models: one, several, and what will not do."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from discern.cli import main
from tests.images import make_folder
from tests.tables import flowers


def run(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *arguments: str, code: int = 0
) -> tuple[str, str]:
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setattr(sys, "argv", ["discern", "train", *arguments])
    with pytest.raises(SystemExit) as stopped:
        main()
    assert (stopped.value.code or 0) == code
    found = capsys.readouterr()
    return found.out, found.err


@pytest.fixture
def folder(tmp_path: Path) -> str:
    return str(make_folder(tmp_path / "data"))


def test_one(folder: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    told, _ = run(
        monkeypatch, capsys, folder, "--model", "tree", "--features", "handcrafted", "--out", str(tmp_path / "r")
    )
    assert "test accuracy 1.0000 on 6 images" in told
    assert "Trained in " in told and "epochs" not in told


def test_several(
    folder: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    names = ("knn", "naive-bayes", "lda")
    asked = (folder, "--model", ", ".join(names), "--features", "handcrafted")
    told, _ = run(monkeypatch, capsys, *asked, "--out", str(tmp_path / "a"))
    assert "The same 6 images for all:" in told
    assert all(any(line.startswith(name) for line in told.splitlines()) for name in names)
    told, _ = run(monkeypatch, capsys, *asked, "--json", "--out", str(tmp_path / "b"))
    last = json.loads(told.splitlines()[-1])
    assert {row["model"] for row in last["board"]} == set(names) and last["failed"] == {}


@pytest.mark.parametrize(
    ("asked", "sentence"),
    [
        (["--model", "knn,knn"], "Name each model once"),
        (["--model", "knn,trea"], "no model called trea; the nearest are tree"),
        (["--model", "knn,tree", "--resume", "x"], "go without --resume"),
        (["--model", "knn,tree", "--epochs", "3"], "knn has no setting epochs"),
        (["--model", "knn,tree", "--set", "depth=x", "--set", "pca=-3"], "pca=-3 is not allowed: 0 or more"),
    ],
)
def test_what_will_not_do(
    asked: list[str], sentence: str, folder: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    _, told = run(monkeypatch, capsys, folder, *asked, code=2)
    assert sentence in told and told.count("\n") == 1


def test_a_table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    table = str(flowers(tmp_path / "flowers.csv"))
    told, _ = run(monkeypatch, capsys, table, "--model", "knn", "--out", str(tmp_path / "r"))
    assert "on 12 rows" in told and "ROWS.csv" in told
    told, _ = run(
        monkeypatch, capsys, table, "--model", "knn,tree", "--target", "width", "--search", "grid", "--cv", "2",
        "--out", str(tmp_path / "b"),
    )  # fmt: skip
    assert "The same 12 rows for all:" in told and "test R2" in told and "rmse" in told


def test_a_search(
    folder: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = ("--model", "knn", "--features", "handcrafted", "--search", "grid", "--cv", "2", "--set", "k=1,3,99")
    told, _ = run(monkeypatch, capsys, folder, *asked, "--out", str(tmp_path / "r"))
    assert "Tried by 2-fold cross-validation on the training part (n 27)" in told
    assert "could not be fitted" in told and "±" in told
