"""GoogLeNet.

Paper: C. Szegedy et al., "Going Deeper with Convolutions", CVPR 2015, arXiv:1409.4842 (table 1, figures 2b and 3).

Idea: an inception block looks at its input through 1x1, 3x3 and 5x5 filters and a pooling at once, and 1x1
convolutions before the large filters keep that cheap. Two auxiliary heads at half depth give the early blocks
gradient of their own while training.

Deviation: as torchvision has it, whose parameter names and weights these are: batch normalization after every
convolution, 3x3 filters in the branch the paper gives 5x5 (a known mistake, kept because the weights have it), adaptive
pooling to 4x4 in the auxiliary heads. The first weights are drawn as in ResNet. Small images: stem="small" begins
with a 3x3 convolution of stride 1 without pooling, in place of 7x7, stride 2 and pooling.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from discern.models.initialization import init_convolutions
from discern.models.network import Body, Network, check_dropout, check_size, compose_body, is_small

STAGES = {  # the auxiliary heads read the maps of inception4a and inception4d
    "stem": ("conv1", "maxpool1", "conv2", "conv3", "maxpool2"),
    "inception3b": ("inception3a", "inception3b"),
    "inception4a": ("maxpool3", "inception4a"),
    "inception4d": ("inception4b", "inception4c", "inception4d"),
    "inception4e": ("inception4e",),
    "inception5b": ("maxpool4", "inception5a", "inception5b"),
}
INCEPTIONS = {  # table 1: filters of 1x1, 3x3 reduce, 3x3, 5x5 reduce, 5x5, pool projection
    "inception3a": (64, 96, 128, 16, 32, 32),
    "inception3b": (128, 128, 192, 32, 96, 64),
    "inception4a": (192, 96, 208, 16, 48, 64),
    "inception4b": (160, 112, 224, 24, 64, 64),
    "inception4c": (128, 128, 256, 24, 64, 64),
    "inception4d": (112, 144, 288, 32, 64, 64),
    "inception4e": (256, 160, 320, 32, 128, 128),
    "inception5a": (256, 160, 320, 32, 128, 128),
    "inception5b": (384, 192, 384, 48, 128, 128),
}
MIN_SIZE = 15  # pixels a side of the published form, torchvision's own limit


class BasicConv2d(nn.Module):
    """Convolution, batch normalization, ReLU; the side shrinks by ``stride`` only."""

    def __init__(self, inputs: int, filters: int, kernel: int, stride: int = 1, epsilon: float = 1e-3) -> None:
        super().__init__()
        self.conv = nn.Conv2d(inputs, filters, kernel, stride, padding=kernel // 2, bias=False)
        self.bn = nn.BatchNorm2d(filters, eps=epsilon)
        self.relu = nn.ReLU(inplace=True)

    def forward(self, x: Tensor) -> Tensor:
        return self.relu(self.bn(self.conv(x)))


class Inception(nn.Module):
    """A row of `INCEPTIONS`, four branches: (N, inputs, H, W) -> (N, one + three + five + pool, H, W)."""

    def __init__(self, inputs: int, filters: tuple[int, int, int, int, int, int]) -> None:
        super().__init__()
        one, three_reduce, three, five_reduce, five, pool = filters
        self.outputs = one + three + five + pool
        self.branch1 = BasicConv2d(inputs, one, 1)
        self.branch2 = nn.Sequential(BasicConv2d(inputs, three_reduce, 1), BasicConv2d(three_reduce, three, 3))
        self.branch3 = nn.Sequential(BasicConv2d(inputs, five_reduce, 1), BasicConv2d(five_reduce, five, 3))
        self.branch4 = nn.Sequential(nn.MaxPool2d(3, 1, padding=1), BasicConv2d(inputs, pool, 1))

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([self.branch1(x), self.branch2(x), self.branch3(x), self.branch4(x)], 1)


class InceptionAux(nn.Module):
    """An auxiliary head: (N, inputs, H, W) -> logits (N, classes)."""

    def __init__(self, inputs: int, classes: int, dropout: float) -> None:
        super().__init__()
        self.pool = nn.AdaptiveAvgPool2d(4)
        self.conv = BasicConv2d(inputs, 128, 1)
        self.fc1 = nn.Linear(128 * 4 * 4, 1024)
        self.relu = nn.ReLU(inplace=True)
        self.dropout = nn.Dropout(dropout)
        self.fc2 = nn.Linear(1024, classes)

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv(self.pool(x)).flatten(1)  # (N, 128, 4, 4) -> (N, 2048)
        return self.fc2(self.dropout(self.relu(self.fc1(x))))


class GoogLeNet(Network):
    """Stem, nine inception blocks, global average pooling, a linear head, and two auxiliary heads.

    Parameters
    ----------
    auxiliary_heads : bool
        The two heads that training adds to the loss; predicting never runs them.
    dropout, dropout_auxiliary : float
        Fraction of values left out before the head, and in the auxiliary heads.

    Examples
    --------
    >>> with torch.device("meta"):
    ...     networks = GoogLeNet(), GoogLeNet(auxiliary_heads=False)
    >>> [sum(p.numel() for p in network.parameters()) for network in networks]
    [13004888, 6624904]
    """

    head_name = "fc"

    def __init__(
        self,
        classes: int = 1000,
        channels: int = 3,
        size: int = 224,
        auxiliary_heads: bool = True,
        dropout: float = 0.2,
        dropout_auxiliary: float = 0.7,
        stem: str = "auto",
    ) -> None:
        super().__init__()
        small = is_small(stem, size)
        if not small:
            check_size("googlenet", size, MIN_SIZE)
        self.conv1 = BasicConv2d(channels, 64, 3 if small else 7, 1 if small else 2)
        self.maxpool1 = nn.Identity() if small else nn.MaxPool2d(3, 2, ceil_mode=True)
        self.conv2 = BasicConv2d(64, 64, 1)
        self.conv3 = BasicConv2d(64, 192, 3)
        self.maxpool2 = nn.MaxPool2d(3, 2, ceil_mode=True)
        self.maxpool3 = nn.MaxPool2d(3, 2, ceil_mode=True)
        self.maxpool4 = nn.MaxPool2d(2, 2, ceil_mode=True)
        inputs = 192
        for name, filters in INCEPTIONS.items():
            block = Inception(inputs, filters)
            self.add_module(name, block)
            inputs = block.outputs
        if auxiliary_heads:
            self.auxiliary = {"inception4a": "aux1", "inception4d": "aux2"}
            self.aux1 = InceptionAux(512, classes, check_dropout(dropout_auxiliary))
            self.aux2 = InceptionAux(528, classes, check_dropout(dropout_auxiliary))
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.dropout = nn.Dropout(check_dropout(dropout))
        self.fc = nn.Linear(inputs, classes)
        init_convolutions(self)  # torchvision's normal of 0.01 needs ten times the steps to begin

    def body(self) -> Body:
        return compose_body(self, STAGES)

    def pool(self, x: Tensor) -> Tensor:
        return self.dropout(self.avgpool(x).flatten(1))  # (N, 1024, 7, 7) -> (N, 1024)
