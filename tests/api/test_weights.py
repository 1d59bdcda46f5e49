"""Training that starts from weights: official ones, a file, a run of one's own."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor
from torchvision.models import SqueezeNet1_1_Weights, squeezenet1_1

from discern.api.run import Run
from discern.api.train import train
from discern.api.weights import find_start
from discern.cli import main
from discern.errors import ModelError
from discern.models.table import build
from discern.preprocess.normalise import normalise, to_float
from discern.progress import Watcher, silent
from discern.run import RunDirectory
from discern.training.config import Config
from discern.training.interrupt import Interrupted
from tests.hub import hub
from tests.keras_state import keras_state
from tests.pictures import make_folder

KERAS_FILE = "mobilenet_v1_0.25_224_imagenet.safetensors"
QUICK: dict[str, Any] = {"precision": "fp32", "layout": "contiguous", "batch": 8, "passes": 1, "head_epochs": 2}
WARM = ("purple", "orange")  # not the classes of the run that is started from


class Heard(Watcher):
    """Keeps the events it is told; ``act`` hears of progress."""

    def __init__(self, act: Callable[[str, int], None] | None = None) -> None:
        self.events: list[dict[str, Any]] = []
        self.act = act

    def event(self, event: dict[str, Any]) -> None:
        self.events.append(event)

    def progress(self, what: str, done: int, total: int) -> None:
        if self.act is not None:
            self.act(what, done)


def notices(run: Run) -> str:
    return "\n".join(RunDirectory(run.path).read_config()["notices"])


def written(run: Run) -> dict[str, Any]:
    config: dict[str, Any] = RunDirectory(run.path).read_config()["config"]
    return config


def bundle(run: Run) -> dict[str, Tensor]:
    return load_file(run.path / "model.safetensors")


def start_of(run: Run) -> dict[str, Tensor]:
    return load_file(run.path / "checkpoint" / "start.safetensors")


@pytest.fixture(autouse=True)
def no_other_weights(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DISCERN_DATA", raising=False)


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_folder(tmp_path_factory.mktemp("data") / "large", n=8, size=96)


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_folder(tmp_path_factory.mktemp("data") / "small")


@pytest.fixture(scope="module")
def other(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two classes of another name, larger than the run's."""
    folder = make_folder(tmp_path_factory.mktemp("data") / "other", n=10, size=48, classes=("red", "blue"))
    for old, new in zip(("red", "blue"), WARM, strict=True):
        (folder / old).rename(folder / new)
    return folder


@pytest.fixture(scope="module")
def keras_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """MobileNet-0.25 as Keras publishes it, with random weights."""
    torch.manual_seed(0)
    path = tmp_path_factory.mktemp("weights") / KERAS_FILE
    save_file(keras_state(build("mobilenet-0.25", 1000, 3, 224)), path)
    return path


