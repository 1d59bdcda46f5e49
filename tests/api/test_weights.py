"""Training that starts from weights: official ones, a file, a run of one's own."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from torchvision.models import SqueezeNet1_1_Weights, squeezenet1_1

from discern.api.run import Run
from discern.api.train import train
from discern.api.weights import find_start
from discern.cli import main
from discern.errors import ModelError
from discern.models.table import build
from discern.progress import Watcher, silent
from discern.training.config import Config
from tests.hub import hub
from tests.keras_state import keras_state
from tests.pictures import make_folder
from tests.runs import QUICK, Heard, bundle, notices, start_of, written

WARM = ("purple", "orange")  # not the classes of the run that is started from


@pytest.fixture(autouse=True)
def no_other_weights(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DISCERN_DATA", raising=False)


@pytest.fixture(scope="module")
def other(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two classes of another name, larger than the run's."""
    folder = make_folder(tmp_path_factory.mktemp("data") / "other", n=10, size=48, classes=("red", "blue"))
    for old, new in zip(("red", "blue"), WARM, strict=True):
        (folder / old).rename(folder / new)
    return folder


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
    assert re.search(r"put mobilenetv1_100\.\S+ from https://\S+ into \S+weights, or name a file", sentence)
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
