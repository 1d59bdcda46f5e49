"""`discern train` of classical models: one, several, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.command import Command
from tests.images import make_folder
from tests.tables import flowers


@pytest.fixture
def folder(tmp_path: Path) -> str:
    return str(make_folder(tmp_path / "data"))


def test_one(folder: str, tmp_path: Path, command: Command) -> None:
    output = command("train", folder, "--model", "tree", "--features", "handcrafted", "--out", tmp_path / "r")
    assert "accuracy 1.0000 on 6 test images (6 correct; 95 % CI" in output
    assert "Trained in " in output and "epochs" not in output


def test_several(folder: str, tmp_path: Path, command: Command) -> None:
    names = ("knn", "naive-bayes", "lda")
    arguments = ("train", folder, "--model", ", ".join(names), "--features", "handcrafted")
    output = command(*arguments, "--out", tmp_path / "a")
    assert "The same 6 test images for all." in output
    assert all(any(line.startswith(name) for line in output.splitlines()) for name in names)
    last = json.loads(command(*arguments, "--json", "--out", tmp_path / "b").splitlines()[-1])
    assert {row["model"] for row in last["runs"]} == set(names) and last["failed"] == {}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--model", "knn,knn"], "Name each model once"),
        (["--model", "knn,trea"], 'Unknown model "trea" (did you mean tree'),
        (["--model", "knn,tree", "--resume", "x"], "without --resume and --model-code"),
        (["--model", "knn,tree", "--epochs", "3"], 'knn has no setting "epochs"'),
        (["--model", "knn,tree", "--set", "max_depth=x", "--set", "pca=-3"], "pca=-3 is not allowed: 0 or more"),
    ],
)
def test_refusals_are_a_sentence(arguments: list[str], message: str, folder: str, command: Command) -> None:
    assert message in command.refuse("train", folder, *arguments)
    assert command.error.count("\n") == 1


def test_a_table(tmp_path: Path, command: Command) -> None:
    table = flowers(tmp_path / "flowers.csv")
    output = command("train", table, "--model", "knn", "--out", tmp_path / "r")
    assert "on 12 test rows" in output and f"{table}\n" in output
    search = ("--target", "width", "--search", "grid", "--cv", "2")
    output = command("train", table, "--model", "knn,tree", *search, "--out", tmp_path / "b")
    assert "The same 12 test rows for all." in output and "R2" in output and "root mean squared error" in output


def test_a_search(folder: str, tmp_path: Path, command: Command) -> None:
    arguments = (
        "--model",
        "knn",
        "--features",
        "handcrafted",
        "--search",
        "grid",
        "--cv",
        "2",
        "--set",
        "k=1,3,99",
        "--set",
        "weights=uniform",
    )
    output = command("train", folder, *arguments, "--out", tmp_path / "r")
    rows = [line.split() for line in output[output.index("Cross-validation") :].splitlines()]
    assert len([row for row in rows if row and row[0] in ("1", "3", "99")]) == 3
    assert "2-fold cross-validation on the training split (n 27)" in command.error


def test_settings_are_listed(folder: str, command: Command) -> None:
    output = command("train", "--settings", "--model", "lenet")
    assert "batch_size" in output and "Learning rate" in output and "cosine" in output
    rows = [line.split() for line in command("train", folder, "--settings", "--epochs", 3).splitlines()]
    assert next(row[-1] for row in rows if row[:1] == ["epochs"]) == "3"
    assert next(row[-1] for row in rows if row[:1] == ["model"]) == "cnn-course"


def test_known_names_are_taken(folder: str, tmp_path: Path, command: Command) -> None:
    words = ("--set", "learning-rate=0.01", "--set", "batch=4", "--set", "imgsz=28", "--epochs", 1, "--model", "lenet")
    command("train", folder, *words, "--out", tmp_path / "r")
    config = json.loads((tmp_path / "r" / "config.json").read_text())
    assert config["requested"] == {"model": "lenet", "epochs": 1, "lr": 0.01, "batch_size": 4, "size": 28}