@pytest.fixture(scope="module")
def trained(small: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A run of one's own: three colours at 32 pixels."""
    out = tmp_path_factory.mktemp("runs") / "run"
    settings = {**QUICK, "size": 32, "resize": "pad"}
    return train(small, "resnet18-narrow", epochs=2, out=out, settings=settings, watch=Watcher())


# A head on a frozen backbone


@pytest.fixture(scope="module")
def headed(large: Path, keras_file: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Run, Heard]:
    heard = Heard()
    out = tmp_path_factory.mktemp("runs") / "head"
    return train(large, weights=keras_file, tune="head", epochs=3, out=out, settings=QUICK, watch=heard), heard


def test_the_file_says_what_the_run_is(headed: tuple[Run, Heard], keras_file: Path) -> None:
    run, _heard = headed
    config = written(run)
    wanted = {"model": "mobilenet-0.25", "tune": "head", "epochs": 3, "size": 96, "network": {"stem": "imagenet"}}
    wanted |= {"weights": str(keras_file), "mean": [0.5] * 3, "std": [0.5] * 3, "optimizer": "adamw"}
    assert {name: config[name] for name in wanted} == wanted
    assert "Training the head alone" in notices(run) and "1 times shifted or mirrored" in notices(run)
    assert (run.path / "checkpoint" / "start.safetensors").is_file()


def test_the_frozen_backbone_is_frozen_to_the_bit(headed: tuple[Run, Heard], keras_file: Path) -> None:
    run, _heard = headed
    first, last = start_of(run), bundle(run)
    assert first.keys() == last.keys()
    assert {name for name in first if not torch.equal(first[name], last[name])} == {"fc.weight", "fc.bias"}
    file = load_file(keras_file)
    assert torch.equal(last["conv1.weight"], file["conv1/kernel"].permute(3, 2, 0, 1))
    assert torch.equal(last["bn1.running_var"], file["conv1_bn/moving_variance"])


def test_the_bundle_answers_as_its_head_on_the_features(headed: tuple[Run, Heard], large: Path) -> None:
    run, _heard = headed
    classifier = run.classifier()
    pixels = np.stack([classifier.pixels(path) for path in sorted(large.rglob("*.png"))[:5]])
    with torch.no_grad():
        features = classifier.network.encode(normalise(to_float(torch.from_numpy(pixels)), classifier.card.preprocess))
        logits = features @ bundle(run)["fc.weight"].T + bundle(run)["fc.bias"]
    assert np.allclose(classifier.probabilities(pixels), logits.softmax(1).numpy(), atol=1e-5)


def test_the_features_are_gone_when_the_run_ends(headed: tuple[Run, Heard]) -> None:
    run, heard = headed
    assert not list(run.path.rglob("*.npy"))
    assert [event["phase"] for event in heard.events if event["event"] == "epoch"] == ["head"] * 3


def test_a_finished_run_is_resumed_without_making_features(headed: tuple[Run, Heard], tmp_path: Path) -> None:
    run = shutil.copytree(headed[0].path, tmp_path / "run")
    whats: list[str] = []
    again = train(resume=run, watch=Heard(lambda what, _done: whats.append(what)))
    assert "predicting" in whats and not {"features", "training"} & set(whats)
    assert (again.path / "model.safetensors").read_bytes() == (headed[0].path / "model.safetensors").read_bytes()


def test_a_run_whose_first_weights_are_gone_does_not_begin_without_them(
    headed: tuple[Run, Heard], tmp_path: Path
) -> None:
    run = shutil.copytree(headed[0].path, tmp_path / "run")
    shutil.rmtree(run / "checkpoint")
    with pytest.raises(ModelError, match=r"no weights file .*start\.safetensors"):
        train(resume=run, watch=Watcher())


def test_the_command_in_the_report_makes_the_run_again(headed: tuple[Run, Heard]) -> None:
    report = (headed[0].path / "report.html").read_text(encoding="utf-8")
    assert "--set" in report and "weights=" in report and "tune=" in report


# The head, then everything

BOTH: dict[str, Any] = {**QUICK, "epochs": 2, "size": 32, "checkpoint_seconds": 0, "lr": 0.02}


@pytest.fixture(scope="module")
def both(small: Path, trained: Run, tmp_path_factory: pytest.TempPathFactory) -> tuple[Run, Heard]:
    heard = Heard()
    out = tmp_path_factory.mktemp("runs") / "both"
    return train(small, weights=trained.path, tune="head+all", out=out, settings=BOTH, watch=heard), heard


def epochs_of(run: Run) -> list[dict[str, Any]]:
    timed = {"seconds", "images_per_second"}
    records = RunDirectory(run.path).read_events("epoch")
    return [{name: value for name, value in record.items() if name not in timed} for record in records]


def test_both_phases_are_counted_on(both: tuple[Run, Heard]) -> None:
    run, heard = both
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
    starts = [event for event in heard.events if event["event"] == "start"]
    assert [(event["epoch"], event["epochs"]) for event in starts] == [(0, 4), (2, 4)]
    assert "head on a frozen backbone first" in notices(run)


def test_early_layers_move_less_than_late_ones(both: tuple[Run, Heard]) -> None:
    run, _heard = both
    first, last = start_of(run), bundle(run)
    names = [name for name in first if name.endswith("conv1.weight") or name.endswith("conv2.weight")]
    moved = {name: float((last[name] - first[name]).norm() / first[name].norm()) for name in names}
    assert written(run)["early_rate"] == 0.1
    early, late = moved["conv1.weight"], moved["layer4.1.conv2.weight"]
    assert 0 < early < late


class Stopper(Heard):
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
        (0, 2, "interrupted"),
        (1, 0, "killed"),
        (2, 0, "killed"),
        (2, 1, "killed"),
        (2, 2, "interrupted"),
        (3, 0, "killed"),
        (3, 2, "interrupted"),
    ],
)
def test_a_run_stopped_in_either_phase_goes_on_to_the_same_bytes(
    both: tuple[Run, Heard], small: Path, trained: Run, tmp_path: Path, epochs: int, steps: int, how: str
) -> None:
    whole, _heard = both
    run = tmp_path / "run"
    watch = Stopper(epochs, steps, how)
    with pytest.raises(SystemExit if how == "killed" else Interrupted):
        train(small, weights=trained.path, tune="head+all", out=run, settings=BOTH, watch=watch)
    assert not (run / "model.safetensors").exists()
    resumed = train(resume=run, watch=Watcher())
    assert (run / "model.safetensors").read_bytes() == (whole.path / "model.safetensors").read_bytes()
    assert epochs_of(resumed) == epochs_of(whole)
    assert not list(run.rglob("*.npy"))


