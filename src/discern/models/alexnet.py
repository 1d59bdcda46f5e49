"""AlexNet.

Paper: A. Krizhevsky, "One weird trick for parallelizing convolutional neural networks", 2014, arXiv:1404.5997: the
one-tower form of A. Krizhevsky, I. Sutskever, G. Hinton, "ImageNet Classification with Deep Convolutional Neural
Networks", NIPS 2012 (section 3.5, figure 2), which won ILSVRC-2012.

Idea: five convolutions and three fully connected layers were a hundred times more than anyone had trained; GPUs made it
possible. ReLU in place of tanh trains several times faster, and dropout keeps 60 million weights from overfitting.

Deviation: one tower of 64, 192, 384, 256, 256 filters without response normalization, as torchvision has it (parameter
names are torchvision's, so its weights load), in place of two towers with 48 + 48, 128 + 128, ... on two GPUs. Weights
are drawn as He et al. 2015 do, which needs no careful start. Small images: stem="small" has 5x5 filters of stride 1
in the first layer for 11x11 of stride 4, and the last map is averaged to 2x2 before fully connected layers of 1024
neurons for 4096.
"""

from __future__ import annotations

from torch import Tensor, nn

from discern.models.initialization import init_he
from discern.models.network import Body, Network, check_dropout, check_size, is_small

LAYERS = {"conv1": (0, 3), "conv2": (3, 6), "conv3": (6, 8), "conv4": (8, 10), "conv5": (10, 13)}  # parts of `features`
MIN_SIZE = 63  # pixels a side that leave one place after strides of 4, 2, 2, 2
MIN_SIZE_SMALL = 15  # after 2, 2, 2


class AlexNet(Network):
    """Five convolutions, three of them pooled, and three fully connected layers; the hidden two read with ``dropout``.

    Examples
    --------
    >>> import torch
    >>> with torch.device("meta"):
    ...     network = AlexNet()
    >>> sum(p.numel() for p in network.parameters())
    61100840
    """

    head_name = "classifier.6"

    def __init__(
        self, classes: int = 1000, channels: int = 3, size: int = 224, dropout: float = 0.5, stem: str = "auto"
    ) -> None:
        super().__init__()
        small = is_small(stem, size)
        check_size("alexnet", size, MIN_SIZE_SMALL if small else MIN_SIZE, small)
        check_dropout(dropout)
        first = nn.Conv2d(channels, 64, 5, padding=2) if small else nn.Conv2d(channels, 64, 11, stride=4, padding=2)
        self.features = nn.Sequential(
            first,
            nn.ReLU(inplace=True),
            nn.MaxPool2d(3, 2),
            nn.Conv2d(64, 192, 5, padding=2),
            nn.ReLU(inplace=True),
            nn.MaxPool2d(3, 2),
            nn.Conv2d(192, 384, 3, padding=1),
            nn.ReLU(inplace=True),
            nn.Conv2d(384, 256, 3, padding=1),
            nn.ReLU(inplace=True),
            nn.Conv2d(256, 256, 3, padding=1),
            nn.ReLU(inplace=True),
            nn.MaxPool2d(3, 2),
        )
        side, neurons = (2, 1024) if small else (6, 4096)
        self.avgpool = nn.AdaptiveAvgPool2d(side)
        self.classifier = nn.Sequential(
            nn.Dropout(dropout),
            nn.Linear(256 * side * side, neurons),
            nn.ReLU(inplace=True),
            nn.Dropout(dropout),
            nn.Linear(neurons, neurons),
            nn.ReLU(inplace=True),
            nn.Linear(neurons, classes),
        )
        init_he(self)

    def body(self) -> Body:
        return {name: self.features[start:end] for name, (start, end) in LAYERS.items()}

    def pool(self, x: Tensor) -> Tensor:
        x = self.avgpool(x).flatten(1)  # (N, 256, 6, 6) -> (N, 9216)
        return self.classifier[:-1](x)  # (N, 4096)
