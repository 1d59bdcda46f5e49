"""A head on a frozen backbone, alone or before everything else is trained."""

from __future__ import annotations

import os
import shutil
import signal
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from discern.api.train import train
from discern.errors import Interrupted, ModelError
from discern.preprocess.normalize import normalize, to_float
from discern.progress import NullReporter
from discern.runs.run import Run
from discern.runs.run_directory import RunDirectory
from tests.run_facts import QUICK, RecordingReporter, bundle, initial_weights, notices, settings_of


@pytest.fixture(scope="module")
def headed(
    apart: None, large: Path, keras_file: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Run, RecordingReporter]:
    recorder = RecordingReporter()
    out = tmp_path_factory.mktemp("runs") / "head"
    return train(large, weights=keras_file, finetune="head", epochs=3, out=out, **QUICK, reporter=recorder), recorder


def test_the_file_says_what_the_run_is(headed: tuple[Run, RecordingReporter], keras_file: Path) -> None:
    run, _recorder = headed
    config = settings_of(run)
    wanted = {
        "model": "mobilenet-0.25",
        "finetune": "head",
        "epochs": 3,
        "size": 96,
        "model_args": {"stem": "imagenet"},
    }
    wanted |= {"weights": str(keras_file), "mean": [0.5] * 3, "std": [0.5] * 3, "optimizer": "adamw"}
    assert {name: config[name] for name in wanted} == wanted
    assert "Training only the head on frozen-backbone features, with 2 versions of each image" in notices(run)
    assert (run.path / "checkpoint" / "start.safetensors").is_file()


def test_the_frozen_backbone_is_frozen_to_the_bit(headed: tuple[Run, RecordingReporter], keras_file: Path) -> None:
    run, _recorder = headed
    first, last = initial_weights(run), bundle(run)
    assert first.keys() == last.keys()
    assert {name for name in first if not torch.equal(first[name], last[name])} == {"fc.weight", "fc.bias"}
    file = load_file(keras_file)
    assert torch.equal(last["conv1.weight"], file["conv1/kernel"].permute(3, 2, 0, 1))
    assert torch.equal(last["bn1.running_var"], file["conv1_bn/moving_variance"])


def test_the_bundle_answers_as_its_head_on_the_features(headed: tuple[Run, RecordingReporter], large: Path) -> None:
    run, _recorder = headed
    classifier = run.classifier()
    pixels = np.stack([classifier.pixels(path) for path in sorted(large.rglob("*.png"))[:5]])
    with torch.no_grad():
        features = classifier.network.forward_features(
            normalize(to_float(torch.from_numpy(pixels)), classifier.card.preprocess)
        )
        logits = features @ bundle(run)["fc.weight"].T + bundle(run)["fc.bias"]
    assert np.allclose(classifier.probabilities(pixels), logits.softmax(1).numpy(), atol=1e-5)


def test_the_features_are_gone_when_the_run_ends(headed: tuple[Run, RecordingReporter]) -> None:
    run, recorder = headed
    assert not list(run.path.rglob("*.npy"))
    assert [event["phase"] for event in recorder.events if event["event"] == "epoch"] == ["head"] * 3


def test_a_finished_run_is_resumed_without_making_features(
    headed: tuple[Run, RecordingReporter], tmp_path: Path
) -> None:
    run = shutil.copytree(headed[0].path, tmp_path / "run")
    whats: list[str] = []
    again = train(resume=run, reporter=RecordingReporter(lambda what, _done: whats.append(what)))
    assert "predicting" in whats and not {"features", "training"} & set(whats)
    assert (again.path / "model.safetensors").read_bytes() == (headed[0].path / "model.safetensors").read_bytes()


def test_a_run_whose_first_weights_are_gone_does_not_begin_without_them(
    headed: tuple[Run, RecordingReporter], tmp_path: Path
) -> None:
    run = shutil.copytree(headed[0].path, tmp_path / "run")
    shutil.rmtree(run / "checkpoint")
    with pytest.raises(ModelError, match=r"start\.safetensors"):
        train(resume=run, reporter=NullReporter())


def test_the_command_in_the_report_makes_the_run_again(headed: tuple[Run, RecordingReporter]) -> None:
    report = (headed[0].path / "report.html").read_text(encoding="utf-8")
    assert "--weights" in report and "--finetune" in report and "--set" in report


# The head, then everything

BOTH: dict[str, Any] = {**QUICK, "epochs": 2, "size": 32, "checkpoint_seconds": 0, "lr": 0.02}


