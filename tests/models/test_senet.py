"""timm's legacy networks are the oracle: same names, same numbers."""

from __future__ import annotations

import pytest
import timm
import torch
from torch import nn

from discern.errors import ModelError
from discern.models.registry import build_model, count_parameters
from discern.models.senet import SEModule
from tests.oracle import assert_agrees, assert_names

STAGES = {"stem": "pool0", "layer1": "layer1", "layer2": "layer2", "layer3": "layer3", "layer4": "layer4"}
PUBLISHED = {  # timm's model table
    "se-resnet18": 11_778_592,
    "se-resnet34": 21_958_868,
    "se-resnet50": 28_088_024,
    "se-resnet101": 49_326_872,
    "se-resnet152": 66_821_848,
}


def timms(name: str) -> nn.Module:
    return timm.create_model(f"legacy_{name.replace('-', '')}", pretrained=False)


def light_first() -> list[object]:
    first, *rest = PUBLISHED
    return [first, *(pytest.param(name, marks=pytest.mark.slow) for name in rest)]


@pytest.mark.parametrize("name", light_first())
def test_timms_weights_load_and_agree_at_every_stage(name: str) -> None:
    assert_agrees(name, timms(name), STAGES)


@pytest.mark.parametrize("name", PUBLISHED)
def test_names_and_parameters_are_timms(name: str) -> None:
    assert_names(name, lambda: timms(name))
    assert count_parameters(name) == PUBLISHED[name]


def test_excitation_adds_the_parameters_the_paper_says() -> None:
    # section 3.3: 2 / r times the sum of N_s C_s^2 over the stages, about 2.5 million; biases apart
    blocks, channels, reduction = (3, 4, 6, 3), (256, 512, 1024, 2048), 16
    weights = 2 * sum(count * filters**2 for count, filters in zip(blocks, channels, strict=True)) // reduction
    biases = sum(count * (filters + filters // reduction) for count, filters in zip(blocks, channels, strict=True))
    assert count_parameters("se-resnet50") - count_parameters("resnet50") == weights + biases


def test_each_channel_has_a_factor_of_its_own() -> None:
    torch.manual_seed(0)
    x = torch.rand(2, 32, 5, 5) + 0.1
    factors = SEModule(32)(x) / x
    assert factors.min() > 0
    assert factors.max() < 1
    torch.testing.assert_close(factors, factors.mean((2, 3), keepdim=True).expand_as(factors))
    assert factors.mean((2, 3)).std(dim=1).min() > 0


def test_wrong_blocks_are_named() -> None:
    with pytest.raises(ModelError, match="give four numbers"):
        build_model("se-resnet18", classes=10, model_args={"blocks": (2, 2, 2)})


def test_small_stem_keeps_a_small_image() -> None:
    with torch.device("meta"):
        maps = build_model("se-resnet50", classes=10, size=32).stages(torch.zeros(1, 3, 32, 32))
    assert [map.shape[-1] for map in maps.values()] == [32, 32, 16, 8, 4]
