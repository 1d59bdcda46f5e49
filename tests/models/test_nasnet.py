"""timm is the oracle of the large one, Keras' own function of the mobile one, the paper's table of both."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator

import pytest
import timm
import torch
from torch import Tensor, nn

from discern.errors import ModelError
from discern.models import nasnet
from discern.models.nasnet import MaxPool, NASNet, pad_same
from discern.models.registry import build_model
from discern.models.summary import summarize

os.environ.setdefault("KERAS_BACKEND", "torch")


def randomise(network: nn.Module) -> None:
    """Weights and running statistics that hide no mistake: none is 0 or 1."""
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.normal_(module.weight, 1.0, 0.1)
            nn.init.normal_(module.bias, 0.0, 0.1)
            nn.init.normal_(module.running_mean, 0.0, 0.1)
            nn.init.uniform_(module.running_var, 0.8, 1.25)


@pytest.fixture(scope="module")
def pair() -> tuple[NASNet, nn.Module]:
    torch.manual_seed(0)
    reference = timm.create_model("nasnetalarge", pretrained=False).eval()
    randomise(reference)
    network = build_model("nasnet-large", classes=1000).eval()
    network.load_state_dict(reference.state_dict(), strict=True)
    return network, reference


def compare(network: NASNet, reference: nn.Module, x: Tensor) -> None:
    with torch.no_grad():
        assert (network(x) - reference(x)).abs().max() <= 1e-5
        stem, *found = network.stages(x).values()
        wanted_stem, *wanted = reference.forward_intermediates(x, intermediates_only=True)
    assert (stem - wanted_stem).abs().max() <= 1e-5
    for ours, theirs in zip(found, wanted, strict=True):
        assert (ours.relu() - theirs).abs().max() <= 1e-5  # timm gives them as the next cell rectifies them


@pytest.mark.parametrize("side", [96, 101])  # an even and an odd side are pad_same differently
def test_timms_weights_load_and_agree_at_every_stage(pair: tuple[NASNet, nn.Module], side: int) -> None:
    compare(*pair, torch.randn(1, 3, side, side))


@pytest.mark.slow
def test_agrees_with_timm_at_its_native_size(pair: tuple[NASNet, nn.Module]) -> None:
    compare(*pair, torch.randn(1, 3, 331, 331))


@pytest.mark.parametrize(
    ("name", "total", "trainable", "multiply_adds"),
    [
        # total: Keras' table of applications; multiply-adds: the paper's tables 2 and 3, 564 and 23,800 million
        ("nasnet-mobile", 5_326_716, 5_289_978, 564_000_000),
        ("nasnet-large", 88_949_818, 88_753_150, 23_800_000_000),
    ],
)
def test_counts_are_the_published_ones(name: str, total: int, trainable: int, multiply_adds: int) -> None:
    with torch.device("meta"):
        network = build_model(name, classes=1000)
    facts = summarize(network, size=224 if name == "nasnet-mobile" else 331)
    assert facts.total == total
    assert facts.trainable == trainable
    assert facts.multiply_adds == pytest.approx(multiply_adds, rel=0.01)


def test_mobile_agrees_with_keras(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keras refuses its NASNetMobile on torch; the function it calls with mobile's numbers does build."""
    from keras.src.applications.nasnet import NASNet as keras_nasnet

    torch.manual_seed(0)
    reference = keras_nasnet(
        (64, 64, 3), 1056, 4, 32, skip_reduction=False, weights=None, default_size=224, classifier_activation=None
    )
    network = build_model("nasnet-mobile", classes=1000, size=64, model_args={"stem": "imagenet"}).eval()
    randomise(network)
    layers = {layer.name: layer for layer in reference.layers if layer.weights}
    for name, tensors in in_keras_layout(network):
        for variable, tensor in zip(layers.pop(name).weights, tensors, strict=True):
            variable.assign(tensor.detach().numpy())
    assert not layers
    monkeypatch.setattr(nasnet, "pad_same", lambda x, kernel, value=0.0: pad_same(x, kernel))  # zeros before a maximum
    x = torch.randn(2, 3, 64, 64)
    with torch.no_grad():
        wanted = torch.as_tensor(reference(x.permute(0, 2, 3, 1), training=False)).cpu()
        assert (network(x) - wanted).abs().max() <= 1e-5 * wanted.abs().max()


