"""torchvision is the oracle: same names, same numbers."""

from __future__ import annotations

import pytest
import torch
import torchvision

from discern.models.registry import build_model, count_parameters
from tests.oracle import assert_agrees, assert_names

STAGES = {"stem": "maxpool", "layer1": "layer1", "layer2": "layer2", "layer3": "layer3", "layer4": "layer4"}
PUBLISHED = {  # torchvision's num_params
    "resnet18": 11_689_512,
    "resnet34": 21_797_672,
    "resnet50": 25_557_032,
    "resnet101": 44_549_160,
    "resnet152": 60_192_808,
}


def light_first() -> list[object]:
    deep = ("resnet101", "resnet152")
    return [pytest.param(name, marks=[pytest.mark.slow] if name in deep else []) for name in PUBLISHED]


@pytest.mark.parametrize("name", light_first())
def test_torchvision_weights_load_and_agree_at_every_stage(name: str) -> None:
    assert_agrees(name, getattr(torchvision.models, name)(weights=None), STAGES)


@pytest.mark.parametrize("name", PUBLISHED)
def test_names_and_parameters_are_torchvisions(name: str) -> None:
    assert_names(name, lambda: getattr(torchvision.models, name)(weights=None))
    assert count_parameters(name) == PUBLISHED[name]


def test_weights_are_drawn_as_torchvision_draws_them() -> None:
    torch.manual_seed(0)
    ours = build_model("resnet18", classes=1000).state_dict()
    theirs = torchvision.models.resnet18(weights=None).state_dict()
    assert list(ours) == list(theirs)
    for name, tensor in theirs.items():
        if tensor.dim() == 4:
            assert ours[name].std().item() == pytest.approx(tensor.std().item(), rel=0.1)


def test_small_stem_keeps_a_small_image() -> None:
    x = torch.zeros(1, 3, 32, 32)
    small = build_model("resnet18-narrow", classes=10, size=32).eval().stages(x)
    assert [map.shape[-1] for map in small.values()] == [32, 32, 16, 8, 4]
    lecture = build_model("resnet18-narrow", classes=10, size=32, model_args={"stem": "imagenet"}).eval().stages(x)
    assert [map.shape[-1] for map in lecture.values()] == [8, 8, 4, 2, 1]
