from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from discern.errors import ModelError
from discern.models.network import Model
from discern.models.registry import build_model
from discern.models.weights import convert_keras_state, is_keras_state, load_weights, read_weights, save_weights
from tests.keras_state import keras_state
from tests.oracle import randomize_norms


def test_metadata_and_memory_format_do_not_matter(tmp_path: Path) -> None:
    network = build_model("cnn-course", 3).to(memory_format=torch.channels_last)
    save_weights(network, tmp_path / "a.safetensors", {"name": "cnn-course"})
    state = read_weights(tmp_path / "a.safetensors")
    assert all(torch.equal(tensor, state[name]) for name, tensor in network.state_dict().items())


def test_torchvisions_pth_is_read_as_data(tmp_path: Path) -> None:
    network = build_model("resnet18-narrow", 10)
    older = {name: t for name, t in network.state_dict().items() if not name.endswith("num_batches_tracked")}
    torch.save(older, tmp_path / "resnet.pth")
    other = build_model("resnet18-narrow", 10)
    load_weights(other, tmp_path / "resnet.pth")
    assert torch.equal(other.head.weight, network.head.weight)


def test_pth_with_code_is_refused(tmp_path: Path) -> None:
    torch.save(nn.Linear(2, 2), tmp_path / "whole.pth")
    with pytest.raises(ModelError, match="more than tensors"):
        read_weights(tmp_path / "whole.pth")


def test_pth_of_something_else_is_refused(tmp_path: Path) -> None:
    torch.save({"epoch": 3}, tmp_path / "checkpoint.pth")
    with pytest.raises(ModelError, match=r"holds no weights \(epoch\): save the state_dict of the network"):
        read_weights(tmp_path / "checkpoint.pth")


def test_missing_file(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="does not exist"):
        read_weights(tmp_path / "none.safetensors")


@pytest.mark.parametrize("suffix", [".safetensors", ".pth"])
@pytest.mark.parametrize("length", [0, 7, 1000])
def test_file_cut_short(tmp_path: Path, suffix: str, length: int) -> None:
    complete = tmp_path / f"complete{suffix}"
    network = build_model("sample", 10)
    if suffix == ".pth":
        torch.save(network.state_dict(), complete)
    else:
        save_weights(network, complete)
    cut = tmp_path / f"cut{suffix}"
    cut.write_bytes(complete.read_bytes()[:length])
    with pytest.raises(ModelError, match=r"truncated or corrupt|more than tensors"):
        read_weights(cut)


def test_mismatch_names_the_first_of_each_kind(tmp_path: Path) -> None:
    path = tmp_path / "lenet.safetensors"
    save_weights(build_model("lenet", 10, channels=1), path)
    with pytest.raises(ModelError) as caught:
        load_weights(build_model("sample", 10), path)
    message = str(caught.value)
    assert "missing: conv1.weight, conv1.bias, conv2.weight and 7 more" in message
    assert "unexpected: " in message
    with pytest.raises(
        ModelError, match=r"wrong shape: fc\.weight is 10x84, expected 3x84, fc\.bias is 10, expected 3"
    ):
        load_weights(build_model("lenet", 3, channels=1), path)


def test_failed_load_changes_nothing(tmp_path: Path) -> None:
    save_weights(build_model("lenet", 10, channels=1), tmp_path / "lenet.safetensors")
    network = build_model("lenet", 3, channels=1)
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    with pytest.raises(ModelError):
        load_weights(network, tmp_path / "lenet.safetensors")
    assert all(torch.equal(before[name], tensor) for name, tensor in network.state_dict().items())


def test_the_first_that_is_missing_is_named_alone() -> None:
    network = build_model("lenet", 10, channels=1)
    state = dict(network.state_dict())
    del state["fc.bias"]
    with pytest.raises(ModelError, match=r"^here does not fit the network \(missing: fc\.bias\): build the network"):
        load_weights(network, state, "here")


def test_a_new_head_keeps_what_it_has() -> None:
    """The file's head is for other classes; all else must fit."""
    trained, network = build_model("lenet", 10, channels=1), build_model("lenet", 3, channels=1)
    fresh = {name: tensor.clone() for name, tensor in network.head.state_dict().items()}
    load_weights(network, trained.state_dict(), "here", new=network.heads)
    assert all(torch.equal(fresh[name], tensor) for name, tensor in network.head.state_dict().items())
    expected = {name: tensor for name, tensor in trained.state_dict().items() if not name.startswith("fc.")}
    assert all(torch.equal(network.state_dict()[name], tensor) for name, tensor in expected.items())
    load_weights(network, expected, "here", new=network.heads)
    with pytest.raises(ModelError, match=r"missing: fc\.weight, fc\.bias\)"):
        load_weights(network, expected, "here")


def test_auxiliary_heads_are_new_as_well() -> None:
    network, other = (build_model("googlenet", classes, size=32) for classes in (3, 5))
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


@pytest.mark.parametrize("position", [4, 9, 60, -5])
def test_a_safetensors_file_with_a_wrong_byte_is_not_opened_or_does_not_fit(tmp_path: Path, position: int) -> None:
    """In the header a wrong byte is one message; in the numbers nothing can tell, and it is a number."""
    path = tmp_path / "a.safetensors"
    network = build_model("lenet", 10, channels=1)
    save_weights(network, path)
    data = bytearray(path.read_bytes())
    data[position] ^= 0xFF
    path.write_bytes(data)
    if position == -5:
        load_weights(network, path)
        return
    with pytest.raises(
        ModelError, match=r"a\.safetensors is truncated or corrupt: download or create the weights file again"
    ):
        load_weights(network, path)


