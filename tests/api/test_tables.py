"""Tables of numbers go through the same commands as images."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import discern
from discern.api.train import train
from discern.classical.estimators import CLASSICAL
from discern.classifier.classifier import Prediction, RegressionPrediction
from discern.errors import ConfigError, DataError, ImageError, ModelError, RunError
from discern.evaluation.metrics import Metrics
from discern.evaluation.regression import RegressionMetrics, RegressionPredictions
from discern.progress import NullReporter
from discern.runs.run import Run
from tests.images import make_folder
from tests.run_facts import RecordingReporter, notices, settings_of
from tests.tables import flowers, line, write_table


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return flowers(tmp_path_factory.mktemp("data") / "flowers.csv")


@pytest.fixture(scope="module")
def numbers(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return line(tmp_path_factory.mktemp("data") / "line.csv")


@pytest.fixture(scope="module")
def trained(table: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    return train(table, "knn", out=tmp_path_factory.mktemp("runs") / "knn", reporter=NullReporter())


@pytest.fixture(scope="module")
def regression(numbers: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    return train(numbers, "knn", out=tmp_path_factory.mktemp("runs") / "knn", reporter=NullReporter())


def test_iris_with_every_classical_model(tmp_path: Path) -> None:
    leaderboard = discern.train_many("iris", list(CLASSICAL), out=tmp_path / "b", reporter=NullReporter())
    assert not leaderboard.failed
    assert all(row["top1"] >= 0.85 and row["n"] == 30 for row in leaderboard.rows())
    splits = {(run.path / "split.json").read_bytes() for run in leaderboard.runs}
    assert len(splits) == 1


def test_a_run_like_any_other(trained: Run) -> None:
    names = {path.name for path in trained.path.iterdir()}
    assert {"config.json", "split.json", "audit.json", "events.jsonl", "metrics.json", "predictions.npz"} <= names
    assert {"model.skops", "model.json", "report.html"} <= names
    card = trained.classifier().card
    assert card.table is not None and card.table.columns == ("width", "height") and card.features == ("columns",)
    assert settings_of(trained)["target"] == "class" and settings_of(trained)["task"] == "classification"
    assert "class is the column to learn (by its name)" in notices(trained)
    assert trained.unit == "rows" and trained.task.name == "classification"


def test_evaluate_matches_columns_by_name(trained: Run, table: Path, tmp_path: Path) -> None:
    rows = [row.split(",") for row in table.read_text().splitlines()[1:]]
    other = write_table(tmp_path / "o.csv", ("more", "height", "class", "width"),
                        [(1.5, h, c, w) for w, h, c in rows[:25]])  # fmt: skip
    recorder = RecordingReporter()
    found = discern.evaluate(trained, other, reporter=recorder)
    assert isinstance(found, Metrics) and found.n == 25 and found.top1 > 0.9
    assert "does not read these columns: more" in recorder.notices() and "has no rows of c" in recorder.notices()
    write_table(other, ("height", "class"), [(h, c) for _, h, c in rows])
    with pytest.raises(DataError, match="lacks the columns width; it has height"):
        discern.evaluate(trained, other, reporter=NullReporter())


def test_predict_rows(trained: Run, tmp_path: Path) -> None:
    rows = write_table(tmp_path / "r.csv", ("height", "width"), [(0, 0), (8, ""), (8, 8)])
    first, gap, last = discern.predict(trained.path, [rows])
    assert isinstance(first, Prediction) and (first.label, first.path) == ("a", "r.csv#1")
    assert isinstance(gap, ImageError) and "r.csv#2 has no value for width" in str(gap)
    assert isinstance(last, Prediction) and last.label == "c"
    with pytest.raises(DataError, match="is not a table"):
        discern.predict(trained.path, [tmp_path / "image.jpg"])


def test_inspect(table: Path) -> None:
    found = discern.inspect_data(table, reporter=NullReporter()).to_json()
    assert list(found["columns"]) == ["width", "height"] and found["target"] == "class"
    width = found["columns"]["width"]
    assert width["min"] < width["median"] < width["max"]
    assert discern.inspect_data(table, reporter=NullReporter(), target="width").to_json()["task"] == "regression"


def test_compare(trained: Run, table: Path, tmp_path: Path) -> None:
    other = train(table, "lda", out=tmp_path / "lda", reporter=NullReporter())
    found = discern.compare([trained, other])
    assert {row.model for row in found.runs} == {"knn", "lda"}
    assert "12 test rows" in found.sentences()[0] and "12 rows" in found.best.text()


def test_compare_regressions(regression: Run, trained: Run, numbers: Path, tmp_path: Path) -> None:
    other = train(numbers, "tree", out=tmp_path / "tree", reporter=NullReporter())
    found = discern.compare([regression, other])
    assert [row.score for row in found.runs] == sorted((row.score for row in found.runs), reverse=True)
    assert found.to_json()["runs"][0].keys() >= {"r2", "mae", "interval"}
    assert found.best.only_first + found.best.only_second == 16 and "closer" in found.best.text()
    found.save(tmp_path / "leaderboard.html")
    assert "mean absolute error" in (tmp_path / "leaderboard.html").read_text()
    with pytest.raises(RunError, match=r"know different classes .a, b, c"):
        discern.compare([regression, trained])


def test_copies_and_gaps(tmp_path: Path) -> None:
    rows = [(i % 7, i % 5, "ab"[i % 2]) for i in range(90)]
    path = write_table(tmp_path / "t.csv", ("x", "z", "class"), [*rows, ("", 1, "a")])
    run = train(path, "tree", out=tmp_path / "run", reporter=NullReporter())
    parts = json.loads((run.path / "split.json").read_text())["images"]
    assert parts["t.csv#91"][0] == "excluded"
    homes: dict[tuple[int, int], set[str]] = {}
    for i, (x, z, _label) in enumerate(rows):
        homes.setdefault((x, z), set()).add(parts[f"t.csv#{i + 1}"][0])
    assert all(len(home) == 1 for home in homes.values())


def test_regression(regression: Run, numbers: Path) -> None:
    found = regression.evaluate()
    assert isinstance(found, RegressionMetrics) and found.r2 > 0.9 and found.n == 16 and found.target == "y"
    assert regression.task.name == "regression" and settings_of(regression)["task"] == "regression"
    split = regression.predictions()["test"]
    assert isinstance(split, RegressionPredictions)
    assert found.mae == pytest.approx(np.abs(split.values - split.targets).mean())
    again = discern.evaluate(regression, numbers, reporter=NullReporter())
    assert isinstance(again, RegressionMetrics) and again.n == 80
    assert "y is a number to learn (regression)" in notices(regression)
    assert "16 are cut for test and 8 for validation, at random" in notices(regression)
    assert (regression.path / "report.html").read_text().count("<html") == 1


def test_a_regression_predicts(regression: Run, tmp_path: Path) -> None:
    rows = write_table(tmp_path / "r.csv", ("q", "p"), [(2, 5)])
    (found,) = discern.predict(regression.path, [rows])
    assert isinstance(found, RegressionPrediction) and found.value == pytest.approx(13, abs=2) and found.target == "y"


def test_regressions_on_one_leaderboard(numbers: Path, tmp_path: Path) -> None:
    names = ["knn", "tree", "forest", "lda"]
    leaderboard = discern.train_many(numbers, names, out=tmp_path / "b", reporter=NullReporter(), n_estimators=20)
    scores = [row["r2"] for row in leaderboard.rows()]
    assert scores == sorted(scores, reverse=True) and len(scores) == 3
    assert "lda learns classes, not numbers: use knn, tree, forest" in leaderboard.failed["lda"]


def test_regression_is_searched(numbers: Path, tmp_path: Path) -> None:
    run = train(numbers, "tree", search="grid", cv=3, out=tmp_path / "r", max_depth="1,6", reporter=NullReporter())
    assert run.search is not None and run.search.score == "R2"
    assert run.search.best.settings["max_depth"] == 6


def test_a_regression_has_no_classes(regression: Run) -> None:
    with pytest.raises(RunError, match="predicts a number, not classes"):
        regression.class_predictions()


@pytest.mark.parametrize(
    ("requested", "error", "message"),
    [
        ({"model": "lenet"}, ModelError, "is a table of numbers, which classical models learn"),
        ({}, ModelError, "is a table of numbers, which classical models learn"),
        ({"model": "lenet", "target": "class"}, ConfigError, '"target" is a setting of classical models'),
        ({"model": "knn", "features": "hog"}, ConfigError, "--features are of images"),
        ({"model": "knn", "target": "klass"}, ConfigError, 'Unknown column "klass" .*did you mean class'),
        ({"model": "lda", "target": "width"}, ModelError, "lda learns classes, not numbers"),
        ({"model": "knn", "task": "clustering"}, ConfigError, "task=clustering is not allowed"),
    ],
)
def test_refusals_are_a_sentence(
    table: Path, tmp_path: Path, requested: dict[str, object], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        train(table, out=tmp_path / "run", reporter=NullReporter(), **requested)  # type: ignore[arg-type]
    assert not (tmp_path / "run").exists()


def test_rows_and_images_do_not_mix(trained: Run, table: Path, tmp_path: Path) -> None:
    folder = make_folder(tmp_path / "images")
    with pytest.raises(ConfigError, match="holds images: --target"):
        discern.evaluate(trained, folder, reporter=NullReporter())
    images = train(folder, "tree", features="color", out=tmp_path / "run", reporter=NullReporter())
    with pytest.raises(DataError, match="is a table of numbers, and tree reads images"):
        discern.evaluate(images, table, reporter=NullReporter())
    with pytest.raises(ModelError, match=r"knn is a classical model|knn reads rows of a table"):
        discern.explain(trained.path, folder / "red" / "0.png")
