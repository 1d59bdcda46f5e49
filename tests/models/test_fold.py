from __future__ import annotations

import pytest
import torch
from torch import nn

from discern.models.fold import folded
from discern.models.table import build


def randomise(network: nn.Module) -> None:
    """Running statistics as training leaves them: none is 0 or 1."""
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.normal_(module.running_mean, 0.0, 0.1)
            nn.init.uniform_(module.running_var, 0.8, 1.25)


@pytest.mark.parametrize(
    ("name", "left"), [("mobilenet-0.25", 0), ("resnet18-narrow", 0), ("inception-v2", 0), ("densenet121", 62)]
)
def test_same_features_without_the_normalisation(name: str, left: int) -> None:
    """A dense layer's first normalisation reads several maps at once, so no convolution can take it over."""
    torch.manual_seed(0)
    network, x = build(name, classes=3, size=32), torch.randn(2, 3, 32, 32)
    randomise(network)
    copy = folded(network, x)
    assert sum(isinstance(module, nn.BatchNorm2d) for module in copy.modules()) == left
    assert any(isinstance(module, nn.BatchNorm2d) for module in network.modules())
    with torch.no_grad():
        torch.testing.assert_close(copy.encode(x), network.encode(x), rtol=1e-4, atol=1e-4)


def test_a_map_that_others_read_too_is_left_alone() -> None:
    class Twice(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv, self.norm, self.fc = nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Linear(4, 2)

        def encode(self, x: torch.Tensor) -> torch.Tensor:
            x = self.conv(x)
            return (x - self.norm(x)).mean(dim=(2, 3))

    network = Twice().eval()
    randomise(network)
    assert folded(network, torch.randn(2, 3, 8, 8)) is network  # type: ignore[arg-type]