def test_a_run_killed_while_it_makes_features_makes_them_again(
    both: tuple[Run, Heard], small: Path, trained: Run, tmp_path: Path
) -> None:
    def die(what: str, _done: int) -> None:
        if what == "features":
            raise SystemExit

    run = tmp_path / "run"
    with pytest.raises(SystemExit):
        train(small, weights=trained.path, tune="head+all", out=run, settings=BOTH, watch=Heard(die))
    assert not list(run.rglob("*.npy")) and not list(run.rglob("*.part"))
    train(resume=run, watch=Watcher())
    assert (run / "model.safetensors").read_bytes() == (both[0].path / "model.safetensors").read_bytes()


# From a run of one's own


@pytest.mark.parametrize("tune", ["head", "all"])
def test_a_run_is_started_from_by_other_data(trained: Run, other: Path, tmp_path: Path, tune: str) -> None:
    run = train(other, weights=trained.path, tune=tune, epochs=1, out=tmp_path / "run", settings=QUICK, watch=Watcher())
    before, after = (json.loads((r.path / "model.json").read_text()) for r in (trained, run))
    assert after["classes"] == sorted(WARM)
    assert (after["model"], after["preprocess"]) == ("resnet18-narrow", before["preprocess"])
    assert after["preprocess"]["size"] == 32 and after["preprocess"]["mode"] == "pad"
    assert after["network"]["stem"] == "small"
    mine, its = start_of(run), bundle(trained)
    assert mine["fc.weight"].shape[0] == 2
    assert all(torch.equal(mine[name], its[name]) for name in its if not name.startswith("fc."))
    assert written(run)["weights"] == str(trained.path)


@pytest.mark.parametrize("part", ["model.safetensors", "model.json", ""])
def test_a_bundle_goes_by_any_of_its_files(trained: Run, tmp_path: Path, part: str) -> None:
    folder = tmp_path / "copied"
    folder.mkdir()
    for name in ("model.safetensors", "model.json"):
        shutil.copy(trained.path / name, folder)
    start, told = find_start(Config(weights=str(folder / part)), 400, silent)
    assert start is not None and told == []
    assert (start.settings["model"], start.settings["size"]) == ("resnet18-narrow", 32)


def test_a_run_of_another_network_says_so(trained: Run, other: Path, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="holds a resnet18-narrow, not a lenet: leave --model out, or name it so"):
        train(other, "lenet", weights=trained.path, out=tmp_path / "run", watch=Watcher())
    assert not (tmp_path / "run").exists()


def test_code_that_a_bundle_names_is_not_run(trained: Run, tmp_path: Path) -> None:
    folder = shutil.copytree(trained.path, tmp_path / "bundle")
    (folder / "net.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w').close()\ndef net(classes): ...\n")
    card = json.loads((folder / "model.json").read_text())
    (folder / "model.json").write_text(json.dumps({**card, "model": f"{folder / 'net.py'}:net"}))
    with pytest.raises(ModelError, match="which a bundle does not carry: add --model"):
        find_start(Config(weights=str(folder)), 400, silent)
    assert not (tmp_path / "ran").exists()


