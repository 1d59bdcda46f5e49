"""Settings chosen by cross-validation, honest probabilities of support vector machines, several processes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import discern
from discern.api.train import train
from discern.errors import ConfigError
from discern.progress import NullReporter
from discern.runs.run_directory import RunDirectory
from tests.images import make_folder
from tests.run_facts import RecordingReporter, notices, settings_of


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_folder(tmp_path_factory.mktemp("data") / "colors")


def test_grid(folder: Path, tmp_path: Path) -> None:
    recorder = RecordingReporter()
    settings = {"k": "1,3", "weights": "uniform"}
    run = train(
        folder, "knn", features="handcrafted", search="grid", cv=3, out=tmp_path / "r", **settings, reporter=recorder
    )
    assert run.search is not None and len(run.search.candidates) == 2 and run.search.n == 27  # only the training split
    assert settings_of(run)["ranges"] == {"n_neighbors": [1, 3]}
    assert settings_of(run)["estimator"] == {"weights": "uniform", **run.search.best.settings}
    (event,) = RunDirectory(run.path).read_events("search")
    assert event["candidates"] == run.search.to_json()["candidates"]
    assert "2 settings tried by 3-fold cross-validation" in notices(run)
    assert [event["kind"] for event in recorder.events if event["event"] == "search"] == ["grid"]


def test_of_two_equal_settings_the_first_is_chosen(folder: Path, tmp_path: Path) -> None:
    settings = {"k": [1, 2], "weights": "distance"}
    runs = [
        train(folder, "knn", features="color", search="grid", cv=2, out=tmp_path / str(i), **settings,
              reporter=NullReporter())
        for i in range(2)
    ]  # fmt: skip
    assert runs[0].search == runs[1].search


def test_several_models_search(folder: Path, tmp_path: Path) -> None:
    leaderboard = discern.train_many(
        folder,
        ["knn", "tree"],
        features="handcrafted",
        search="grid",
        cv=2,
        out=tmp_path / "b",
        reporter=NullReporter(),
    )
    assert all(run.search for run in leaderboard.runs)


def test_networks_do_not_search(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r'"search" is a setting of classical models .*, not of lenet'):
        train(folder, "lenet", search="grid", out=tmp_path / "r", reporter=NullReporter())
    with pytest.raises(ConfigError, match=r"--cv 10 is more folds than there are training examples of .* .9."):
        train(folder, "knn", search="grid", cv=10, out=tmp_path / "r", reporter=NullReporter())
    assert not (tmp_path / "r").exists()


@pytest.mark.parametrize("name", ["svm-rbf", "svm-linear"])
def test_distances_become_honest_probabilities(name: str, tmp_path: Path) -> None:
    run = train("digits", name, out=tmp_path / "r", reporter=NullReporter())
    temperature = run.classifier().card.temperature
    assert 0 < temperature < 1  # distances say less than they know
    split = run.class_predictions()["test"]
    undivided = split.probabilities.astype(np.float64) ** temperature
    undivided /= undivided.sum(axis=1, keepdims=True)
    before = -np.log(undivided[np.arange(len(split)), split.labels]).mean()
    assert run.evaluate().scores["loss"] < before / 2
    assert "divided by" in notices(run)


def test_several_embeddings(folder: Path, tmp_path: Path) -> None:
    nets = [
        train(folder, "lenet", epochs=1, out=tmp_path / f"net{size}", size=size, reporter=NullReporter())
        for size in (28, 32)
    ]
    names = [f"embedding:{net.path}" for net in nets]
    run = train(folder, "logistic", features=",".join([*names, "color"]), out=tmp_path / "r", reporter=NullReporter())
    assert run.result["features"] == ",".join([*names, "color"])
    assert settings_of(run)["size"] == 32  # the larger; the other network sees it made smaller
    assert "424 per image" in notices(run)  # 84 a network and 256 colors
    for net in nets:
        (net.path / "model.safetensors").unlink()
    assert discern.evaluate(run, folder, reporter=NullReporter()).n == 36


def test_embeddings_that_read_differently(folder: Path, tmp_path: Path) -> None:
    nets = [
        train(folder, "lenet", epochs=1, out=tmp_path / f"net{c}", channels=c, reporter=NullReporter()) for c in (1, 3)
    ]
    features = ",".join(f"embedding:{net.path}" for net in nets)
    with pytest.raises(ConfigError, match=r"read images differently .*: use networks that agree"):
        train(folder, "knn", features=features, out=tmp_path / "r", reporter=NullReporter())


@pytest.mark.slow
def test_one_process_of_several_learns(folder: Path, tmp_path: Path) -> None:
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", "-m", "discern"]
    arguments = [
        "train",
        str(folder),
        "--model",
        "tree",
        "--features",
        "handcrafted",
        "--out",
        str(tmp_path / "r"),
        "--json",
    ]
    found = subprocess.run([*torchrun, *arguments], capture_output=True, text=True, check=True, env={**os.environ})
    lines = [json.loads(line) for line in found.stdout.splitlines()]
    assert sum("run" in line for line in lines) == 1
    assert [event["event"] for event in RunDirectory(tmp_path / "r").read_events()].count("done") == 1
