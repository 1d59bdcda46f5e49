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

from discern.api.train import train
from discern.cli import main
from discern.errors import ModelError
from discern.models.registry import build_model
from discern.progress import NullReporter, ignore_progress
from discern.runs.initial_weights import find_initial_weights, locate_weights
from discern.runs.run import Run
from discern.training.config import make_config
from tests.hub import hub
from tests.images import make_folder
from tests.keras_state import keras_state
from tests.run_facts import QUICK, RecordingReporter, bundle, initial_weights, notices, settings_of

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


@pytest.mark.parametrize("finetune", ["head", "all"])
def test_a_run_is_started_from_by_other_data(trained: Run, other: Path, tmp_path: Path, finetune: str) -> None:
    run = train(
        other, weights=trained.path, finetune=finetune, epochs=1, out=tmp_path / "run", **QUICK, reporter=NullReporter()
    )
    before, after = (json.loads((r.path / "model.json").read_text()) for r in (trained, run))
    assert after["classes"] == sorted(WARM)
    assert (after["model"], after["preprocess"]) == ("resnet18-narrow", before["preprocess"])
    assert after["preprocess"]["size"] == 32 and after["preprocess"]["resize"] == "pad"
    assert after["model_args"]["stem"] == "small"
    mine, its = initial_weights(run), bundle(trained)
    assert mine["fc.weight"].shape[0] == 2
    assert all(torch.equal(mine[name], its[name]) for name in its if not name.startswith("fc."))
    assert settings_of(run)["weights"] == str(trained.path)


@pytest.mark.parametrize("part", ["model.safetensors", "model.json", ""])
def test_a_bundle_goes_by_any_of_its_files(trained: Run, tmp_path: Path, part: str) -> None:
    folder = tmp_path / "copied"
    folder.mkdir()
    for name in ("model.safetensors", "model.json"):
        shutil.copy(trained.path / name, folder)
    initial, notes = find_initial_weights(make_config(weights=str(folder / part)), 400, ignore_progress)
    assert initial is not None and notes == ()
    assert (initial.settings["model"], initial.settings["size"]) == ("resnet18-narrow", 32)


def test_a_run_of_another_network_says_so(trained: Run, other: Path, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="holds a resnet18-narrow, not a lenet: leave --model out"):
        train(other, "lenet", weights=trained.path, out=tmp_path / "run", reporter=NullReporter())
    assert not (tmp_path / "run").exists()


def test_code_that_a_bundle_names_is_not_run(trained: Run, tmp_path: Path) -> None:
    folder = shutil.copytree(trained.path, tmp_path / "bundle")
    (folder / "net.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w').close()\ndef net(classes): ...\n")
    card = json.loads((folder / "model.json").read_text())
    (folder / "model.json").write_text(json.dumps({**card, "model": f"{folder / 'net.py'}:net"}))
    with pytest.raises(ModelError, match="which a bundle does not carry: add --model"):
        find_initial_weights(make_config(weights=str(folder)), 400, ignore_progress)
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
    recorder: list[str] = []
    with hub({file: content}) as (address, asked):
        monkeypatch.setattr(SqueezeNet1_1_Weights.DEFAULT.value, "url", address + file)
        run = train(
            large,
            "squeezenet1.1",
            epochs=1,
            pretrained=True,
            finetune="head",
            out=tmp_path / "run",
            **QUICK,
            reporter=RecordingReporter(lambda what, _done: recorder.append(what)),
        )
    assert asked == [("GET", file)]
    assert f"downloading {file[1:]}" in recorder
    assert torch.equal(bundle(run)["features.0.weight"], state["features.0.weight"])
    assert settings_of(run)["mean"] == [0.485, 0.456, 0.406]
    assert settings_of(run)["weights"].endswith(file)


def test_a_transformer_keeps_the_size_that_its_weights_are_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import timm

    name = "test_vit"
    tag = timm.get_pretrained_cfg(name).hf_hub_id.rpartition("/")[2]
    save_file(timm.create_model(name, pretrained=False).state_dict(), tmp_path / f"{tag}.safetensors")
    monkeypatch.setenv("DISCERN_WEIGHTS", str(tmp_path))
    initial, _notices = find_initial_weights(
        make_config(weights="official", model=f"timm:{name}"), 400, ignore_progress
    )
    assert initial is not None
    assert initial.settings["size"] == timm.get_pretrained_cfg(name).input_size[1]
    network = build_model(f"timm:{name}", 3, 3, initial.settings["size"])
    initial.load_into(network)
    assert torch.equal(network.state_dict()["pos_embed"], initial.tensors["pos_embed"])


# Without a word about weights


