from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from discern.errors import ModelError
from discern.models.keras_layout import from_keras, is_keras
from discern.models.network import Model
from discern.models.table import build
from discern.models.weights import load_weights
from tests.keras_state import keras_state
from tests.oracle import lived_in


@pytest.fixture(scope="module")
def made() -> Model:
    """MobileNet-0.25 whose every number is its own."""
    torch.manual_seed(0)
    network = build("mobilenet-0.25", 1000, 3, 224)
    lived_in(network, torch.randn(2, 3, 96, 96))
    return network


def test_keras_file_of_mobilenet_is_the_network(made: Model, tmp_path: Path) -> None:
    state = keras_state(made)
    assert state["conv1/kernel"].shape == (3, 3, 3, 8)
    assert state["conv_dw_2/depthwise_kernel"].shape == (3, 3, 16, 1)
    assert state["conv_pw_13/kernel"].shape == (1, 1, 256, 256)
    assert state["conv_preds/kernel"].shape == (1, 1, 256, 1000)
    assert len(state) == 137  # as the published files have
    save_file(state, tmp_path / "mobilenet.safetensors")
    other = build("mobilenet-0.25", 1000, 3, 224).eval()
    load_weights(other, tmp_path / "mobilenet.safetensors")
    wanted, found = made.state_dict(), other.state_dict()
    assert all(torch.equal(wanted[name], found[name]) for name in wanted if not name.endswith("num_batches_tracked"))
    x = torch.randn(2, 3, 64, 64)
    with torch.no_grad():
        assert torch.equal(made(x), other(x))


def test_a_file_without_a_head_fills_what_is_not_new(made: Model) -> None:
    state = {name: tensor for name, tensor in keras_state(made).items() if not name.startswith("conv_preds")}
    other = build("mobilenet-0.25", 3, 3, 224)
    fresh = other.head.weight.detach().clone()
    load_weights(other, state, "there", new=other.heads)
    assert torch.equal(other.head.weight, fresh)
    assert torch.equal(other.get_parameter("stage5.1.pw.weight"), made.get_parameter("stage5.1.pw.weight"))
    with pytest.raises(ModelError, match=r"there does not fit the network \(missing: fc\.weight, fc\.bias\)"):
        load_weights(build("mobilenet-0.25", 1000, 3, 224), state, "there")


def test_an_unknown_layer_or_variable_is_noticed(made: Model) -> None:
    state = keras_state(made)
    for name in ("conv_dw_14/depthwise_kernel", "conv_pw_1/scale"):
        with pytest.raises(ModelError, match=f"unexpected: {name}"):
            load_weights(build("mobilenet-0.25", 1000, 3, 224), {**state, name: torch.zeros(1)})
    del state["conv_pw_3_bn/gamma"]
    with pytest.raises(ModelError, match=r"missing: stage2\.1\.pw_bn\.weight\)"):
        load_weights(build("mobilenet-0.25", 1000, 3, 224), state)


def test_another_width_is_noticed(made: Model) -> None:
    with pytest.raises(ModelError, match=r"another shape: conv1\.weight is 8x3x3x3, not 16x3x3x3, .* more"):
        load_weights(build("mobilenet-0.5", 1000, 3, 224), keras_state(made))


def test_a_network_without_keras_names_says_what_it_lacks(made: Model) -> None:
    with pytest.raises(ModelError, match=r"missing: conv1\.weight.*unexpected: conv1/kernel"):
        load_weights(build("resnet18-narrow", 1000, 3, 224), keras_state(made))


def test_every_layer_of_keras_is_one_here(made: Model) -> None:
    modules = {
        name for name, module in made.named_modules() if next(module.parameters(recurse=False), None) is not None
    }
    assert set(made.keras_layers.values()) == modules
    assert len(made.keras_layers) == len(modules)


def test_a_dense_kernel_is_transposed() -> None:
    kernel = torch.arange(6.0).view(2, 3)  # (inputs, outputs)
    found = from_keras({"a/kernel": kernel, "a/bias": torch.ones(3)}, {"a": "fc"}, {})
    assert found.keys() == {"fc.weight", "fc.bias"}
    x = torch.tensor([[1.0, 10.0]])
    assert torch.equal(nn.functional.linear(x, found["fc.weight"], found["fc.bias"]), x @ kernel + 1)


def test_names_with_a_slash_are_kerass() -> None:
    assert is_keras({"conv1/kernel": torch.zeros(1)})
    assert not is_keras({"conv1/kernel": torch.zeros(1), "fc.weight": torch.zeros(1)})
    assert not is_keras({})
