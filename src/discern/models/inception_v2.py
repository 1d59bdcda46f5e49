"""Inception V2, also called BN-Inception.

Paper: S. Ioffe, C. Szegedy, "Batch Normalization: Accelerating Deep Network Training by Reducing Internal Covariate
Shift", ICML 2015, arXiv:1502.03167 (section 4.2, figure 5).

Idea: GoogLeNet with every convolution followed by batch normalization: its output is brought to mean 0 and variance 1
over the batch, then scaled and shifted by learned numbers. Rates fourteen times higher then train; dropout and the
auxiliary heads are not needed, and two 3x3 convolutions take the place of each 5x5.

Deviation: as in the published weights (the Caffe network and its PyTorch port), the first convolution is a plain
7x7, not a separable one, and 4c and 4d give 608 channels, 128 of them from pooling, where figure 5 counts 576.
Convolutions have no bias, which section 3.2 says the normalization cancels; with biases the count is those weights'
11,295,240. Small images: stem="small" begins with a 3x3 convolution of stride 1 without pooling.
"""

from __future__ import annotations

from functools import partial

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from discern.models.googlenet import BasicConv2d
from discern.models.initialization import init_convolutions
from discern.models.network import Body, Network, compose_body, is_small

INCEPTIONS = {  # figure 5: filters of 1x1, 3x3 reduce, 3x3, double 3x3 reduce, double 3x3, pool projection; pooling
    "inception_3a": (64, 64, 64, 64, 96, 32, "average"),
    "inception_3b": (64, 64, 96, 64, 96, 64, "average"),
    "inception_3c": (0, 128, 160, 64, 96, 0, "stride"),
    "inception_4a": (224, 64, 96, 96, 128, 128, "average"),
    "inception_4b": (192, 96, 128, 96, 128, 128, "average"),
    "inception_4c": (160, 128, 160, 128, 160, 128, "average"),
    "inception_4d": (96, 128, 192, 160, 192, 128, "average"),
    "inception_4e": (0, 128, 192, 192, 256, 0, "stride"),
    "inception_5a": (352, 192, 320, 160, 224, 128, "average"),
    "inception_5b": (352, 192, 320, 192, 224, 128, "max"),
}
STAGES = {
    "stem": ("conv1", "pool1", "conv2_reduce", "conv2", "pool2"),
    "inception_3b": ("inception_3a", "inception_3b"),
    "inception_4d": ("inception_3c", "inception_4a", "inception_4b", "inception_4c", "inception_4d"),
    "inception_5b": ("inception_4e", "inception_5a", "inception_5b"),
}
ConvBN = partial(BasicConv2d, epsilon=1e-5)  # convolution, normalization, ReLU; (inputs, filters, kernel, stride)


class HalvingPool(nn.Module):
    """Maximum of 3x3 windows that begin at every second pixel: (N, C, H, W) -> (N, C, ceil(H / 2), ceil(W / 2))."""

    def __init__(self) -> None:
        super().__init__()
        self.pool = nn.MaxPool2d(3, 2, ceil_mode=True)

    def forward(self, x: Tensor) -> Tensor:
        height, width = x.shape[2:]
        return self.pool(F.pad(x, (0, width % 2, 0, height % 2)))  # a zero never wins: the map is rectified


class Inception(nn.Module):
    """A row of `INCEPTIONS`, four branches: (N, inputs, H, W) -> (N, one + three + double + pool, H, W).

    With ``pooling="stride"`` the 1x1 branch and the projection are left out, the others halve the map, and the pooled
    input is passed through: (N, inputs, H, W) -> (N, three + double + inputs, H / 2, W / 2).
    """

    def __init__(self, inputs: int, row: tuple[int, int, int, int, int, int, str]) -> None:
        super().__init__()
        one, three_reduce, three, double_reduce, double, projection, pooling = row
        stride = 2 if pooling == "stride" else 1
        branches: list[nn.Module] = [ConvBN(inputs, one, 1)] if one else []
        branches.append(nn.Sequential(ConvBN(inputs, three_reduce, 1), ConvBN(three_reduce, three, 3, stride)))
        branches.append(
            nn.Sequential(
                ConvBN(inputs, double_reduce, 1), ConvBN(double_reduce, double, 3), ConvBN(double, double, 3, stride)
            )
        )
        if pooling == "stride":
            branches.append(HalvingPool())
        else:
            pool = nn.AvgPool2d(3, 1, padding=1) if pooling == "average" else nn.MaxPool2d(3, 1, padding=1)
            branches.append(nn.Sequential(pool, ConvBN(inputs, projection, 1)))
        self.branches = nn.ModuleList(branches)
        self.outputs = one + three + double + (projection or inputs)

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([branch(x) for branch in self.branches], 1)


class InceptionV2(Network):
    """Stem, ten inception blocks, global average pooling, a linear head.

    Examples
    --------
    >>> with torch.device("meta"):
    ...     network = InceptionV2(size=224)
    >>> maps = network.stages(torch.zeros(1, 3, 224, 224, device="meta"))
    >>> {name: tuple(map.shape[1:]) for name, map in maps.items()}  # doctest: +NORMALIZE_WHITESPACE
    {'stem': (192, 28, 28), 'inception_3b': (320, 28, 28), 'inception_4d': (608, 14, 14),
     'inception_5b': (1024, 7, 7)}
    """

    head_name = "fc"

    def __init__(self, classes: int = 1000, channels: int = 3, size: int = 224, stem: str = "auto") -> None:
        super().__init__()
        small = is_small(stem, size)
        self.conv1 = ConvBN(channels, 64, 3 if small else 7, 1 if small else 2)
        self.pool1 = nn.Identity() if small else HalvingPool()
        self.conv2_reduce = ConvBN(64, 64, 1)
        self.conv2 = ConvBN(64, 192, 3)
        self.pool2 = HalvingPool()
        inputs = 192
        for name, row in INCEPTIONS.items():
            block = Inception(inputs, row)
            self.add_module(name, block)
            inputs = block.outputs
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.fc = nn.Linear(inputs, classes)
        init_convolutions(self)

    def body(self) -> Body:
        return compose_body(self, STAGES)

    def pool(self, x: Tensor) -> Tensor:
        return self.avgpool(x).flatten(1)  # (N, 1024, 7, 7) -> (N, 1024)
