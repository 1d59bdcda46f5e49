"""Predictions are stored once and every number comes from them; other data is matched by class name, and told."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch

import discern
from discern.api.train import train
from discern.classifier.bundle import ModelCard, read_bundle, write_bundle
from discern.classifier.classifier import Classifier
from discern.cli import main
from discern.data.open import open_data
from discern.errors import ConfigError, DataError, RunError
from discern.evaluation.calibration import apply_temperature
from discern.evaluation.measure import measure
from discern.files import read_json, write_json
from discern.models.registry import build_model
from discern.preprocess.spec import Preprocess
from discern.progress import NullReporter
from discern.runs.evaluate_data import match_labels
from discern.runs.run import Run
from tests.images import make_folder
from tests.run_facts import RecordingReporter

QUICK = {"precision": "fp32", "memory_format": "contiguous"}


@pytest.fixture(scope="module")
def two(apart: None, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A run with two classes."""
    folder = make_folder(tmp_path_factory.mktemp("data") / "two", n=20, classes=("red", "blue"))
    return train(
        folder, "lenet", epochs=1, out=tmp_path_factory.mktemp("runs") / "two", **QUICK, reporter=NullReporter()
    )


def test_predictions_are_stored_by_the_names_of_the_split(trained: Run) -> None:
    parts = trained.class_predictions()
    images = read_json(trained.directory.split)["images"]
    assert list(parts) == ["validation", "test"]
    for name, part in parts.items():
        assert set(part.paths) == {path for path, (which, _reason) in images.items() if which == name}
        assert [path.split("/")[0] for path in part.paths] == [part.classes[label] for label in part.labels]


def test_every_number_comes_from_them(trained: Run) -> None:
    for name, part in trained.class_predictions().items():
        found = trained.metrics(name)
        assert found is not None
        wanted = measure(part.probabilities, part.labels, part.classes, split=name)
        assert found.to_json() == wanted.to_json()


def test_the_bundle_says_what_was_stored(trained: Run, small: Path) -> None:
    classifier, part = trained.classifier(), trained.class_predictions()["test"]
    pixels = np.stack([classifier.pixels(small / path) for path in part.paths])
    assert np.allclose(classifier.probabilities(pixels), part.probabilities, atol=1e-5)


def test_few_validation_images_scale_nothing(trained: Run) -> None:
    card, _tensors = read_bundle(trained.path)
    assert card.temperature == 1
    assert read_json(trained.directory.metrics)["temperature"]["notice"]["code"] == "evaluation.temperature_few"


def test_a_temperature_in_the_bundle_is_applied(tmp_path: Path) -> None:
    torch.manual_seed(0)
    card = ModelCard(model="lenet", classes=("a", "b"), preprocess=Preprocess(size=28))
    network = build_model("lenet", 2, 3, 28)
    write_bundle(tmp_path / "plain", card, network.state_dict())
    write_bundle(tmp_path / "cool", card.model_copy(update={"temperature": 3.0}), network.state_dict())
    pixels = np.random.default_rng(0).integers(0, 256, (4, 28, 28, 3), dtype=np.uint8)
    plain, cool = (Classifier.load(tmp_path / name).probabilities(pixels) for name in ("plain", "cool"))
    assert np.array_equal(cool, apply_temperature(plain, 3.0)) and not np.allclose(cool, plain)


def test_a_temperature_of_nothing_is_no_bundle(tmp_path: Path) -> None:
    card = ModelCard(model="lenet", classes=("a", "b"), preprocess=Preprocess(size=28))
    write_bundle(tmp_path, card, build_model("lenet", 2, 3, 28).state_dict())
    write_json(tmp_path / "model.json", read_json(tmp_path / "model.json") | {"temperature": 0})
    with pytest.raises(RunError, match="damaged"):
        Classifier.load(tmp_path)