def test_photographs_are_begun_from_weights_at_hand(
    large: Path, keras_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DISCERN_WEIGHTS", str(keras_file.parent))
    run = train(large, epochs=1, out=tmp_path / "run", **QUICK, reporter=NullReporter())
    assert (settings_of(run)["model"], settings_of(run)["finetune"]) == ("mobilenet-0.25", "head")
    assert f"Transfer learning from mobilenet-0.25 trained on ImageNet ({keras_file})" in notices(run)
    assert "--model NAME trains another from scratch" in notices(run)


def test_photographs_without_weights_are_trained_from_scratch_and_it_says_how_to_get_some(
    large: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DISCERN_WEIGHTS", str(tmp_path / "none"))
    initial, (notice,) = find_initial_weights(make_config(), 96, ignore_progress)
    assert initial is None
    sentence = notice.text()
    assert "Training from scratch" in sentence and "DISCERN_OFFLINE is set" in sentence
    assert re.search(r"put mobilenetv1_100\.\S+ from https://\S+ into \S+weights, or name a file", sentence)
    settings = {**QUICK, "size": 28}
    run = train(large, epochs=1, out=tmp_path / "run", **settings, reporter=NullReporter())
    assert sentence in notices(run)
    assert (settings_of(run)["model"], settings_of(run)["weights"], settings_of(run)["finetune"]) == (
        "resnet18",
        "",
        "all",
    )
    assert not (run.path / "checkpoint" / "start.safetensors").exists()


@pytest.mark.parametrize(
    "requested, side",
    [
        ({}, 64),
        ({"model": "resnet18"}, 400),
        ({"recipe": "lecture"}, 400),
        ({"channels": 1}, 400),
        ({"width": 0.5}, 400),
    ],
    ids=str,
)
def test_what_is_not_begun_from_weights_unless_asked(
    keras_file: Path, monkeypatch: pytest.MonkeyPatch, requested: dict[str, Any], side: int
) -> None:
    monkeypatch.setenv("DISCERN_WEIGHTS", str(keras_file.parent))
    assert find_initial_weights(make_config(**requested), side, ignore_progress) == (None, ())


def test_the_best_mobilenet_at_hand_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for width in (0.25, 0.5):
        network = build_model("mobilenet-0.25" if width == 0.25 else "mobilenet-0.5", 1000, 3, 224)
        save_file(keras_state(network), tmp_path / f"mobilenet_v1_{width}_224_imagenet.safetensors")
    monkeypatch.setenv("DISCERN_WEIGHTS", str(tmp_path))
    initial, _notices = find_initial_weights(make_config(), 400, ignore_progress)
    assert initial is not None
    assert initial.settings["model"] == "mobilenet-0.5"


def test_the_hubs_mobilenet_is_taken_where_none_is_at_hand(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import timm

    name = "mobilenetv1_100"
    tag = timm.get_pretrained_cfg(name).hf_hub_id.rpartition("/")[2]
    save_file(timm.create_model(name, pretrained=False).state_dict(), tmp_path / f"{tag}.safetensors")
    monkeypatch.setenv("DISCERN_WEIGHTS", str(tmp_path))
    initial, (notice,) = find_initial_weights(make_config(), 400, ignore_progress)
    assert initial is not None
    assert (
        initial.settings["model"] == f"timm:{name}" and "Transfer learning from timm:mobilenetv1_100" in notice.text()
    )
    network = build_model(f"timm:{name}", 3, 3, 96)
    initial.load_into(network)
    assert network.heads == ("classifier",)
    assert torch.equal(network.state_dict()["conv_stem.weight"], initial.tensors["conv_stem.weight"])


# By name


@pytest.mark.parametrize("name", ["mine.safetensors", "mine"])
@pytest.mark.parametrize("place", ["DISCERN_WEIGHTS", "DISCERN_DATA", "DISCERN_CACHE"])
def test_a_name_is_found_in_the_folders_of_weights(
    name: str, place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "weights"
    folder.mkdir()
    (folder / "mine.safetensors").touch()
    own = {"DISCERN_WEIGHTS": folder, "DISCERN_DATA": tmp_path / "data", "DISCERN_CACHE": tmp_path}
    monkeypatch.setenv(place, str(own[place]))
    assert locate_weights(name) == folder / "mine.safetensors"


def test_a_path_comes_before_a_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for folder in ("here", "weights"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "mine.pth").touch()
    monkeypatch.chdir(tmp_path / "here")
    monkeypatch.setenv("DISCERN_WEIGHTS", str(tmp_path / "weights"))
    assert locate_weights("mine.pth") == Path("mine.pth")


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
    save_file(build_model("lenet", 10).state_dict(), folder / "lenet.safetensors")


WRONG = {
    "both kinds of weights": (["--pretrained", "--weights", "{tmp}/lenet.safetensors"], "use one of them"),
    "a head without weights": (["--finetune", "head"], "--finetune head needs weights to start from: add --pretrained"),
    "both phases without weights": (["--finetune", "head+all"], "--finetune head+all needs weights"),
    "no such part": (["--finetune", "tail"], "finetune=tail is not allowed: one of all, head, head+all"),
    "an unclear network": (["--weights", "{tmp}/unclear.safetensors"], "unclear.safetensors is for: add --model NAME"),
    "no such file": (["--weights", "{tmp}/nowhere"], "There are no weights {tmp}/nowhere: give a path"),
    "a folder that is no run": (["--weights", "{tmp}/empty"], "it needs model.json and model.safetensors"),
    "an unfinished run": (["--weights", "{tmp}/unfinished"], "training is unfinished"),
    "a broken bundle": (["--weights", "{tmp}/broken"], "is truncated or corrupt (its checksum differs)"),
    "a file cut short": (["--weights", "{tmp}/cut.safetensors", "--model", "lenet"], "truncated or corrupt"),
    "another network": (["--weights", "{tmp}/lenet.safetensors", "--model", "resnet18-narrow"], "does not fit"),
    "no official weights": (["--pretrained", "--model", "lenet"], "no official weights for lenet"),
    "a hub out of reach": (["--pretrained", "--model", "resnet18"], "put resnet18-f37072fd.pth from"),
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
