"""Classical models on the same commands as networks."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import discern
from discern.api.train import train
from discern.classifier.classifier import Prediction
from discern.errors import ConfigError, ModelError, RunError
from discern.progress import NullReporter
from discern.runs.run import Run
from discern.runs.run_directory import RunDirectory
from tests.images import make_folder
from tests.run_facts import RecordingReporter, notices, settings_of


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_folder(tmp_path_factory.mktemp("data") / "水果")


@pytest.fixture(scope="module")
def trained(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    out = tmp_path_factory.mktemp("runs") / "run"
    return train(folder, "knn", features="color,handcrafted", out=out, k=1, reporter=NullReporter())


def test_learns_colors(trained: Run) -> None:
    assert trained.result["test"]["top1"] == 1.0
    assert trained.result["features"] == "color,handcrafted"
    assert settings_of(trained)["estimator"] == {"n_neighbors": 1}
    assert "Features of knn: " in notices(trained)


def test_run_directory_is_complete(trained: Run) -> None:
    names = {path.name for path in trained.path.iterdir()}
    assert {"config.json", "split.json", "audit.json", "events.jsonl", "metrics.json", "report.html"} <= names
    assert {"model.skops", "model.json"} <= names
    assert "model.safetensors" not in names
    assert [event["event"] for event in RunDirectory(trained.path).read_events()][-1] == "done"


def test_bundle_alone_predicts(trained: Run, folder: Path, tmp_path: Path) -> None:
    for name in ("model.json", "model.skops"):
        (tmp_path / name).write_bytes((trained.path / name).read_bytes())
    found = list(discern.predict(tmp_path, [folder / "red"]))
    assert all(isinstance(f, Prediction) and f.label == "red" for f in found)
    classifier = discern.load(tmp_path / "model.skops")
    row = classifier.probabilities(classifier.pixels(folder / "red" / "0.png")[None])
    assert row.dtype == np.float32 and row.sum() == pytest.approx(1)
    assert classifier.probabilities(np.zeros((0, 1, 1, 3), dtype=np.uint8)).shape == (0, len(classifier.classes))


def test_evaluates_other_images(trained: Run, folder: Path) -> None:
    assert discern.evaluate(trained, folder, reporter=NullReporter()).top1 == 1.0


def test_same_seed_same_metrics(folder: Path, tmp_path: Path) -> None:
    runs = [train(folder, "forest", out=tmp_path / str(i), n_estimators=5, reporter=NullReporter()) for i in range(2)]
    cards = [json.loads((run.path / "model.json").read_text())["metrics"] for run in runs]
    assert cards[0] == cards[1]


def test_labels_withheld(folder: Path, tmp_path: Path) -> None:
    settings = {"labeled_fraction": 0.4, "k": 3}
    run = train(folder, "label-spreading", features="color", out=tmp_path / "run", **settings, reporter=NullReporter())
    assert run.result["rest"]["n"] == 15 and run.result["rest"]["top1"] == 1.0  # of 27, 4 a class keep theirs
    assert "Of the 15 labels withheld from the training split" in notices(run)


def test_train_limit_holds_for_both(folder: Path, tmp_path: Path) -> None:
    settings = {"train_limit": 12}
    leaderboard = discern.train_many(
        folder, ["knn", "lenet"], epochs=1, out=tmp_path / "b", **settings, reporter=NullReporter()
    )
    counts = [json.loads((run.path / "split.json").read_text())["counts"] for run in leaderboard.runs]
    assert counts[0] == counts[1] and counts[0]["train"] == 12
    assert "12 of 27 are used for training" in notices(leaderboard.runs[0])


def test_several_models_share_a_split(folder: Path, tmp_path: Path) -> None:
    recorder = RecordingReporter()
    leaderboard = discern.train_many(
        folder, ["knn", "tree", "cnn-course"], epochs=1, features="color", out=tmp_path / "b", k=5,
        reporter=recorder,
    )  # fmt: skip
    assert {row["model"] for row in leaderboard.rows()} == {"knn", "tree", "cnn-course"}
    tops = [row["top1"] for row in leaderboard.rows()]
    assert tops == sorted(tops, reverse=True)
    splits = {(run.path / "split.json").read_bytes() for run in leaderboard.runs}
    assert len(splits) == 1
    texts = recorder.notices().splitlines()
    assert len(texts) == len(set(texts))


def test_one_that_fails_leaves_the_others(folder: Path, tmp_path: Path) -> None:
    leaderboard = discern.train_many(
        folder, ["knn", "svm-rbf"], out=tmp_path / "b", reporter=NullReporter(), pca=20, gamma=-1.0
    )
    assert [run.result["model"] for run in leaderboard.runs] == ["knn"]
    assert "gamma" in leaderboard.failed["svm-rbf"]


def test_embedding_of_a_run(folder: Path, tmp_path: Path) -> None:
    network = train(folder, "lenet", epochs=1, out=tmp_path / "net", reporter=NullReporter())
    run = train(folder, "logistic", features=f"embedding:{network.path}", out=tmp_path / "run", reporter=NullReporter())
    assert {"model.skops", "model.safetensors"} <= {path.name for path in run.path.iterdir()}
    (network.path / "model.safetensors").unlink()
    assert discern.evaluate(run, folder, reporter=NullReporter()).n == 36
    with pytest.raises(RunError, match=r"holds a classical model \(logistic\), not a network"):
        train(folder, weights=run.path, out=tmp_path / "x", reporter=NullReporter())


REFUSED = {
    "a model misspelt": ({"model": "knm"}, ModelError, r'Unknown model "knm" \(did you mean .*knn'),
    "no model": ({"model": "qwertyuiop"}, ModelError, 'Unknown model "qwertyuiop": `discern models`'),
    "features of a network": (
        {"model": "lenet", "features": "hog"},
        ConfigError,
        r'"features" is a setting of classical models \(knn, .*\), not of lenet',
    ),
    "epochs": ({"model": "knn", "epochs": 3}, ConfigError, 'knn has no setting "epochs"'),
    "another model's setting": ({"model": "knn", "C": 1}, ConfigError, 'knn has no setting "C"'),
    "a value below": ({"model": "knn", "pca": -1}, ConfigError, "pca=-1 is not allowed: 0 or more"),
    "a value beyond the data": ({"model": "knn", "pca": 9999}, ModelError, "pca=9999 is too many"),
    "no neighbors": ({"model": "knn", "k": 0}, ConfigError, "n_neighbors=0 is not allowed: 1 or more"),
    "labels withheld": (
        {"model": "knn", "labeled_fraction": 0.3},
        ConfigError,
        "labeled_fraction=0.3 needs a semi-supervised model",
    ),
    "no settings": ({"model": "knn", "estimator": 3}, ConfigError, "estimator=3 is not allowed: settings by name"),
    "no features": ({"model": "knn", "features": 3}, ConfigError, "features=3 is not allowed: a list"),
    "several": ({"model": "knn,tree"}, ConfigError, "train_many"),
    "no network": ({"model": "knn", "features": "embedding:resnet19"}, ModelError, 'Unknown model "resnet19"'),
    "code": ({"model": "knn", "features": "embedding:a.py:f"}, ConfigError, "would run code"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_refusals_are_a_sentence(case: str, folder: Path, tmp_path: Path) -> None:
    requested, error, message = REFUSED[case]
    with pytest.raises(error, match=message):
        train(folder, out=tmp_path / "run", reporter=NullReporter(), **requested)  # type: ignore[arg-type]
    assert not (tmp_path / "run").exists()


def test_no_color_to_see(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no color: use --features hog"):
        train("digits", "knn", features="color", out=tmp_path / "run", reporter=NullReporter())


def test_features_may_be_a_list(folder: Path, tmp_path: Path) -> None:
    run = train(folder, "knn", features=["color", "handcrafted"], out=tmp_path / "run", reporter=NullReporter())
    assert run.result["features"] == "color,handcrafted"


def test_a_classical_run_is_not_resumed(trained: Run) -> None:
    with pytest.raises(RunError, match="classical model, which is not trained in steps"):
        train(resume=trained.path, reporter=NullReporter())


def test_no_network_to_look_into(trained: Run) -> None:
    with pytest.raises(ModelError, match="knn is a classical model without layers"):
        _network = trained.classifier().network


def test_damaged_model(trained: Run, tmp_path: Path) -> None:
    for name in ("model.json", "model.skops"):
        (tmp_path / name).write_bytes((trained.path / name).read_bytes())
    (tmp_path / "model.skops").write_bytes((tmp_path / "model.skops").read_bytes()[:-9])
    with pytest.raises(RunError, match="truncated or corrupt"):
        discern.load(tmp_path)
    (tmp_path / "model.skops").unlink()
    with pytest.raises(RunError, match="is not a run or a bundle"):
        discern.load(tmp_path)


def test_digits(tmp_path: Path) -> None:
    leaderboard = discern.train_many("digits", ["knn", "svm-rbf"], out=tmp_path / "b", reporter=NullReporter())
    assert all(row["top1"] >= 0.98 for row in leaderboard.rows())


def test_fruit(shared_data: Path, tmp_path: Path) -> None:
    run = train(shared_data / "fruit", "forest", features="color,hog", out=tmp_path / "run", reporter=NullReporter())
    assert (run.evaluate().top1, run.evaluate().n) == (1.0, 14)
    names = ("114_100.jpg", "123_100.jpg", "r_176_100.jpg")
    found = list(discern.predict(run.path, [shared_data / "fruit" / "Test" / name for name in names]))
    assert [f.label for f in found if isinstance(f, Prediction)] == ["Banana", "Apple", "Watermelon"]
