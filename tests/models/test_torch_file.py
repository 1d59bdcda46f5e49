"""Files of other trainers give their weights, and run nothing."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from discern.errors import ModelError
from discern.models.torch_file import read_torch_file
from discern.models.weights import load_weights, locate_state

RAN: list[str] = []


class Settings:
    """Of a trainer: torch does not read it."""

    def __init__(self) -> None:
        RAN.append("made")
        self.lr = 0.1

    def __setstate__(self, state: dict[str, Any]) -> None:
        RAN.append("read")


class OwnDict(dict[str, Any]):
    """Torch fills no dictionaries of other classes."""


def network() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4))


def wrappers() -> dict[str, tuple[Any, str]]:
    """What trainers save, and where the weights lie in it."""
    net, other = network(), nn.Linear(2, 2).state_dict()
    state = net.state_dict()
    trained = network()
    optimizer = torch.optim.AdamW(trained.parameters())
    trained(torch.zeros(2, 3, 8, 8)).sum().backward()
    optimizer.step()
    prefixed = {f"model.{name}": tensor for name, tensor in state.items()}
    return {
        "plain.bin": (state, ""),
        "parallel.pth.tar": ({"epoch": 3, "arch": "x", "state_dict": nn.DataParallel(net).state_dict()}, "state_dict"),
        "lightning.ckpt": (
            {
                "hyper_parameters": argparse.Namespace(lr=1, own=Settings()),
                "state_dict": {**prefixed, "loss.weight": torch.ones(2)},
                "optimizer_states": [optimizer.state_dict()],
            },
            "state_dict",
        ),
        "fastai.pth": ({"model": state, "opt": {"state": {}, "hypers": [Settings()]}}, "model"),
        "averaged.pt": ({"ema": other, "optimizer": optimizer.state_dict(), "model": state}, "model"),
        "compiled.pt": ({"model": {f"_orig_mod.{name}": tensor for name, tensor in state.items()}}, "model"),
        "deep.bin": ({"checkpoint": {"net": state}, "path": Path("a")}, "checkpoint.net"),
    }


@pytest.mark.parametrize("name", wrappers())
def test_weights_in_what_trainers_save(name: str, tmp_path: Path) -> None:
    content, place = wrappers()[name]
    torch.save(content, tmp_path / name)
    RAN.clear()
    assert locate_state(tmp_path / name)[1] == place
    loaded = network()
    nn.init.zeros_(loaded[0].weight)  # type: ignore[arg-type]
    load_weights(loaded, tmp_path / name)
    assert all(torch.equal(a, b) for a, b in zip(loaded.parameters(), network().parameters(), strict=True))
    assert not RAN


def test_a_safetensors_file_by_another_name(tmp_path: Path) -> None:
    from safetensors.torch import save_file

    save_file(network().state_dict(), tmp_path / "weights.bin")
    assert locate_state(tmp_path / "weights.bin")[0].keys() == network().state_dict().keys()


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (network(), "contains more than tensors and is not opened"),
        ({"model": network()}, "contains more than tensors and is not opened"),
        ({"model": Settings()}, "contains more than tensors and is not opened"),
        ({"model": OwnDict(a=1)}, "contains more than tensors and is not opened"),
        ({"epoch": 3, "best": 0.5}, r"holds no weights \(epoch, best\)"),
        ([torch.zeros(1)], "contains more than tensors"),
        ({}, "holds no weights"),
    ],
)
def test_no_weights(content: Any, sentence: str, tmp_path: Path) -> None:
    torch.save(content, tmp_path / "a.ckpt")
    RAN.clear()
    with pytest.raises(ModelError, match=sentence):
        read_torch_file(tmp_path / "a.ckpt")
    assert not RAN


def test_an_older_file_with_other_classes_is_refused(tmp_path: Path) -> None:
    torch.save({"model": network().state_dict()}, tmp_path / "a.pth", _use_new_zipfile_serialization=False)
    assert locate_state(tmp_path / "a.pth")[1] == "model"
    torch.save({"model": Settings()}, tmp_path / "a.pth", _use_new_zipfile_serialization=False)
    with pytest.raises(ModelError, match="contains more than tensors"):
        read_torch_file(tmp_path / "a.pth")
