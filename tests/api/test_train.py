"""The main job end to end, on images made here."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import discern
from discern.api.train import train
from discern.classifier.classifier import Prediction
from discern.data.image import decode, decode_reduced
from discern.errors import ConfigError, DataError, ImageError, RunError
from discern.preprocess.spec import Preprocess
from discern.progress import NullReporter
from discern.runs.run import Run
from discern.runs.run_directory import RunDirectory
from tests.images import make_folder
from tests.run_facts import RecordingReporter

PLAIN = {
    "precision": "fp32",
    "memory_format": "contiguous",
}  # not left to the probe, whose answer each test's cache keeps


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> tuple[Run, Path, RecordingReporter]:
    folder = make_folder(tmp_path_factory.mktemp("data") / "水果")
    recorder = RecordingReporter()
    out = tmp_path_factory.mktemp("runs") / "run"
    run = train(folder, model="cnn-course", epochs=6, out=out, **PLAIN, reporter=recorder)
    return run, folder, recorder


def test_learns_colors(trained: tuple[Run, Path, RecordingReporter]) -> None:
    run, _folder, _recorder = trained
    assert run.result["test"]["top1"] == 1.0
    assert run.evaluate().n == 6


def test_run_directory_is_complete(trained: tuple[Run, Path, RecordingReporter]) -> None:
    run, _folder, recorder = trained
    names = {path.name for path in run.path.iterdir()}
    assert {"config.json", "split.json", "audit.json", "events.jsonl", "metrics.json"} <= names
    assert {"model.safetensors", "model.json", "report.html", "checkpoint"} <= names
    epochs = list(RunDirectory(run.path).read_events("epoch"))
    assert [event["epoch"] for event in epochs] == [1, 2, 3, 4, 5, 6]
    assert [event for event in recorder.events if event["event"] == "epoch"] == epochs
    assert not list(run.path.rglob("*.part"))


def test_evaluating_the_same_images_again_gives_the_same_numbers(trained: tuple[Run, Path, RecordingReporter]) -> None:
    run, folder, _recorder = trained
    everything = discern.evaluate(run, folder, reporter=NullReporter())
    assert everything.n == 36 and everything.scores["top1"] == 1.0


def test_pixels_are_the_same_at_train_evaluate_and_predict(trained: tuple[Run, Path, RecordingReporter]) -> None:
    run, folder, _recorder = trained
    spec = Preprocess.model_validate(RunDirectory(run.path).read_config()["preprocess"])
    path = folder / "red" / "3.png"
    expected = spec.apply(*decode_reduced(path.read_bytes(), spec.min_side))
    assert np.array_equal(run.classifier().pixels(path), expected)


def test_predict_goes_on_past_what_is_not_a_image(trained: tuple[Run, Path, RecordingReporter], tmp_path: Path) -> None:
    run, folder, _recorder = trained
    bad = tmp_path / "bad.png"
    bad.write_text("no image")
    found = list(discern.predict(run.path, [folder / "red", bad, folder / "blue" / "0.png"]))
    assert [isinstance(f, ImageError) for f in found] == [False] * 12 + [True, False]
    assert all(isinstance(f, Prediction) and f.label == "red" for f in found[:12])
    assert "bad.png" in str(found[12])


def test_an_array_a_path_and_bytes_predict_alike(trained: tuple[Run, Path, RecordingReporter]) -> None:
    run, folder, _recorder = trained
    path = folder / "green" / "1.png"
    classifier = run.classifier()
    from_array = classifier.predict(np.asarray(decode(path.read_bytes())))
    assert classifier.predict(path).top == classifier.predict(path.read_bytes()).top == from_array.top


def test_classes_of_other_data_are_matched_by_name(
    trained: tuple[Run, Path, RecordingReporter], tmp_path: Path
) -> None:
    run, _folder, _recorder = trained
    two = make_folder(tmp_path / "two", classes=("red", "blue"))
    assert discern.evaluate(run, two, reporter=NullReporter()).scores["top1"] == 1.0


def test_same_seed_same_bits(trained: tuple[Run, Path, RecordingReporter], tmp_path: Path) -> None:
    run, folder, _recorder = trained
    again = train(folder, model="cnn-course", epochs=6, out=tmp_path / "again", **PLAIN, reporter=NullReporter())
    other = train(folder, "cnn-course", epochs=6, seed=1, out=tmp_path / "other", **PLAIN, reporter=NullReporter())
    weights = [(r.path / "model.safetensors").read_bytes() for r in (run, again, other)]
    assert weights[0] == weights[1] != weights[2]


def test_changed_images_are_not_resumed(trained: tuple[Run, Path, RecordingReporter], tmp_path: Path) -> None:
    folder = make_folder(tmp_path / "data")
    run = train(folder, model="cnn-course", epochs=1, out=tmp_path / "run", reporter=NullReporter())
    (folder / "red" / "0.png").write_bytes((folder / "blue" / "0.png").read_bytes())
    with pytest.raises(RunError, match="changed"):
        train(resume=run.path, reporter=NullReporter())


def test_a_resumed_finished_run_is_the_run(trained: tuple[Run, Path, RecordingReporter]) -> None:
    run, _folder, _recorder = trained
    before = (run.path / "model.safetensors").read_bytes()
    assert train(resume=run.path, reporter=NullReporter()).result["test"] == run.result["test"]
    assert (run.path / "model.safetensors").read_bytes() == before


def test_too_few_images_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="too few"):
        train(make_folder(tmp_path / "data", n=1), out=tmp_path / "run", reporter=NullReporter())
    assert not (tmp_path / "run").exists()


def test_a_run_is_resumed_from_any_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make_folder(tmp_path / "data")
    monkeypatch.chdir(tmp_path)
    run = train("data", model="lenet", epochs=1, out=tmp_path / "run", reporter=NullReporter())
    monkeypatch.chdir("/")
    assert train(resume=run.path, reporter=NullReporter()).result["epochs"] == 1


def test_resuming_takes_no_settings(trained: tuple[Run, Path, RecordingReporter]) -> None:
    with pytest.raises(ConfigError, match="--resume"):
        train(resume=trained[0].path, epochs=9, reporter=NullReporter())


def test_json_lines_end_in_the_result(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from discern.cli.app import app

    folder = make_folder(tmp_path / "data")
    arguments = ["train", str(folder), "--model", "lenet", "--epochs", "1", "--out", str(tmp_path / "run"), "--json"]
    app(args=arguments, standalone_mode=False)
    last = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert last.keys() == {"run", "model", "epochs", "validation", "test", "seconds", "images_per_second"}


def test_a_run_named_as_its_data_still_names_its_data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    run = train("digits", "lenet", epochs=1, out="digits", train_limit=200, reporter=NullReporter())
    assert run.directory.read_config()["data"]["origin"] == "digits"
