from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import nn

from discern.errors import ModelError
from discern.models.table import build
from discern.models.weights import load_weights, read_weights, save_weights


def test_metadata_and_memory_format_do_not_matter(tmp_path: Path) -> None:
    network = build("cnn-course", 3).to(memory_format=torch.channels_last)
    save_weights(network, tmp_path / "a.safetensors", {"name": "cnn-course"})
    state = read_weights(tmp_path / "a.safetensors")
    assert all(torch.equal(tensor, state[name]) for name, tensor in network.state_dict().items())


def test_torchvisions_pth_is_read_as_data(tmp_path: Path) -> None:
    network = build("resnet18-narrow", 10)
    older = {name: t for name, t in network.state_dict().items() if not name.endswith("num_batches_tracked")}
    torch.save(older, tmp_path / "resnet.pth")
    other = build("resnet18-narrow", 10)
    load_weights(other, tmp_path / "resnet.pth")
    assert torch.equal(other.head.weight, network.head.weight)


def test_pth_with_code_is_refused(tmp_path: Path) -> None:
    torch.save(nn.Linear(2, 2), tmp_path / "whole.pth")
    with pytest.raises(ModelError, match="more than tensors"):
        read_weights(tmp_path / "whole.pth")


def test_pth_of_something_else_is_refused(tmp_path: Path) -> None:
    torch.save({"epoch": 3}, tmp_path / "checkpoint.pth")
    with pytest.raises(ModelError, match="not a whole weights file"):
        read_weights(tmp_path / "checkpoint.pth")


def test_missing_file(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="no weights file"):
        read_weights(tmp_path / "none.safetensors")


@pytest.mark.parametrize("suffix", [".safetensors", ".pth"])
@pytest.mark.parametrize("kept", [0, 7, 1000])
def test_file_cut_short(tmp_path: Path, suffix: str, kept: int) -> None:
    whole = tmp_path / f"whole{suffix}"
    network = build("sample", 10)
    if suffix == ".pth":
        torch.save(network.state_dict(), whole)
    else:
        save_weights(network, whole)
    cut = tmp_path / f"cut{suffix}"
    cut.write_bytes(whole.read_bytes()[:kept])
    with pytest.raises(ModelError, match=r"not a whole weights file|more than tensors"):
        read_weights(cut)


def test_mismatch_names_the_first_of_each_kind(tmp_path: Path) -> None:
    path = tmp_path / "lenet.safetensors"
    save_weights(build("lenet", 10, channels=1), path)
    with pytest.raises(ModelError) as caught:
        load_weights(build("sample", 10), path)
    sentence = str(caught.value)
    assert "missing: conv1.weight, conv1.bias, conv2.weight and 7 more" in sentence
    assert "unexpected: " in sentence
    with pytest.raises(ModelError, match=r"another shape: fc\.weight is 10x84, not 3x84, fc\.bias is 10, not 3"):
        load_weights(build("lenet", 3, channels=1), path)


def test_failed_load_changes_nothing(tmp_path: Path) -> None:
    save_weights(build("lenet", 10, channels=1), tmp_path / "lenet.safetensors")
    network = build("lenet", 3, channels=1)
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    with pytest.raises(ModelError):
        load_weights(network, tmp_path / "lenet.safetensors")
    assert all(torch.equal(before[name], tensor) for name, tensor in network.state_dict().items())
