from __future__ import annotations

import pytest
import torch
from torch import nn

from discern.models.fuse import fuse_conv_bn
from discern.models.registry import build_model
from tests.oracle import randomize_norms


@pytest.mark.parametrize(
    ("name", "left"), [("mobilenet-0.25", 0), ("resnet18-narrow", 0), ("inception-v2", 0), ("densenet121", 62)]
)
def test_same_features_without_the_normalisation(name: str, left: int) -> None:
    """A dense layer's first normalization reads several maps at once, so no convolution can take it over."""
    torch.manual_seed(0)
    network, x = build_model(name, classes=3, size=32), torch.randn(2, 3, 32, 32)
    randomize_norms(network, x)
    copy = fuse_conv_bn(network, x)
    assert sum(isinstance(module, nn.BatchNorm2d) for module in copy.modules()) == left
    assert any(isinstance(module, nn.BatchNorm2d) for module in network.modules())
    with torch.no_grad():
        torch.testing.assert_close(copy.forward_features(x), network.forward_features(x), rtol=1e-4, atol=1e-4)


def test_a_map_that_others_read_too_is_left_alone() -> None:
    class Twice(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv, self.norm, self.fc = nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Linear(4, 2)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            x = self.conv(x)
            return self.fc((x - self.norm(x)).mean(dim=(2, 3)))

    network, x = Twice(), torch.randn(2, 3, 8, 8)
    randomize_norms(network, x)
    assert fuse_conv_bn(network, x) is network  # type: ignore[arg-type]
