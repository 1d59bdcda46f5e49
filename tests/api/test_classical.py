"""Classical models on the same commands as networks."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import discern
from discern.api.run import Run
from discern.api.train import train
from discern.classifier.classifier import Prediction
from discern.errors import ConfigError, DiscernError, ModelError, RunError
from discern.progress import Watcher
from discern.run import RunDirectory
from tests.pictures import make_folder
from tests.runs import Heard, notices, written


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_folder(tmp_path_factory.mktemp("data") / "水果")


@pytest.fixture(scope="module")
def trained(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    out = tmp_path_factory.mktemp("runs") / "run"
    return train(folder, "knn", features="color,hand", out=out, settings={"k": 1}, watch=Watcher())


def test_learns_colours(trained: Run) -> None:
    assert trained.result["test"]["top1"] == 1.0
    assert trained.result["features"] == "color,hand"
    assert written(trained)["estimator"] == {"k": 1}
    assert "knn sees" in notices(trained)


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


def test_evaluates_other_pictures(trained: Run, folder: Path) -> None:
    assert discern.evaluate(trained, folder, watch=Watcher()).top1 == 1.0


def test_same_seed_same_answers(folder: Path, tmp_path: Path) -> None:
    runs = [train(folder, "forest", out=tmp_path / str(i), settings={"trees": 5}, watch=Watcher()) for i in range(2)]
    cards = [json.loads((run.path / "model.json").read_text())["metrics"] for run in runs]
    assert cards[0] == cards[1]


def test_labels_withheld(folder: Path, tmp_path: Path) -> None:
    settings = {"labelled": 0.4, "k": 3}
    run = train(folder, "label-spreading", features="color", out=tmp_path / "run", settings=settings, watch=Watcher())
    assert run.result["rest"]["n"] == 15 and run.result["rest"]["top1"] == 1.0  # of 27, 4 a class keep theirs
    assert "Of the 15 labels withheld from the training part" in notices(run)


def test_train_limit_holds_for_both(folder: Path, tmp_path: Path) -> None:
    settings = {"train_limit": 12}
    board = discern.train_several(
        folder, ["knn", "lenet"], epochs=1, out=tmp_path / "b", settings=settings, watch=Watcher()
    )
    counts = [json.loads((run.path / "split.json").read_text())["counts"] for run in board.runs]
    assert counts[0] == counts[1] and counts[0]["train"] == 12
    assert "12 of 27 are used to train" in notices(board.runs[0])


def test_several_models_share_a_split(folder: Path, tmp_path: Path) -> None:
    heard = Heard()
    board = discern.train_several(
        folder, ["knn", "tree", "cnn-course"], epochs=1, features="color", out=tmp_path / "b", settings={"k": 5},
        watch=heard,
    )  # fmt: skip
    assert {row["model"] for row in board.rows()} == {"knn", "tree", "cnn-course"}
    tops = [row["top1"] for row in board.rows()]
    assert tops == sorted(tops, reverse=True)
    splits = {(run.path / "split.json").read_bytes() for run in board.runs}
    assert len(splits) == 1
    texts = [event["text"] for event in heard.events if event["event"] == "notice"]
    assert len(texts) == len(set(texts))


def test_one_that_fails_leaves_the_others(folder: Path, tmp_path: Path) -> None:
    board = discern.train_several(folder, ["knn", "label-spreading"], out=tmp_path / "b", watch=Watcher(),
                                  settings={"pca": 20, "alpha": 7.0})  # fmt: skip
    assert [run.result["model"] for run in board.runs] == ["knn"]
    assert "alpha" in board.failed["label-spreading"]


def test_embedding_of_a_run(folder: Path, tmp_path: Path) -> None:
    network = train(folder, "lenet", epochs=1, out=tmp_path / "net", watch=Watcher())
    run = train(folder, "logistic", features=f"embedding:{network.path}", out=tmp_path / "run", watch=Watcher())
    assert {"model.skops", "model.safetensors"} <= {path.name for path in run.path.iterdir()}
    (network.path / "model.safetensors").unlink()
    assert discern.evaluate(run, folder, watch=Watcher()).n == 36
    with pytest.raises(RunError, match=r"holds a classical model \(logistic\), which is no network"):
        train(folder, weights=run.path, out=tmp_path / "x", watch=Watcher())


@pytest.mark.parametrize(
    ("asked", "error", "sentence"),
    [
        ({"model": "knm"}, ModelError, "no model called knm; the nearest are .*knn"),
        ({"model": "qwertyuiop"}, ModelError, "no model called qwertyuiop: 'discern models'"),
        ({"model": "lenet", "features": "hog"}, ConfigError, "--features go with classical models .*, not with lenet"),
        ({"model": "knn", "epochs": 3}, ConfigError, "knn has no setting epochs; it takes: model, features, pca"),
        ({"model": "knn", "settings": {"C": 1}}, ConfigError, "knn has no setting C; it takes"),
        ({"model": "knn", "settings": {"pca": -1}}, ConfigError, "pca=-1 is not allowed: 0 or more"),
        ({"model": "knn", "settings": {"pca": 9999}}, ModelError, "pca=9999 is more than there is"),
        ({"model": "knn", "settings": {"k": 0}}, ModelError, "knn cannot be fitted to these features: .*n_neighbors"),
        ({"model": "knn", "settings": {"labelled": 0.3}}, ConfigError, "labelled=0.3 goes with label-spreading, not"),
        ({"model": "knn", "settings": {"estimator": 3}}, ConfigError, "estimator=3 is not allowed: settings by name"),
        ({"model": "knn", "settings": {"features": 3}}, ConfigError, "features=3 is not allowed: a list"),
        ({"model": "knn,tree"}, ConfigError, "train_several"),
        ({"model": "knn", "features": "embedding:resnet19"}, ModelError, "no model called resnet19; the nearest"),
        ({"model": "knn", "features": "embedding:a.py:f"}, ConfigError, "would run code"),
    ],
)
def test_refusals_are_a_sentence(
    folder: Path, tmp_path: Path, asked: dict[str, object], error: type[DiscernError], sentence: str
) -> None:
    with pytest.raises(error, match=sentence):
        train(folder, out=tmp_path / "run", watch=Watcher(), **asked)  # type: ignore[arg-type]
    assert not (tmp_path / "run").exists()


def test_no_colour_to_see(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no colour: take --features hog"):
        train("digits", "knn", features="color", out=tmp_path / "run", watch=Watcher())


def test_the_model_may_come_as_a_setting(folder: Path, tmp_path: Path) -> None:
    """As the report's command gives it."""
    settings = {"model": "knn", "features": ["color", "hand"]}
    run = train(folder, out=tmp_path / "run", settings=settings, watch=Watcher())
    assert run.result["model"] == "knn" and run.result["features"] == "color,hand"


