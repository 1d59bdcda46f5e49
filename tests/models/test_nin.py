"""The oracle is the authors' model in the Caffe Model Zoo, layer by layer; no library has the network."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from discern.errors import ModelError
from discern.models.registry import build_model, count_parameters
from discern.models.summary import summarize

# gist d802a5849de39225bcc6 of the first author, named in the Model Zoo: filters, side of a filter, maps it reads
IMAGENET = [
    (96, 11, 3),
    (96, 1, 96),
    (96, 1, 96),
    (256, 5, 96),
    (256, 1, 256),
    (256, 1, 256),
    (384, 3, 256),
    (384, 1, 384),
    (384, 1, 384),
    (1024, 3, 384),
    (1024, 1, 1024),
    (1000, 1, 1024),
]
CIFAR = [(192, 5, 3), (160, 1, 192), (96, 1, 160), (192, 5, 96), *2 * [(192, 1, 192)], (192, 3, 192), (192, 1, 192)]


def counted(layers: list[tuple[int, int, int]]) -> int:
    return sum(filters * (side * side * maps + 1) for filters, side, maps in layers)  # one bias a filter


def filters(network: nn.Module) -> list[tuple[int, int, int]]:
    convolutions = [module for module in network.modules() if isinstance(module, nn.Conv2d)]
    return [(layer.out_channels, layer.kernel_size[0], layer.in_channels) for layer in convolutions]


def test_layers_and_parameters_are_the_authors() -> None:
    with torch.device("meta"):
        network = build_model("nin", classes=1000)
    assert filters(network) == IMAGENET
    assert counted(IMAGENET) == count_parameters("nin") == 7_595_176
    assert round(summarize(network, 224).bytes / 2**20) == 29  # MB, as the Model Zoo says of the snapshot


def test_small_form_is_the_authors_cifar_network() -> None:
    with torch.device("meta"):
        network = build_model("nin", classes=10, size=32)
        sides = [map.shape[-1] for map in network.stages(torch.zeros(1, 3, 32, 32)).values()]
    assert filters(network) == [*CIFAR, (10, 1, 192)]
    assert sum(p.numel() for p in network.parameters()) == counted([*CIFAR, (10, 1, 192)]) == 966_986
    assert sides == [32, 16, 8]


def test_maps_are_the_authors() -> None:
    with torch.device("meta"):
        maps = build_model("nin", classes=1000).stages(torch.zeros(1, 3, 224, 224))
    assert [tuple(map.shape[1:]) for map in maps.values()] == [(96, 54, 54), (256, 27, 27), (384, 13, 13), (1024, 6, 6)]


def test_score_is_the_average_of_a_rectified_map() -> None:
    torch.manual_seed(0)
    network = build_model("nin", classes=4, size=28).eval()
    nn.init.normal_(network.head.bias)
    x = torch.randn(2, 3, 28, 28)
    with torch.no_grad():
        score = network.head(network.forward_features(x))
        assert score.shape == (2, 4, 7, 7)
        assert (score < 0).any()
        torch.testing.assert_close(network(x), score.clamp(min=0).sum(dim=(2, 3)) / 49)


@pytest.mark.parametrize("stem", ["imagenet", "small"])
def test_no_class_starts_without_gradient(stem: str) -> None:
    torch.manual_seed(0)
    network = build_model("nin", classes=10, size=64, model_args={"stem": stem})
    assert (network.head(network.forward_features(torch.randn(2, 3, 64, 64))) > 0).all()


@pytest.mark.parametrize("stem, min_size", [("imagenet", 39), ("small", 4)])
def test_min_size_leaves_one_place(stem: str, min_size: int) -> None:
    with torch.device("meta"):
        network = build_model("nin", classes=10, size=min_size, model_args={"stem": stem})
        *_others, last = network.stages(torch.zeros(1, 3, min_size, min_size)).values()
        assert last.shape[-2:] == (1, 1)
    with pytest.raises(ModelError, match=rf"{min_size}.*{min_size - 1}|{min_size - 1}.*{min_size}"):
        build_model("nin", classes=10, size=min_size - 1, model_args={"stem": stem})
