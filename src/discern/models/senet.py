"""SENet: ResNets with squeeze-and-excitation blocks.

Paper: J. Hu, L. Shen, G. Sun, "Squeeze-and-Excitation Networks", CVPR 2018, arXiv:1709.01507 (section 3, table 1,
figure 3).

Idea: each residual block weighs its own channels. Squeeze: the mean of each channel over the map; excitation: two small
layers turn those means into a factor between 0 and 1 for every channel, for about a tenth more parameters.

Deviation: as the authors' Caffe networks and timm's legacy_seresnet18 to 152 have it, whose parameter names these are:
a bottleneck's stride is on its first 1x1 convolution, and the pooling has no padding but a cut last window. 18 and 34,
which the authors did not publish, rectify the residual before the excitation, as timm's weights were trained.
Small images: stem="small" is a 3x3 convolution of stride 1 without pooling, in place of 7x7, stride 2 and pooling.
"""

from __future__ import annotations

from collections import OrderedDict

from torch import Tensor, nn

from discern.errors import ModelError
from discern.i18n import _
from discern.models.initialization import init_convolutions
from discern.models.network import Body, Network, is_small
from discern.models.resnet import FILTERS, build_stage

REDUCTION = 16  # the paper's r: channels per neuron of the squeeze


class SEModule(nn.Module):
    """A factor in (0, 1) for every channel, from the means of all: (N, C, H, W) -> (N, C, H, W)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.fc1 = nn.Conv2d(channels, channels // REDUCTION, 1)
        self.relu = nn.ReLU(inplace=True)
        self.fc2 = nn.Conv2d(channels // REDUCTION, channels, 1)
        self.sigmoid = nn.Sigmoid()

    def forward(self, x: Tensor) -> Tensor:
        squeezed = x.mean((2, 3), keepdim=True)  # (N, C, H, W) -> (N, C, 1, 1)
        return x * self.sigmoid(self.fc2(self.relu(self.fc1(squeezed))))


class SEBasicBlock(nn.Module):
    """3x3, 3x3, the excitation, and the sum with the shortcut: (N, inputs, H, W) -> (N, filters, H / s, W / s)."""

    expansion = 1

    def __init__(self, inputs: int, filters: int, stride: int, shortcut: nn.Sequential | None) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, filters, 3, stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(filters)
        self.conv2 = nn.Conv2d(filters, filters, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(filters)
        self.relu = nn.ReLU(inplace=True)
        self.se_module = SEModule(filters)
        self.downsample = shortcut

    def forward(self, x: Tensor) -> Tensor:
        residual = self.relu(self.bn1(self.conv1(x)))
        residual = self.relu(self.bn2(self.conv2(residual)))
        shortcut = x if self.downsample is None else self.downsample(x)
        return self.relu(self.se_module(residual) + shortcut)


class SEBottleneck(nn.Module):
    """1x1, 3x3, 1x1 to four times the filters, then as above: (N, inputs, H, W) -> (N, 4 filters, H / s, W / s)."""

    expansion = 4

    def __init__(self, inputs: int, filters: int, stride: int, shortcut: nn.Sequential | None) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, filters, 1, stride, bias=False)
        self.bn1 = nn.BatchNorm2d(filters)
        self.conv2 = nn.Conv2d(filters, filters, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(filters)
        self.conv3 = nn.Conv2d(filters, filters * self.expansion, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(filters * self.expansion)
        self.relu = nn.ReLU(inplace=True)
        self.se_module = SEModule(filters * self.expansion)
        self.downsample = shortcut

    def forward(self, x: Tensor) -> Tensor:
        residual = self.relu(self.bn1(self.conv1(x)))
        residual = self.relu(self.bn2(self.conv2(residual)))
        residual = self.bn3(self.conv3(residual))
        shortcut = x if self.downsample is None else self.downsample(x)
        return self.relu(self.se_module(residual) + shortcut)


class SENet(Network):
    """Stem, four stages of residual blocks that weigh their channels, global average pooling, a linear head.

    Parameters
    ----------
    blocks : tuple of int
        Blocks in each of the four stages: four numbers from 1.
    bottleneck : bool
        `SEBottleneck` blocks (SE-ResNet-50 and deeper) in place of `SEBasicBlock`.

    Examples
    --------
    >>> sum(p.numel() for p in SENet().parameters())
    11778592
    """

    head_name = "last_linear"

    def __init__(
        self,
        classes: int = 1000,
        channels: int = 3,
        size: int = 224,
        blocks: tuple[int, ...] = (2, 2, 2, 2),
        bottleneck: bool = False,
        stem: str = "auto",
    ) -> None:
        super().__init__()
        if len(blocks) != len(FILTERS) or min(blocks) < 1:
            raise ModelError(_("A senet cannot have the blocks {blocks}: give four numbers.").format(blocks=blocks))
        kind = SEBottleneck if bottleneck else SEBasicBlock
        small = is_small(stem, size)
        kernel, stride = (3, 1) if small else (7, 2)
        conv1 = nn.Conv2d(channels, 64, kernel, stride, padding=kernel // 2, bias=False)
        self.layer0 = nn.Sequential(OrderedDict(conv1=conv1, bn1=nn.BatchNorm2d(64), relu1=nn.ReLU(inplace=True)))
        self.pool0 = nn.Identity() if small else nn.MaxPool2d(3, 2, ceil_mode=True)
        inputs = 64
        for number, (filters, count) in enumerate(zip(FILTERS, blocks, strict=True), start=1):
            self.add_module(f"layer{number}", build_stage(kind, inputs, filters, count, stride=1 if number == 1 else 2))
            inputs = filters * kind.expansion
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.last_linear = nn.Linear(inputs, classes)
        init_convolutions(self)  # an excitation, whose convolutions have biases, keeps small weights: factors of 1/2

    def stem(self, x: Tensor) -> Tensor:
        """Map (N, C, H, W) to (N, 64, H / 4, W / 4), or (N, 64, H, W) with the small stem."""
        return self.pool0(self.layer0(x))

    def body(self) -> Body:
        return {"stem": self.stem, **{f"layer{n}": self.get_submodule(f"layer{n}") for n in (1, 2, 3, 4)}}

    def pool(self, x: Tensor) -> Tensor:
        return self.avgpool(x).flatten(1)  # (N, 512, 7, 7) -> (N, 512)