def test_what_helps_is_stored_and_told(apart: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from discern.evaluation import calibration

    monkeypatch.setattr(calibration, "MIN_EXAMPLES", 1)
    monkeypatch.setattr(calibration, "MIN_ERRORS", 0)
    monkeypatch.setattr(calibration, "STANDARD_ERRORS", -np.inf)
    recorder = RecordingReporter()
    run = train(make_folder(tmp_path / "data"), "lenet", epochs=1, out=tmp_path / "run", **QUICK, reporter=recorder)
    card, _tensors = read_bundle(run.path)
    assert card.temperature == read_json(run.directory.metrics)["temperature"]["value"] != 1
    assert f"temperature {card.temperature:.2f}" in recorder.notices()
    part = run.class_predictions()["test"]
    pixels = np.stack([run.classifier().pixels(tmp_path / "data" / path) for path in part.paths])
    assert np.allclose(run.classifier().probabilities(pixels), part.probabilities, atol=1e-5)


def test_classes_in_another_order_are_match_labels(small: Path) -> None:
    dataset, recorder = open_data(small), RecordingReporter()
    assert dataset.classes == ("blue", "green", "red")
    labels = match_labels(("red", "blue", "green"), dataset, np.arange(len(dataset)), recorder)
    assert labels.tolist() == [1] * 12 + [2] * 12 + [0] * 12
    assert "another order: they are matched by name" in recorder.notices()


def test_the_same_classes_are_nothing_to_tell(small: Path) -> None:
    dataset, recorder = open_data(small), RecordingReporter()
    assert match_labels(dataset.classes, dataset, np.arange(len(dataset)), recorder).tolist() == dataset.labels.tolist()
    assert recorder.notices() == ""


def test_unknown_and_missing_classes_are_told(trained: Run, tmp_path: Path) -> None:
    other = make_folder(tmp_path / "other", classes=("red", "blue"))
    (other / "red").rename(other / "crimson")
    recorder = RecordingReporter()
    assert discern.evaluate(trained, other, reporter=recorder).n == 12
    assert "12 images are left out: the classifier does not know their classes (crimson)." in recorder.notices()
    assert "other has no images of green, red." in recorder.notices()


def test_a_file_with_its_classes_in_another_order(
    trained: Run, small: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    names = ["red", "violet", "green", "blue"]
    images = [(path, name) for name in names for path in sorted(small.glob(f"{name}/*"))]
    columns = {
        "image": [{"bytes": path.read_bytes(), "path": path.name} for path, _name in images],
        "label": [names.index(name) for _path, name in images],
    }
    features = {"label": {"names": names, "_type": "ClassLabel"}, "image": {"_type": "Image"}}
    described = {"huggingface": json.dumps({"info": {"features": features}})}
    pq.write_table(pa.table(columns).replace_schema_metadata(described), tmp_path / "other.parquet")
    assert command(monkeypatch, trained.path, tmp_path / "other.parquet", "--json") == 0
    shown = capsys.readouterr()
    assert "its classes in another order: they are matched by name" in shown.err
    found, wanted = json.loads(shown.out), discern.evaluate(trained, small, reporter=NullReporter()).to_json()
    assert found["confusion"] == wanted["confusion"] and found["loss"] == pytest.approx(wanted["loss"])


def test_what_the_run_learned_from_is_told(trained: Run, small: Path, tmp_path: Path) -> None:
    own, other = RecordingReporter(), RecordingReporter()
    discern.evaluate(trained, small, reporter=own)
    discern.evaluate(trained, make_folder(tmp_path / "other"), reporter=other)
    assert "small is what the run was trained on, so the result is optimistic" in own.notices()
    assert "optimistic" not in other.notices()


def test_none_of_the_classes_is_an_error(trained: Run, tmp_path: Path) -> None:
    other = make_folder(tmp_path / "other", classes=("red", "blue"))
    (other / "red").rename(other / "crimson")
    (other / "blue").rename(other / "navy")
    with pytest.raises(DataError, match=r"none of the classes of .*crimson, navy.*it knows: blue, green, red"):
        discern.evaluate(trained, other, reporter=NullReporter())


def test_a_class_without_images_left_is_missing(small: Path) -> None:
    dataset, recorder = open_data(small), RecordingReporter()
    match_labels(dataset.classes, dataset, np.flatnonzero(dataset.labels == 0), recorder)
    assert "has no images of green, red." in recorder.notices()


def test_a_threshold_of_a_run(two: Run) -> None:
    found = discern.choose_threshold(two.path, "red", min_recall=1.0)
    assert found.validation.n == len(two.class_predictions()["validation"]) and found.test.n == len(
        two.class_predictions()["test"]
    )
    assert found.validation.fn == 0


def test_three_classes_have_no_threshold(trained: Run) -> None:
    with pytest.raises(ConfigError, match="two classes, and this run has 3: blue, green, red"):
        discern.choose_threshold(trained, "red", min_recall=0.9)


def test_metrics_of_another_version_are_one_sentence(two: Run, tmp_path: Path) -> None:
    write_json(tmp_path / "config.json", read_json(two.directory.config))
    write_json(tmp_path / "metrics.json", {"result": {}, "test": {"top1": 1.0, "n": 3}, "validation": None})
    with pytest.raises(RunError, match=r"metrics\.json is damaged or from another version"):
        discern.evaluate(tmp_path)


def command(monkeypatch: pytest.MonkeyPatch, *arguments: object) -> int:
    monkeypatch.setattr(sys, "argv", ["discern", "evaluate", *map(str, arguments)])
    with pytest.raises(SystemExit) as stopped:
        main()
    return int(stopped.value.code or 0)


def test_the_command_shows_numbers_with_their_doubt(
    two: Run, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command(monkeypatch, two.path, "--positive", "red", "--false-negative-cost", "10") == 0
    shown = capsys.readouterr().out
    for words in ("95 % CI", "recall", "precision", "Predict red from probability", "false negative costs 10"):
        assert words in shown


def test_the_command_for_programs(
    two: Run, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command(monkeypatch, two.path, "--positive", "red", "--min-recall", "0.9", "--json") == 0
    value = json.loads(capsys.readouterr().out)
    assert value["min_recall"] == 0.9 and value["test"]["n"] == 8
    assert command(monkeypatch, two.path, "--json") == 0
    assert {"n", "summary", "intervals", "reliability"} <= json.loads(capsys.readouterr().out).keys()


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("--false-negative-cost", "2"), "require --positive CLASS"),
        (("--positive", "red"), "either the cost of a false negative or the minimum recall"),
        (("--positive", "pink", "--false-negative-cost", "2"), 'Unknown class "pink": the positive class is one of'),
        (("digits", "--positive", "red", "--false-negative-cost", "2"), "remove DATA or --positive"),
    ],
)
def test_a_wrong_question_is_one_sentence(
    arguments: tuple[str, ...],
    sentence: str,
    two: Run,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert command(monkeypatch, two.path, *arguments) == 2
    error = capsys.readouterr().err
    assert sentence in error and len(error.splitlines()) == 1
