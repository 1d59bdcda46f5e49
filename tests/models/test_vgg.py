"""torchvision is the oracle: same names, same numbers."""

from __future__ import annotations

import pytest
import torch
import torchvision
from torch import nn

from discern.errors import ModelError
from discern.models.registry import build_model, count_parameters
from tests.oracle import assert_agrees, assert_names

PUBLISHED = {  # torchvision's num_params; table 2 of the paper: 133, 133, 138 and 144 million
    "vgg11": 132_863_336,
    "vgg11-bn": 132_868_840,
    "vgg13": 133_047_848,
    "vgg13-bn": 133_053_736,
    "vgg16": 138_357_544,  # the lecture's table
    "vgg16-bn": 138_365_992,
    "vgg19": 143_667_240,  # the lecture's table
    "vgg19-bn": 143_678_248,
}
POOLS = {  # in torchvision's features
    "vgg11": (2, 5, 10, 15, 20),
    "vgg11-bn": (3, 7, 14, 21, 28),
    "vgg13": (4, 9, 14, 19, 24),
    "vgg13-bn": (6, 13, 20, 27, 34),
    "vgg16": (4, 9, 16, 23, 30),
    "vgg16-bn": (6, 13, 23, 33, 43),
    "vgg19": (4, 9, 18, 27, 36),
    "vgg19-bn": (6, 13, 26, 39, 52),
}


def reference(name: str) -> nn.Module:
    """With the cheapest of its own draws: the fully connected layers alone are 120 million normal numbers."""
    network: nn.Module = getattr(torchvision.models, name.replace("-", "_"))(weights=None, init_weights=False)
    return network


def light_first() -> list[object]:
    first, *rest = POOLS
    return [first, *(pytest.param(name, marks=pytest.mark.slow) for name in rest)]


@pytest.mark.parametrize("name", light_first())
def test_torchvision_weights_load_and_agree_at_every_stage(name: str) -> None:
    theirs = reference(name)
    for module in theirs.modules():
        if isinstance(module, nn.Conv2d):  # torch's own draw shrinks the maps layer by layer, and differences with them
            nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
    assert_agrees(name, theirs, {f"stage{i}": f"features.{pool}" for i, pool in enumerate(POOLS[name], start=1)})


@pytest.mark.parametrize("name", PUBLISHED)
def test_names_and_parameters_are_torchvisions(name: str) -> None:
    assert_names(name, lambda: reference(name))
    assert count_parameters(name) == PUBLISHED[name]


def test_small_form_leaves_a_map_and_few_neurons() -> None:
    with torch.device("meta"):
        network = build_model("vgg16", classes=10, size=28)
        sides = [map.shape[-1] for map in network.stages(torch.zeros(1, 3, 28, 28)).values()]
        published = build_model("vgg16", classes=10)
    assert sides == [14, 7, 3, 3, 3]
    convolutions = {name for name in published.state_dict() if name.startswith("features")}
    assert convolutions == {name for name in network.state_dict() if name.startswith("features")}
    assert sum(p.numel() for p in network.parameters()) == 14_714_688 + 2 * (512 * 512 + 512) + 512 * 10 + 10


@pytest.mark.parametrize("stem, min_size", [("imagenet", 32), ("small", 8)])
def test_min_size_leaves_one_place(stem: str, min_size: int) -> None:
    with torch.device("meta"):
        network = build_model("vgg11", classes=10, size=min_size, model_args={"stem": stem})
        *_others, last = network.stages(torch.zeros(1, 3, min_size, min_size)).values()
        with pytest.raises(RuntimeError):
            network(torch.zeros(1, 3, min_size - 1, min_size - 1))
    assert last.shape[-2:] == (1, 1)
    with pytest.raises(ModelError, match=rf"{min_size}.*{min_size - 1}|{min_size - 1}.*{min_size}"):
        build_model("vgg11", classes=10, size=min_size - 1, model_args={"stem": stem})


@pytest.mark.parametrize("blocks", [(1, 1, 2, 2), (1, 1, 2, 2, 0)])
def test_wrong_blocks_are_named(blocks: tuple[int, ...]) -> None:
    with pytest.raises(ModelError, match="give five numbers"):
        build_model("vgg11", classes=10, size=28, model_args={"blocks": blocks})
