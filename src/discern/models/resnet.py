"""ResNet.

Paper: K. He, X. Zhang, S. Ren, J. Sun, "Deep Residual Learning for Image Recognition", CVPR 2016, arXiv:1512.03385
(table 1, figure 5).

Idea: a block learns only what to add to its input, y = x + F(x), and an identity is then F = 0.
The gradient runs through the sum undiminished, so a network of a hundred layers trains like one of ten.

Deviation: in a bottleneck the stride is on the 3x3 convolution, not the first 1x1 ("ResNet v1.5", as torchvision has
it; parameter names are torchvision's, so its weights load). Small images: stem="small" is a 3x3 convolution of
stride 1 without pooling, as the paper's section 4.2 does for CIFAR-10, in place of 7x7, stride 2 and pooling.
"""

from __future__ import annotations

from typing import Protocol

from torch import Tensor, nn

from discern.errors import ModelError
from discern.i18n import _
from discern.models.initialization import init_convolutions
from discern.models.network import Body, Network, is_small, scale_filters

FILTERS = (64, 128, 256, 512)  # of the four stages, at width 1


class BasicBlock(nn.Module):
    """3x3, 3x3, and the sum with the shortcut: (N, inputs, H, W) -> (N, filters, H / stride, W / stride)."""

    expansion = 1

    def __init__(self, inputs: int, filters: int, stride: int, shortcut: nn.Sequential | None) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, filters, 3, stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(filters)
        self.relu = nn.ReLU(inplace=True)
        self.conv2 = nn.Conv2d(filters, filters, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(filters)
        self.downsample = shortcut

    def forward(self, x: Tensor) -> Tensor:
        residual = self.relu(self.bn1(self.conv1(x)))
        residual = self.bn2(self.conv2(residual))
        shortcut = x if self.downsample is None else self.downsample(x)
        residual += shortcut
        return self.relu(residual)


class Bottleneck(nn.Module):
    """1x1 to few filters, 3x3 on those, 1x1 to four times as many: (N, inputs, H, W) -> (N, 4 filters, H/s, W/s)."""

    expansion = 4

    def __init__(self, inputs: int, filters: int, stride: int, shortcut: nn.Sequential | None) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, filters, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(filters)
        self.conv2 = nn.Conv2d(filters, filters, 3, stride, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(filters)
        self.conv3 = nn.Conv2d(filters, filters * self.expansion, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(filters * self.expansion)
        self.relu = nn.ReLU(inplace=True)
        self.downsample = shortcut

    def forward(self, x: Tensor) -> Tensor:
        residual = self.relu(self.bn1(self.conv1(x)))
        residual = self.relu(self.bn2(self.conv2(residual)))
        residual = self.bn3(self.conv3(residual))
        shortcut = x if self.downsample is None else self.downsample(x)
        residual += shortcut
        return self.relu(residual)


class Block(Protocol):
    """A class of residual blocks."""

    expansion: int

    def __call__(self, inputs: int, filters: int, stride: int, shortcut: nn.Sequential | None) -> nn.Module: ...


def build_stage(kind: Block, inputs: int, filters: int, count: int, stride: int) -> nn.Sequential:
    """Chain ``count`` blocks; the first takes the stride, and a 1x1 shortcut where the shape changes."""
    outputs = filters * kind.expansion
    shortcut = None
    if stride != 1 or inputs != outputs:
        shortcut = nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs))
    rest = [kind(outputs, filters, 1, None) for _again in range(count - 1)]
    return nn.Sequential(kind(inputs, filters, stride, shortcut), *rest)


class ResNet(Network):
    """Stem, four stages of residual blocks, global average pooling, a linear head.

    Parameters
    ----------
    blocks : tuple of int
        Blocks in each of the four stages: four numbers from 1.
    bottleneck : bool
        `Bottleneck` blocks (ResNet-50 and deeper) in place of `BasicBlock`.
    width : float
        Fraction of the filters that remain, above 0; 0.1 is the lecture's narrow ResNet.

    Examples
    --------
    >>> sum(p.numel() for p in ResNet().parameters())
    11689512
    """

    head_name = "fc"

    def __init__(
        self,
        classes: int = 1000,
        channels: int = 3,
        size: int = 224,
        blocks: tuple[int, ...] = (2, 2, 2, 2),
        bottleneck: bool = False,
        width: float = 1.0,
        stem: str = "auto",
    ) -> None:
        super().__init__()
        if len(blocks) != len(FILTERS) or min(blocks) < 1:
            raise ModelError(_("A resnet cannot have the blocks {blocks}: give four numbers.").format(blocks=blocks))
        kind = Bottleneck if bottleneck else BasicBlock
        one, two, three, four = (scale_filters(filters, width) for filters in FILTERS)
        small = is_small(stem, size)
        kernel, stride = (3, 1) if small else (7, 2)
        self.conv1 = nn.Conv2d(channels, one, kernel, stride, padding=kernel // 2, bias=False)
        self.bn1 = nn.BatchNorm2d(one)
        self.relu = nn.ReLU(inplace=True)
        self.maxpool = nn.Identity() if small else nn.MaxPool2d(3, 2, padding=1)
        self.layer1 = build_stage(kind, one, one, blocks[0], stride=1)
        self.layer2 = build_stage(kind, one * kind.expansion, two, blocks[1], stride=2)
        self.layer3 = build_stage(kind, two * kind.expansion, three, blocks[2], stride=2)
        self.layer4 = build_stage(kind, three * kind.expansion, four, blocks[3], stride=2)
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.fc = nn.Linear(four * kind.expansion, classes)
        init_convolutions(self)

    def stem(self, x: Tensor) -> Tensor:
        """Map (N, C, H, W) to (N, 64, H / 4, W / 4), or (N, 64, H, W) with the small stem."""
        return self.maxpool(self.relu(self.bn1(self.conv1(x))))

    def body(self) -> Body:
        return {"stem": self.stem, **{f"layer{n}": self.get_submodule(f"layer{n}") for n in (1, 2, 3, 4)}}

    def pool(self, x: Tensor) -> Tensor:
        return self.avgpool(x).flatten(1)  # (N, 512, 7, 7) -> (N, 512)