# From a hub


def test_torchvisions_weights_are_fetched_and_trained_on(
    online: None, large: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    torch.manual_seed(0)
    state = squeezenet1_1(weights=None).state_dict()
    torch.save(state, tmp_path / "weights.pth")
    content = (tmp_path / "weights.pth").read_bytes()
    file = f"/squeezenet1_1-{hashlib.sha256(content).hexdigest()[:8]}.pth"
    heard: list[str] = []
    with hub({file: content}) as (address, asked):
        monkeypatch.setattr(SqueezeNet1_1_Weights.DEFAULT.value, "url", address + file)
        run = train(
            large,
            "squeezenet1.1",
            epochs=1,
            pretrained=True,
            tune="head",
            out=tmp_path / "run",
            settings=QUICK,
            watch=Heard(lambda what, _done: heard.append(what)),
        )
    assert asked == [("GET", file)]
    assert f"downloading {file[1:]}" in heard
    assert torch.equal(bundle(run)["features.0.weight"], state["features.0.weight"])
    assert written(run)["mean"] == [0.485, 0.456, 0.406]
    assert written(run)["weights"].endswith(file)


def test_a_transformer_keeps_the_size_that_its_weights_are_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import timm

    name = "test_vit"
    tag = timm.get_pretrained_cfg(name).hf_hub_id.rpartition("/")[2]
    save_file(timm.create_model(name, pretrained=False).state_dict(), tmp_path / f"{tag}.safetensors")
    monkeypatch.setenv("DISCERN_WEIGHTS", str(tmp_path))
    start, _told = find_start(Config(weights="official", model=f"timm:{name}"), 400, silent)
    assert start is not None
    assert start.settings["size"] == timm.get_pretrained_cfg(name).input_size[1]
    network = build(f"timm:{name}", 3, 3, start.settings["size"])
    start.fill(network)
    assert torch.equal(network.state_dict()["pos_embed"], start.tensors["pos_embed"])


# Without a word about weights


def test_photographs_are_begun_from_weights_at_hand(
    large: Path, keras_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DISCERN_WEIGHTS", str(keras_file.parent))
    run = train(large, epochs=1, out=tmp_path / "run", settings=QUICK, watch=Watcher())
    assert (written(run)["model"], written(run)["tune"]) == ("mobilenet-0.25", "head")
    assert f"Transferring from mobilenet-0.25 trained on ImageNet ({keras_file})" in notices(run)
    assert "--model NAME trains another from scratch" in notices(run)


def test_photographs_without_weights_are_trained_from_scratch_and_it_says_how_to_get_some(
    large: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DISCERN_WEIGHTS", str(tmp_path / "none"))
    start, told = find_start(Config(), 96, silent)
    assert start is None
    (sentence,) = told
    assert "Training from scratch" in sentence and "DISCERN_OFFLINE is set" in sentence
    assert re.search(rf"put {KERAS_FILE} into .*weights, or name a file with --weights", sentence)
    settings = {**QUICK, "size": 28}
    run = train(large, epochs=1, out=tmp_path / "run", settings=settings, watch=Watcher())
    assert sentence in notices(run)
    assert (written(run)["model"], written(run)["weights"], written(run)["tune"]) == ("resnet18", "", "all")
    assert not (run.path / "checkpoint" / "start.safetensors").exists()


@pytest.mark.parametrize(
    "asked, side",
    [
        ({}, 64),
        ({"model": "resnet18"}, 400),
        ({"recipe": "lecture"}, 400),
        ({"channels": 1}, 400),
        ({"network": {"width": 0.5}}, 400),
    ],
    ids=str,
)
def test_what_is_not_begun_from_weights_unless_asked(
    keras_file: Path, monkeypatch: pytest.MonkeyPatch, asked: dict[str, Any], side: int
) -> None:
    monkeypatch.setenv("DISCERN_WEIGHTS", str(keras_file.parent))
    assert find_start(Config.model_validate(asked), side, silent) == (None, [])


def test_the_best_mobilenet_at_hand_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for width in (0.25, 0.5):
        network = build("mobilenet-0.25" if width == 0.25 else "mobilenet-0.5", 1000, 3, 224)
        save_file(keras_state(network), tmp_path / f"mobilenet_v1_{width}_224_imagenet.safetensors")
    monkeypatch.setenv("DISCERN_WEIGHTS", str(tmp_path))
    start, _told = find_start(Config(), 400, silent)
    assert start is not None
    assert start.settings["model"] == "mobilenet-0.5"


def test_the_hubs_mobilenet_is_taken_where_none_is_at_hand(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import timm

    name = "mobilenetv1_100"
    tag = timm.get_pretrained_cfg(name).hf_hub_id.rpartition("/")[2]
    save_file(timm.create_model(name, pretrained=False).state_dict(), tmp_path / f"{tag}.safetensors")
    monkeypatch.setenv("DISCERN_WEIGHTS", str(tmp_path))
    start, told = find_start(Config(), 400, silent)
    assert start is not None
    assert start.settings["model"] == f"timm:{name}" and "Transferring from timm:mobilenetv1_100" in told[0]
    network = build(f"timm:{name}", 3, 3, 96)
    start.fill(network)
    assert network.heads == ("classifier",)
    assert torch.equal(network.state_dict()["conv_stem.weight"], start.tensors["conv_stem.weight"])


# What is wrong


def broken(folder: Path, trained: Run) -> None:
    shutil.copytree(trained.path, folder / "broken")
    path = folder / "broken" / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-9])
    (folder / "empty").mkdir()
    unfinished = folder / "unfinished"
    unfinished.mkdir()
    shutil.copy(trained.path / "config.json", unfinished)
    save_file({"a.weight": torch.zeros(2)}, folder / "unclear.safetensors")
    (folder / "cut.safetensors").write_bytes(b"\x10\x00")
    save_file(build("lenet", 10).state_dict(), folder / "lenet.safetensors")


WRONG = {
    "both kinds of weights": (["--pretrained", "--weights", "{tmp}/lenet.safetensors"], "give one of them"),
    "a head without weights": (["--tune", "head"], "--tune head needs weights to start from: add --pretrained"),
    "both phases without weights": (["--tune", "head+all"], "--tune head+all needs weights"),
    "no such part": (["--tune", "tail"], "tune=tail is not allowed: one of all, head, head+all"),
    "an unclear network": (["--weights", "{tmp}/unclear.safetensors"], "unclear.safetensors is for: add --model NAME"),
    "no such file": (["--weights", "{tmp}/nowhere"], "no weights file {tmp}/nowhere"),
    "a folder that is no run": (["--weights", "{tmp}/empty"], "it needs model.json and model.safetensors"),
    "a run that did not end": (["--weights", "{tmp}/unfinished"], "its training did not end"),
    "a broken bundle": (["--weights", "{tmp}/broken"], "cut short or changed"),
    "a file cut short": (["--weights", "{tmp}/cut.safetensors", "--model", "lenet"], "not a whole weights file"),
    "another network": (["--weights", "{tmp}/lenet.safetensors", "--model", "resnet18-narrow"], "does not fit"),
    "no official weights": (["--pretrained", "--model", "lenet"], "no official weights for lenet"),
    "a hub out of reach": (["--pretrained", "--model", "resnet18"], "put resnet18-f37072fd.pth into"),
    "weights when resuming": (["--weights", "{tmp}/lenet.safetensors", "--resume", "{tmp}/unfinished"], "--resume"),
}


@pytest.mark.parametrize("case", WRONG)
def test_one_sentence_and_exit_code_2(
    case: str,
    small: Path,
    trained: Run,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    broken(tmp_path, trained)
    arguments, expected = WRONG[case]
    given = [argument.format(tmp=tmp_path) for argument in arguments]
    data = [] if "--resume" in given else [str(small)]
    monkeypatch.setattr(sys, "argv", ["discern", "train", *data, *given])
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as stopped:
        main()
    shown = capsys.readouterr()
    last = shown.err.strip().splitlines()[-1]
    assert stopped.value.code == 2
    assert "Traceback" not in shown.err and not shown.out
    assert last.startswith("Error: ") and expected.format(tmp=tmp_path) in last
    assert not (tmp_path / "runs").exists()
