"""DenseNet.

Paper: G. Huang, Z. Liu, L. van der Maaten, K. Q. Weinberger, "Densely Connected Convolutional Networks", CVPR 2017,
arXiv:1608.06993 (table 1; these are the DenseNet-BC of section 3).

Idea: in a dense block every layer reads the maps of all layers before it and adds a few of its own (the growth rate).
Nothing has to be learned twice, so few filters are enough, and the loss reaches every layer over a short way.

Deviation: none; parameter names are torchvision's, so its weights load. Small images: stem="small" is a 3x3
convolution of stride 1 without pooling, as the paper does for CIFAR-10, but before the same four blocks.
"""

from __future__ import annotations

from collections import OrderedDict

import torch
from torch import Tensor, nn

from discern.errors import ModelError
from discern.i18n import _
from discern.models.initialization import init_convolutions
from discern.models.network import Body, Network, check_size, compose_body, is_small

STAGES = {
    "stem": ("conv0", "norm0", "relu0", "pool0"),
    "denseblock1": ("denseblock1",),
    "denseblock2": ("transition1", "denseblock2"),
    "denseblock3": ("transition2", "denseblock3"),
    "denseblock4": ("transition3", "denseblock4", "norm5", "relu5"),
}
BLOCKS = 4
BOTTLENECK = 4  # a layer's 1x1 convolution gives this many times the growth rate
MIN_SIZE, MIN_SIZE_SMALL = 29, 8  # pixels a side that are halved five and three times, the last time unpadded


class DenseLayer(nn.Module):
    """What one layer adds: (N, inputs, H, W) -> (N, growth, H, W)."""

    def __init__(self, inputs: int, growth: int) -> None:
        super().__init__()
        self.norm1 = nn.BatchNorm2d(inputs)
        self.relu = nn.ReLU(inplace=True)
        self.conv1 = nn.Conv2d(inputs, BOTTLENECK * growth, 1, bias=False)
        self.norm2 = nn.BatchNorm2d(BOTTLENECK * growth)
        self.conv2 = nn.Conv2d(BOTTLENECK * growth, growth, 3, padding=1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv1(self.relu(self.norm1(x)))
        return self.conv2(self.relu(self.norm2(x)))


class DenseBlock(nn.ModuleDict):
    """``count`` layers, each reading all maps so far: (N, inputs, H, W) -> (N, inputs + count growth, H, W)."""

    def __init__(self, inputs: int, count: int, growth: int) -> None:
        layers = {f"denselayer{i + 1}": DenseLayer(inputs + i * growth, growth) for i in range(count)}
        super().__init__(layers)

    def forward(self, x: Tensor) -> Tensor:
        maps = [x]
        for layer in self.values():
            maps.append(layer(torch.cat(maps, 1)))
        return torch.cat(maps, 1)


def build_transition(inputs: int) -> nn.Sequential:
    """Halve channels and side: (N, inputs, H, W) -> (N, inputs / 2, H / 2, W / 2)."""
    return nn.Sequential(
        OrderedDict(
            norm=nn.BatchNorm2d(inputs),
            relu=nn.ReLU(inplace=True),
            conv=nn.Conv2d(inputs, inputs // 2, 1, bias=False),
            pool=nn.AvgPool2d(2, 2),
        )
    )


class DenseNet(Network):
    """Stem, four dense blocks with transitions between them, global average pooling, a linear head.

    Parameters
    ----------
    blocks : tuple of int
        Layers in each of the four dense blocks: four numbers from 1.
    growth : int
        Maps that each layer adds, the paper's k: 1 or more.

    Examples
    --------
    >>> with torch.device("meta"):
    ...     network = DenseNet()
    >>> sum(p.numel() for p in network.parameters())
    7978856
    """

    head_name = "classifier"

    def __init__(
        self,
        classes: int = 1000,
        channels: int = 3,
        size: int = 224,
        blocks: tuple[int, ...] = (6, 12, 24, 16),
        growth: int = 32,
        stem: str = "auto",
    ) -> None:
        super().__init__()
        if len(blocks) != BLOCKS or min(blocks) < 1:
            raise ModelError(_("A densenet cannot have the blocks {blocks}: give four numbers.").format(blocks=blocks))
        if growth < 1:
            raise ModelError(_("A densenet cannot grow by {growth}: it must be 1 or more.").format(growth=growth))
        small = is_small(stem, size)
        check_size("densenet", size, MIN_SIZE_SMALL if small else MIN_SIZE, small)
        inputs = 2 * growth
        kernel, stride = (3, 1) if small else (7, 2)
        layers: dict[str, nn.Module] = {
            "conv0": nn.Conv2d(channels, inputs, kernel, stride, padding=kernel // 2, bias=False),
            "norm0": nn.BatchNorm2d(inputs),
            "relu0": nn.ReLU(inplace=True),
            "pool0": nn.Identity() if small else nn.MaxPool2d(3, 2, padding=1),
        }
        for number, count in enumerate(blocks, start=1):
            layers[f"denseblock{number}"] = DenseBlock(inputs, count, growth)
            inputs += count * growth
            if number < BLOCKS:
                layers[f"transition{number}"] = build_transition(inputs)
                inputs //= 2
        layers |= {"norm5": nn.BatchNorm2d(inputs), "relu5": nn.ReLU(inplace=True)}
        self.features = nn.Sequential(OrderedDict(layers))
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.classifier = nn.Linear(inputs, classes)
        init_convolutions(self, "fan_in")
        nn.init.zeros_(self.classifier.bias)

    def body(self) -> Body:
        return compose_body(self.features, STAGES)

    def pool(self, x: Tensor) -> Tensor:
        return self.avgpool(x).flatten(1)  # (N, 1024, 7, 7) -> (N, 1024)
