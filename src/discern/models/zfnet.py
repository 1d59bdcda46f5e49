"""ZFNet.

Paper: M. D. Zeiler, R. Fergus, "Visualizing and Understanding Convolutional Networks", ECCV 2014, arXiv:1311.2901
(figure 3, section 4.1), first in ILSVRC-2013.

Idea: a deconvolution runs each feature back to the pixels, and so shows what a layer of AlexNet sees: its first layer
missed middle frequencies and its stride of 4 blurred fine ones. Filters of 7x7 with stride 2 there repair both.

Deviation: weights are drawn as He et al. 2015 do, where the paper draws all with a deviation of 0.01, which starts
slowly; the head keeps it. The first two convolutions and the pooling are padded so that the maps are the figure's 110,
55, 26, 13 and 6. Small images: stem="small" has 3x3 filters of stride 1 in the first layer, the fifth is not pooled,
and its map is averaged to one place before fully connected layers of 1024 neurons for 4096.
"""

from __future__ import annotations

from torch import Tensor, nn

from discern.models.initialization import init_he
from discern.models.network import Body, Network, check_dropout, check_size, is_small

MIN_SIZE = 47  # pixels a side that leave one place after strides of 2, 2, 2, 2, 2
MIN_SIZE_SMALL = 6  # after 2, 2, 2


def build_conv(inputs: int, filters: int, kernel: int, stride: int = 1, padding: int = 1) -> list[nn.Module]:
    """Build convolution and ReLU: (N, inputs, H, W) -> (N, filters, H / stride, W / stride)."""
    return [nn.Conv2d(inputs, filters, kernel, stride, padding), nn.ReLU(inplace=True)]


def build_pool() -> nn.MaxPool2d:
    """Build the maximum of each 3x3, places at the far edge included: 110 -> 55, 26 -> 13, 13 -> 6."""
    return nn.MaxPool2d(3, 2, ceil_mode=True)


def build_contrast() -> nn.LocalResponseNorm:
    """Build contrast normalization across five neighboring maps, with AlexNet's numbers (NIPS 2012, section 3.3)."""
    return nn.LocalResponseNorm(5, alpha=5e-4, beta=0.75, k=2.0)  # torch divides alpha by 5, the paper does not


class ZFNet(Network):
    """Five convolutions, three of them pooled, and three fully connected layers; ``dropout`` follows the hidden two.

    Examples
    --------
    >>> import torch
    >>> with torch.device("meta"):
    ...     maps = ZFNet().stages(torch.zeros(1, 3, 224, 224))
    >>> [tuple(map.shape[1:]) for map in maps.values()]
    [(96, 55, 55), (256, 13, 13), (384, 13, 13), (384, 13, 13), (256, 6, 6)]
    """

    head_name = "classifier.6"

    def __init__(
        self, classes: int = 1000, channels: int = 3, size: int = 224, dropout: float = 0.5, stem: str = "auto"
    ) -> None:
        super().__init__()
        small = is_small(stem, size)
        check_size("zfnet", size, MIN_SIZE_SMALL if small else MIN_SIZE, small)
        check_dropout(dropout)
        first = build_conv(channels, 96, 3) if small else build_conv(channels, 96, 7, stride=2)
        self.conv1 = nn.Sequential(*first, build_pool(), build_contrast())
        self.conv2 = nn.Sequential(
            *build_conv(96, 256, 5, stride=2, padding=2 if small else 0), build_pool(), build_contrast()
        )
        self.conv3 = nn.Sequential(*build_conv(256, 384, 3))
        self.conv4 = nn.Sequential(*build_conv(384, 384, 3))
        self.conv5 = nn.Sequential(*build_conv(384, 256, 3), nn.Identity() if small else build_pool())
        side, neurons = (1, 1024) if small else (6, 4096)
        self.avgpool = nn.AdaptiveAvgPool2d(side)
        self.classifier = nn.Sequential(
            nn.Linear(256 * side * side, neurons),
            nn.ReLU(inplace=True),
            nn.Dropout(dropout),
            nn.Linear(neurons, neurons),
            nn.ReLU(inplace=True),
            nn.Dropout(dropout),
            nn.Linear(neurons, classes),
        )
        init_he(self)

    def body(self) -> Body:
        return {name: self.get_submodule(name) for name in ("conv1", "conv2", "conv3", "conv4", "conv5")}

    def pool(self, x: Tensor) -> Tensor:
        x = self.avgpool(x).flatten(1)  # (N, 256, 6, 6) -> (N, 9216)
        return self.classifier[:-1](x)  # (N, 4096)