def in_keras_layout(network: NASNet) -> Iterator[tuple[str, list[Tensor]]]:
    """Each layer with weights as Keras names it, and its tensors as Keras orders them."""
    for name, module in network.named_modules():
        if isinstance(module, nn.Linear):
            yield keras_name(name), [module.weight.T, module.bias]
        elif isinstance(module, nn.BatchNorm2d):
            yield keras_name(name), [module.weight, module.bias, module.running_mean, module.running_var]
        elif isinstance(module, nasnet.Separable):
            depthwise, pointwise = module.depthwise_conv2d.weight, module.pointwise_conv2d.weight
            yield keras_name(name), [depthwise.permute(2, 3, 0, 1), pointwise.permute(2, 3, 1, 0)]
        elif isinstance(module, nn.Conv2d) and "separable" not in name:
            yield keras_name(name), [module.weight.permute(2, 3, 1, 0)]


def keras_name(name: str) -> str:
    """``cell_4.comb_iter_0_left.bn_sep_1`` -> ``separable_conv_1_bn_normal_left1_5``."""
    outside = {"conv0.conv": "stem_conv1", "conv0.bn": "stem_bn1", "last_linear": "predictions"}
    if name in outside:
        return outside[name]
    cell, part = name.split(".", 1)
    number = int(cell.rpartition("_")[2])
    kind = "normal" if re.fullmatch(r"cell_\d+", cell) else "reduction"
    block = f"stem_{number + 1}" if "stem" in cell else f"reduce_{4 * number + 4}"
    if kind == "normal":
        block = str(number + (number >= 4))  # Keras leaves 4 out
    inside = {
        "conv_1x1.conv": f"{kind}_conv_1",
        "conv_1x1.bn": f"{kind}_bn_1",
        "conv_prev_1x1.conv": "adjust_conv_projection",
        "conv_prev_1x1.bn": "adjust_bn",
        "path_1.conv": "adjust_conv_1",
        "path_2.conv": "adjust_conv_2",
        "final_path_bn": "adjust_bn",
    }
    if part in inside:
        return f"{inside[part]}_{block}"
    row, side, layer = re.fullmatch(r"comb_iter_(\d)_(left|right)\.(\w+)", part).groups()
    row = "4" if (kind, row, side) == ("reduction", "4", "left") else str(int(row) + 1)  # Keras' own name for it
    prefix = {"sep": "separable_conv_{}_bn", "ble": "separable_conv_{}"}[layer[-5:-2]].format(layer[-1])
    return f"{prefix}_{kind}_{side}{row}_{block}"


def test_padding_before_a_maximum_never_wins() -> None:
    assert torch.equal(MaxPool(3)(torch.full((1, 1, 4, 4), -1.0)), torch.full((1, 1, 2, 2), -1.0))


def test_small_stem_leaves_a_map_to_pool() -> None:
    with torch.device("meta"):
        network = build_model("nasnet-mobile", classes=10, size=28)
        large = build_model("nasnet-mobile", classes=10, size=224)
    x = torch.zeros(1, 3, 28, 28, device="meta")
    assert [map.shape[-1] for map in network.stages(x).values()] == [28, 14, 7, 4, 2]
    assert [(k, t.shape) for k, t in network.state_dict().items()] == [
        (k, t.shape) for k, t in large.state_dict().items()
    ]


def test_a_pass_leaves_nothing_to_the_next() -> None:
    torch.manual_seed(0)
    network = NASNet(classes=3, size=32, cells=1, filters=96).eval()
    x = torch.randn(1, 3, 32, 32)
    with torch.no_grad():
        first = network(x)
        network(torch.randn(2, 3, 40, 40))
        assert torch.equal(network(x), first)


@pytest.mark.parametrize(("cells", "filters"), [(0, 96), (1, 0), (1, 100)])
def test_numbers_that_make_no_nasnet(cells: int, filters: int) -> None:
    with pytest.raises(ModelError, match="multiple of 96"):
        NASNet(cells=cells, filters=filters)


def test_a_image_without_a_map() -> None:
    with pytest.raises(ModelError, match="3x3 pixels"):
        NASNet(size=2, stem="imagenet")
