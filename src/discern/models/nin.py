"""NIN, Network in Network.

Paper: M. Lin, Q. Chen, S. Yan, "Network In Network", ICLR 2014, arXiv:1312.4400 (sections 3.1 and 3.2, figure 2); the
numbers are those of the authors' ImageNet and CIFAR-10 models in the Caffe Model Zoo.

Idea: a small network, two 1x1 convolutions after each larger one, slides over the image in place of a single filter.
The last makes one map a class, and the average of the map is the score: no fully connected layer is left to overfit.

Deviation: weights are drawn as He et al. 2015 do, and the scores start at 5: below 0 their ReLU passes no gradient, and
a class was lost in the first steps. Small images: stem="small" is the authors' CIFAR-10 network, three mlpconv layers
for four, with max pooling throughout as the paper says (their second is an average) and one dropout, before the last
mlpconv layer, as in their ImageNet network.
"""

from __future__ import annotations

from itertools import pairwise

from torch import Tensor, nn

from discern.models.initialization import init_he
from discern.models.network import Body, Network, check_dropout, check_size, is_small

IMAGENET = {  # kernel of the convolution; its filters and those of the 1x1 after it
    "mlpconv1": (11, (96, 96, 96)),
    "mlpconv2": (5, (256, 256, 256)),
    "mlpconv3": (3, (384, 384, 384)),
    "mlpconv4": (3, (1024, 1024)),
}
SMALL = {"mlpconv1": (5, (192, 160, 96)), "mlpconv2": (5, (192, 192, 192)), "mlpconv3": (3, (192, 192))}
MIN_SIZE = 39  # pixels a side that leave one place after strides of 4, 2, 2, 2
MIN_SIZE_SMALL = 4  # after 2, 2
FIRST_SCORE = 5.0  # far enough above 0 that no step of training starts below


class MLPConv(nn.Sequential):
    """A convolution and the 1x1 after it, each with ReLU: (N, inputs, H, W) -> (N, filters[-1], H / s, W / s)."""

    def __init__(self, inputs: int, filters: tuple[int, ...], kernel: int, stride: int, padding: int) -> None:
        layers: list[nn.Module] = [nn.Conv2d(inputs, filters[0], kernel, stride, padding), nn.ReLU(inplace=True)]
        for before, after in pairwise(filters):
            layers += [nn.Conv2d(before, after, 1), nn.ReLU(inplace=True)]
        super().__init__(*layers)


class NIN(Network):
    """Mlpconv layers, pooled between; the last 1x1 convolution, apart as the head, makes a map a class.

    The last mlpconv layer reads with ``dropout``.

    Examples
    --------
    >>> import torch
    >>> with torch.device("meta"):
    ...     network = NIN()
    ...     maps = network.stages(torch.zeros(1, 3, 224, 224))
    >>> [tuple(map.shape[1:]) for map in maps.values()]
    [(96, 54, 54), (256, 27, 27), (384, 13, 13), (1024, 6, 6)]
    >>> network.head
    Conv2d(1024, 1000, kernel_size=(1, 1), stride=(1, 1))
    """

    head_name = "cccp"

    def __init__(
        self, classes: int = 1000, channels: int = 3, size: int = 224, dropout: float = 0.5, stem: str = "auto"
    ) -> None:
        super().__init__()
        small = is_small(stem, size)
        check_size("nin", size, MIN_SIZE_SMALL if small else MIN_SIZE, small)
        check_dropout(dropout)
        self.plan = SMALL if small else IMAGENET
        *_others, last = self.plan
        inputs = channels
        for name, (kernel, filters) in self.plan.items():
            layers: list[nn.Module] = []
            if name != "mlpconv1":
                layers.append(nn.MaxPool2d(3, 2, ceil_mode=True))
            if name == last:
                layers.append(nn.Dropout(dropout))
            strided = name == "mlpconv1" and not small
            layers.append(MLPConv(inputs, filters, kernel, 4 if strided else 1, 0 if strided else kernel // 2))
            self.add_module(name, nn.Sequential(*layers))
            inputs = filters[-1]
        self.cccp = nn.Conv2d(inputs, classes, 1)
        init_he(self, FIRST_SCORE)

    def body(self) -> Body:
        return {name: self.get_submodule(name) for name in self.plan}

    def pool(self, x: Tensor) -> Tensor:
        return x  # (N, 1024, 6, 6): the head is a convolution