def test_a_classical_run_is_not_resumed(trained: Run) -> None:
    with pytest.raises(RunError, match="classical model, which trains in one go"):
        train(resume=trained.path, watch=Watcher())


def test_no_network_to_look_into(trained: Run) -> None:
    with pytest.raises(ModelError, match="knn is a classical model: it has no layers"):
        _network = trained.classifier().network


def test_damaged_model(trained: Run, tmp_path: Path) -> None:
    for name in ("model.json", "model.skops"):
        (tmp_path / name).write_bytes((trained.path / name).read_bytes())
    (tmp_path / "model.skops").write_bytes((tmp_path / "model.skops").read_bytes()[:-9])
    with pytest.raises(RunError, match="cut short or changed"):
        discern.load(tmp_path)
    (tmp_path / "model.skops").unlink()
    with pytest.raises(RunError, match="is not a run or a bundle"):
        discern.load(tmp_path)


def test_digits(tmp_path: Path) -> None:
    board = discern.train_several("digits", ["knn", "svm-rbf"], out=tmp_path / "b", watch=Watcher())
    assert all(row["top1"] >= 0.98 for row in board.rows())


def test_fruit(shared_data: Path, tmp_path: Path) -> None:
    run = train(shared_data / "fruit", "forest", features="color,hog", out=tmp_path / "run", watch=Watcher())
    assert (run.evaluate().top1, run.evaluate().n) == (1.0, 14)
    names = ("114_100.jpg", "123_100.jpg", "r_176_100.jpg")
    found = list(discern.predict(run.path, [shared_data / "fruit" / "Test" / name for name in names]))
    assert [f.label for f in found if isinstance(f, Prediction)] == ["Banana", "Apple", "Watermelon"]