@pytest.fixture(scope="module")
def mobilenet() -> Model:
    """Return MobileNet-0.25 whose every number is its own."""
    torch.manual_seed(0)
    network = build_model("mobilenet-0.25", 1000, 3, 224)
    randomize_norms(network, torch.randn(2, 3, 96, 96))
    return network


def test_keras_file_of_mobilenet_is_the_network(mobilenet: Model, tmp_path: Path) -> None:
    state = keras_state(mobilenet)
    assert state["conv1/kernel"].shape == (3, 3, 3, 8)
    assert state["conv_dw_2/depthwise_kernel"].shape == (3, 3, 16, 1)
    assert state["conv_pw_13/kernel"].shape == (1, 1, 256, 256)
    assert state["conv_preds/kernel"].shape == (1, 1, 256, 1000)
    assert len(state) == 137  # as the published files have
    save_file(state, tmp_path / "mobilenet.safetensors")
    other = build_model("mobilenet-0.25", 1000, 3, 224).eval()
    load_weights(other, tmp_path / "mobilenet.safetensors")
    expected, actual = mobilenet.state_dict(), other.state_dict()
    assert all(
        torch.equal(expected[name], actual[name]) for name in expected if not name.endswith("num_batches_tracked")
    )
    x = torch.randn(2, 3, 64, 64)
    with torch.no_grad():
        assert torch.equal(mobilenet(x), other(x))


def test_a_file_without_a_head_fills_what_is_not_new(mobilenet: Model) -> None:
    state = {name: tensor for name, tensor in keras_state(mobilenet).items() if not name.startswith("conv_preds")}
    other = build_model("mobilenet-0.25", 3, 3, 224)
    fresh = other.head.weight.detach().clone()
    load_weights(other, state, "there", new=other.heads)
    assert torch.equal(other.head.weight, fresh)
    assert torch.equal(other.get_parameter("stage5.1.pw.weight"), mobilenet.get_parameter("stage5.1.pw.weight"))
    with pytest.raises(ModelError, match=r"there does not fit the network \(missing: fc\.weight, fc\.bias\)"):
        load_weights(build_model("mobilenet-0.25", 1000, 3, 224), state, "there")


def test_an_unknown_layer_or_variable_is_noticed(mobilenet: Model) -> None:
    state = keras_state(mobilenet)
    for name in ("conv_dw_14/depthwise_kernel", "conv_pw_1/scale"):
        with pytest.raises(ModelError, match=f"unexpected: {name}"):
            load_weights(build_model("mobilenet-0.25", 1000, 3, 224), {**state, name: torch.zeros(1)})
    del state["conv_pw_3_bn/gamma"]
    with pytest.raises(ModelError, match=r"missing: stage2\.1\.pw_bn\.weight\)"):
        load_weights(build_model("mobilenet-0.25", 1000, 3, 224), state)


def test_another_width_is_noticed(mobilenet: Model) -> None:
    with pytest.raises(ModelError, match=r"wrong shape: conv1\.weight is 8x3x3x3, expected 16x3x3x3, .* more"):
        load_weights(build_model("mobilenet-0.5", 1000, 3, 224), keras_state(mobilenet))


def test_a_network_without_keras_names_says_what_it_lacks(mobilenet: Model) -> None:
    with pytest.raises(ModelError, match=r"missing: conv1\.weight.*unexpected: conv1/kernel"):
        load_weights(build_model("resnet18-narrow", 1000, 3, 224), keras_state(mobilenet))


def test_every_layer_of_keras_is_one_here(mobilenet: Model) -> None:
    modules = {
        name for name, module in mobilenet.named_modules() if next(module.parameters(recurse=False), None) is not None
    }
    assert set(mobilenet.keras_layers.values()) == modules
    assert len(mobilenet.keras_layers) == len(modules)


def test_a_dense_kernel_is_transposed() -> None:
    kernel = torch.arange(6.0).view(2, 3)  # (inputs, outputs)
    converted = convert_keras_state({"a/kernel": kernel, "a/bias": torch.ones(3)}, {"a": "fc"}, {})
    assert converted.keys() == {"fc.weight", "fc.bias"}
    x = torch.tensor([[1.0, 10.0]])
    assert torch.equal(nn.functional.linear(x, converted["fc.weight"], converted["fc.bias"]), x @ kernel + 1)


def test_names_with_a_slash_are_kerass() -> None:
    assert is_keras_state({"conv1/kernel": torch.zeros(1)})
    assert not is_keras_state({"conv1/kernel": torch.zeros(1), "fc.weight": torch.zeros(1)})
    assert not is_keras_state({})


ODD_FILES = {
    b"": "truncated or corrupt",
    b"x": "truncated or corrupt",
    b"\x80\x02": "truncated or corrupt",
    b"PK\x03\x04": "truncated or corrupt",
    bytes(64): "truncated or corrupt",
    b"\x80\x02K\x01.": "truncated or corrupt",
}


@pytest.mark.parametrize("data", ODD_FILES)
def test_a_file_of_few_bytes_is_one_sentence(data: bytes, tmp_path: Path) -> None:
    (tmp_path / "odd.pth").write_bytes(data)
    with pytest.raises(ModelError, match=ODD_FILES[data]):
        read_weights(tmp_path / "odd.pth")


def test_tensors_named_by_numbers(tmp_path: Path) -> None:
    torch.save({1: torch.zeros(2)}, tmp_path / "odd.pth")
    with pytest.raises(ModelError, match="names its tensors by numbers, not by layers"):
        read_weights(tmp_path / "odd.pth")
