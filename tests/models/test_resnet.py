"""torchvision is the oracle: same names, same numbers."""

from __future__ import annotations

import pytest
import torch
import torchvision
from torch import nn
from torchvision.models.feature_extraction import create_feature_extractor

from discern.models.table import build

STAGES = ["maxpool", "layer1", "layer2", "layer3", "layer4"]


def randomise(network: nn.Module) -> None:
    """Weights and running statistics that hide no mistake: none is 0 or 1."""
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.normal_(module.weight, 1.0, 0.1)
            nn.init.normal_(module.bias, 0.0, 0.1)
            nn.init.normal_(module.running_mean, 0.0, 0.1)
            nn.init.uniform_(module.running_var, 0.8, 1.25)


@pytest.mark.parametrize("name", ["resnet18", "resnet34", "resnet50"])
def test_torchvision_weights_load_and_agree_at_every_stage(name: str) -> None:
    torch.manual_seed(0)
    reference = getattr(torchvision.models, name)(weights=None).eval()
    randomise(reference)
    network = build(name, classes=1000, size=64, settings={"stem": "imagenet"}).eval()
    network.load_state_dict(reference.state_dict(), strict=True)
    x = torch.randn(2, 3, 64, 64)
    with torch.no_grad():
        wanted = create_feature_extractor(reference, STAGES)(x)
        found = network.stages(x)
        assert (network(x) - reference(x)).abs().max() <= 1e-5
    assert list(found) == ["stem", *STAGES[1:]]
    for ours, theirs in zip(found.values(), wanted.values(), strict=True):
        assert (ours - theirs).abs().max() <= 1e-5


def test_weights_are_drawn_as_torchvision_draws_them() -> None:
    torch.manual_seed(0)
    ours = build("resnet18", classes=1000).state_dict()
    theirs = torchvision.models.resnet18(weights=None).state_dict()
    assert list(ours) == list(theirs)
    for name, tensor in theirs.items():
        if tensor.dim() == 4:
            assert ours[name].std().item() == pytest.approx(tensor.std().item(), rel=0.1)


def test_small_stem_keeps_a_small_picture() -> None:
    x = torch.zeros(1, 3, 32, 32)
    small = build("resnet18-narrow", classes=10, size=32).eval().stages(x)
    assert [map.shape[-1] for map in small.values()] == [32, 32, 16, 8, 4]
    lecture = build("resnet18-narrow", classes=10, size=32, settings={"stem": "imagenet"}).eval().stages(x)
    assert [map.shape[-1] for map in lecture.values()] == [8, 8, 4, 2, 1]