@pytest.fixture(scope="module")
def both(
    apart: None, small: Path, trained: Run, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Run, RecordingReporter]:
    recorder = RecordingReporter()
    out = tmp_path_factory.mktemp("runs") / "both"
    return train(small, weights=trained.path, finetune="head+all", out=out, **BOTH, reporter=recorder), recorder


def epochs_of(run: Run) -> list[dict[str, Any]]:
    timed = {"seconds", "images_per_second"}
    records = RunDirectory(run.path).read_events("epoch")
    return [{name: value for name, value in record.items() if name not in timed} for record in records]


def test_both_phases_are_counted_on(both: tuple[Run, RecordingReporter]) -> None:
    run, recorder = both
    records = epochs_of(run)
    assert [(record["epoch"], record["epochs"], record["phase"]) for record in records] == [
        (1, 4, "head"),
        (2, 4, "head"),
        (3, 4, "all"),
        (4, 4, "all"),
    ]
    kinds = [event["event"] for event in RunDirectory(run.path).read_events()]
    assert [kind for kind in kinds if kind != "notice"] == ["start", *["epoch"] * 4, "done"]
    assert run.result["epochs"] == 4
    starts = [event for event in recorder.events if event["event"] == "start"]
    assert [(event["epoch"], event["epochs"]) for event in starts] == [(0, 4), (2, 4)]
    assert "head on frozen-backbone features first" in notices(run)


def test_early_layers_move_less_than_late_ones(both: tuple[Run, RecordingReporter]) -> None:
    run, _recorder = both
    first, last = initial_weights(run), bundle(run)
    names = [name for name in first if name.endswith("conv1.weight") or name.endswith("conv2.weight")]
    moved = {name: float((last[name] - first[name]).norm() / first[name].norm()) for name in names}
    assert settings_of(run)["first_layer_lr_scale"] == 0.1
    early, late = moved["conv1.weight"], moved["layer4.1.conv2.weight"]
    assert 0 < early < late


class Stopper(RecordingReporter):
    """Dies, or asks to stop, after so many epochs and so many steps of the next."""

    def __init__(self, epochs: int, steps: int, how: str) -> None:
        super().__init__()
        self.left, self.steps, self.how = epochs, steps, how

    def event(self, event: dict[str, Any]) -> None:
        self.left -= event["event"] == "epoch"
        if self.left == self.steps == 0:
            self.stop()

    def progress(self, what: str, done: int, total: int) -> None:
        if (what, done, self.left) == ("training", self.steps, 0):
            self.stop()

    def stop(self) -> None:
        if self.how == "killed":
            raise SystemExit
        os.kill(os.getpid(), signal.SIGINT)


@pytest.mark.parametrize(
    "epochs, steps, how",
    [
        (0, 1, "interrupted"),
        (1, 0, "killed"),
        (2, 0, "killed"),
        (2, 1, "killed"),
        (2, 2, "interrupted"),
        (3, 0, "killed"),
        (3, 2, "interrupted"),
    ],
)
def test_a_run_stopped_in_either_phase_goes_on_to_the_same_bytes(
    both: tuple[Run, RecordingReporter], small: Path, trained: Run, tmp_path: Path, epochs: int, steps: int, how: str
) -> None:
    complete, _recorder = both
    run = tmp_path / "run"
    reporter = Stopper(epochs, steps, how)
    with pytest.raises(SystemExit if how == "killed" else Interrupted):
        train(small, weights=trained.path, finetune="head+all", out=run, **BOTH, reporter=reporter)
    assert not (run / "model.safetensors").exists()
    resumed = train(resume=run, reporter=NullReporter())
    assert (run / "model.safetensors").read_bytes() == (complete.path / "model.safetensors").read_bytes()
    assert epochs_of(resumed) == epochs_of(complete)
    assert not list(run.rglob("*.npy"))


def test_a_run_killed_while_it_makes_features_makes_them_again(
    both: tuple[Run, RecordingReporter], small: Path, trained: Run, tmp_path: Path
) -> None:
    def die(what: str, _done: int) -> None:
        if what == "features":
            raise SystemExit

    run = tmp_path / "run"
    with pytest.raises(SystemExit):
        train(small, weights=trained.path, finetune="head+all", out=run, **BOTH, reporter=RecordingReporter(die))
    assert not list(run.rglob("*.npy")) and not list(run.rglob("*.part"))
    train(resume=run, reporter=NullReporter())
    assert (run / "model.safetensors").read_bytes() == (both[0].path / "model.safetensors").read_bytes()
