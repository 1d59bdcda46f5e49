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


def test_the_first_that_is_missing_is_named_alone() -> None:
    network = build("lenet", 10, channels=1)
    state = dict(network.state_dict())
    del state["fc.bias"]
    with pytest.raises(ModelError, match=r"^here does not fit the network \(missing: fc\.bias\): build the network"):
        load_weights(network, state, "here")


def test_a_new_head_keeps_what_it_has() -> None:
    """The file's head is for other classes; all else must fit."""
    trained, network = build("lenet", 10, channels=1), build("lenet", 3, channels=1)
    fresh = {name: tensor.clone() for name, tensor in network.head.state_dict().items()}
    load_weights(network, trained.state_dict(), "here", new=network.heads)
    assert all(torch.equal(fresh[name], tensor) for name, tensor in network.head.state_dict().items())
    wanted = {name: tensor for name, tensor in trained.state_dict().items() if not name.startswith("fc.")}
    assert all(torch.equal(network.state_dict()[name], tensor) for name, tensor in wanted.items())
    load_weights(network, wanted, "here", new=network.heads)
    with pytest.raises(ModelError, match=r"missing: fc\.weight, fc\.bias\)"):
        load_weights(network, wanted, "here")


def test_auxiliary_heads_are_new_as_well() -> None:
    network, other = (build("googlenet", classes, size=32) for classes in (3, 5))
    load_weights(network, other.state_dict(), "here", new=network.heads)
    assert network.heads == ("fc", "aux1", "aux2")
    assert network.get_parameter("aux2.fc2.weight").shape[0] == 3
    assert not torch.equal(network.get_parameter("aux1.conv.conv.weight"), other.get_parameter("aux1.conv.conv.weight"))


def test_new_names_a_module_and_not_the_beginning_of_a_name() -> None:
    class Two(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.fc, self.fc2 = nn.Linear(2, 2), nn.Linear(2, 2)

    one, other = Two(), Two()
    load_weights(other, one.state_dict(), "here", new=("fc",))
    assert torch.equal(one.fc2.weight, other.fc2.weight)
    assert not torch.equal(one.fc.weight, other.fc.weight)


@pytest.mark.parametrize("where", [4, 9, 60, -5])
def test_a_safetensors_file_with_a_wrong_byte_is_not_opened_or_does_not_fit(tmp_path: Path, where: int) -> None:
    """In the header a wrong byte is one sentence; in the numbers nothing can tell, and it is a number."""
    path = tmp_path / "a.safetensors"
    network = build("lenet", 10, channels=1)
    save_weights(network, path)
    data = bytearray(path.read_bytes())
    data[where] ^= 0xFF
    path.write_bytes(data)
    if where == -5:
        load_weights(network, path)
        return
    with pytest.raises(ModelError, match=r"a\.safetensors is not a whole weights file: fetch or make it again"):
        load_weights(network, path)
