"""The command that a report prints trains the same model again, to the bit, for every kind of run."""

from __future__ import annotations

import hashlib
import html
import os
import shlex
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

import discern
from discern.cli.app import app
from discern.models.registry import build_model
from discern.progress import NullReporter
from discern.runs.reproduce import make_absolute
from discern.runs.run import Run
from tests.images import make_folder
from tests.keras_state import keras_state
from tests.run_facts import KERAS_FILE

CODE = """
from torch import nn

def build(classes, channels=3, size=32):
    return nn.Sequential(nn.Flatten(), nn.Linear(channels * size * size, classes))
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return make_folder(tmp_path / "small images", n=10)


@pytest.fixture
def photos(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Images of the size of photos, and the weights that are found for them."""
    torch.manual_seed(0)
    weights = tmp_path / "weights"
    weights.mkdir()
    save_file(keras_state(build_model("mobilenet-0.25", 1000, 3, 224)), weights / KERAS_FILE)
    monkeypatch.setenv("DISCERN_WEIGHTS", str(weights))
    return make_folder(tmp_path / "photos", n=8, size=96)


@pytest.fixture
def table(tmp_path: Path) -> Path:
    random = np.random.default_rng(0)
    rows = [f"{x:.3f},{y:.3f},{'high' if x + y > 0 else 'low'}" for x, y in random.normal(size=(60, 2))]
    path = tmp_path / "points.csv"
    path.write_text("\n".join(["x,y,class", *rows]), encoding="utf-8")
    return path


def digest(run: Run) -> dict[str, str]:
    """Digest the weights of a network, and what a run predicts."""
    with np.load(run.directory.predictions) as arrays:
        contents = {name: arrays[name].tobytes() for name in arrays.files}
    contents |= {path.name: path.read_bytes() for path in run.path.glob("model.safetensors")}
    return {name: hashlib.sha256(data).hexdigest() for name, data in contents.items()}


def read_command(run: Run) -> list[str]:
    """Read the command that the report of a run prints."""
    page = run.directory.report.read_text(encoding="utf-8")
    words = shlex.split(html.unescape(page.split("<pre><code>")[1].split("</code>")[0]))
    assert words[:2] == ["discern", "train"]
    return words[2:]


def check_again(run: Run, folder: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Run the printed command in another folder, compare the bits, and return the command's words."""
    words = read_command(run)
    folder.mkdir()
    monkeypatch.chdir(folder)
    app(args=["train", *words, "--out", "again"], standalone_mode=False)
    again = Run.open(folder / "again")
    assert digest(again) == digest(run)
    assert read_command(again) == words
    return words


NETWORKS: dict[str, dict[str, Any]] = {
    "auto": {"epochs": 1},
    "named": {"model": "lenet", "epochs": 2, "mixup": 0.2, "seed": 3, "size": 16},
    "args": {"model": "resnet18-narrow", "epochs": 1, "stem": "small", "tta": ("flip",), "optimizer": "adamw"},
    "fast": {"recipe": "fast", "epochs": 1},
    "lecture": {"recipe": "lecture", "model": "lenet", "epochs": 1},
}


@pytest.mark.parametrize("kind", NETWORKS)
def test_a_network(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    run = discern.train(folder, out=tmp_path / "run", reporter=NullReporter(), **NETWORKS[kind])
    words = check_again(run, tmp_path / "elsewhere", monkeypatch)
    assert words[words.index("--model") + 1] != "auto"
    assert any(word.startswith("precision=") for word in words) and "compile=no" in words
    assert not any(word.startswith(("mean=", "std=")) for word in words)  # the training images have them


def test_the_digits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = discern.train("digits", out=tmp_path / "run", reporter=NullReporter(), epochs=1, train_limit=200)
    assert check_again(run, tmp_path / "elsewhere", monkeypatch)[0] == "digits"


@pytest.mark.parametrize("finetune", [None, "head", "head+all", "all"])
def test_photos_with_weights(
    photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, finetune: str | None
) -> None:
    settings: dict[str, Any] = {"epochs": 2, "head_epochs": 2, "augmented_copies": 1}
    if finetune:
        settings |= {"finetune": finetune, "weights": Path(os.environ["DISCERN_WEIGHTS"]) / KERAS_FILE}
    run = discern.train(photos, out=tmp_path / "run", reporter=NullReporter(), **settings)
    words = check_again(run, tmp_path / "elsewhere", monkeypatch)
    assert words[words.index("--weights") + 1].endswith(KERAS_FILE)
    assert words[words.index("--finetune") + 1] == (finetune or "head")


def test_weights_of_a_run_named_from_another_folder(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    discern.train(folder, "lenet", out="first", reporter=NullReporter(), epochs=1)
    run = discern.train(folder, weights="first", out="second", reporter=NullReporter(), epochs=1)
    words = check_again(Run.open(run.path.resolve()), tmp_path / "elsewhere", monkeypatch)
    assert words[words.index("--weights") + 1] == str(tmp_path / "first")


def test_a_network_in_a_file_of_code(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "net.py").write_text(CODE, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    run = discern.train(folder, "net.py:build", out=tmp_path / "run", reporter=NullReporter(), epochs=1)
    words = check_again(run, tmp_path / "elsewhere", monkeypatch)
    assert words[words.index("--model") + 1] == f"{tmp_path / 'net.py'}:build"


CLASSICAL_RUNS: dict[str, dict[str, Any]] = {
    "pixels": {"model": "logistic"},
    "features": {"model": "svm-rbf", "features": "color,hog", "pca": 5, "C": 3.0},
    "search": {"model": "knn", "search": "grid", "n_neighbors": [1, 3], "cv": 2},
}


@pytest.mark.parametrize("kind", CLASSICAL_RUNS)
def test_a_classical_model_of_images(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    run = discern.train(folder, out=tmp_path / "run", reporter=NullReporter(), **CLASSICAL_RUNS[kind])
    check_again(run, tmp_path / "elsewhere", monkeypatch)


@pytest.mark.parametrize("settings", [{}, {"target": "y"}, {"search": "grid", "target": "class"}])
def test_a_classical_model_of_a_table(
    table: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, settings: dict[str, Any]
) -> None:
    run = discern.train(table, "knn", out=tmp_path / "run", reporter=NullReporter(), **settings)
    check_again(run, tmp_path / "elsewhere", monkeypatch)


def test_features_of_a_network_of_ones_own(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    discern.train(folder, "lenet", out="first", reporter=NullReporter(), epochs=1)
    run = discern.train(folder, "knn", out=tmp_path / "run", reporter=NullReporter(), features="embedding:first")
    words = check_again(run, tmp_path / "elsewhere", monkeypatch)
    assert f"embedding:{tmp_path / 'first'}" in words


def test_only_what_exists_is_a_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    settings = {"model": "timm:resnet18", "weights": "official", "features": "color,embedding:resnet18"}
    assert make_absolute(settings) == settings
