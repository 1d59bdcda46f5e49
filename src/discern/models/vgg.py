"""VGG.

Paper: K. Simonyan, A. Zisserman, "Very Deep Convolutional Networks for Large-Scale Image Recognition", ICLR 2015,
arXiv:1409.1556 (table 1: configurations A, B, D, E).

Idea: every filter is 3x3, the smallest that knows left from right; two on top of each other see 5x5 and three see 7x7,
with fewer weights and more ReLU than one large filter. So the network grows by depth alone, to 19 layers.

Deviation: the variants with batch normalization are torchvision's, not the paper's, and parameter names are
torchvision's, so its weights load. Weights are drawn as He et al. 2015 do, so that the deep ones start from nothing;
the paper began them with trained layers of the 11-layer one. Small images: stem="small" leaves out the pooling of
the last two stages (nothing would be left of 28x28) and averages the last map to one place before fully connected
layers of 512 neurons for 4096.
"""

from __future__ import annotations

from torch import Tensor, nn

from discern.errors import ModelError
from discern.i18n import _
from discern.models.initialization import init_he
from discern.models.network import Body, Network, check_dropout, check_size, is_small

FILTERS = (64, 128, 256, 512, 512)  # of the five stages
POOLED_SMALL = 3  # stages that the small form pools


class VGG(Network):
    """Five stages of 3x3 convolutions, pooled by 2 each, and three fully connected layers; ``dropout`` follows two.

    Parameters
    ----------
    blocks : tuple of int
        Convolutions in each of the five stages: five numbers from 1.
    batch_norm : bool
        Batch normalization after every convolution.

    Examples
    --------
    >>> import torch
    >>> with torch.device("meta"):
    ...     network = VGG(blocks=(2, 2, 3, 3, 3))
    >>> sum(p.numel() for p in network.parameters())
    138357544
    """

    head_name = "classifier.6"

    def __init__(
        self,
        classes: int = 1000,
        channels: int = 3,
        size: int = 224,
        blocks: tuple[int, ...] = (1, 1, 2, 2, 2),
        batch_norm: bool = False,
        dropout: float = 0.5,
        stem: str = "auto",
    ) -> None:
        super().__init__()
        if len(blocks) != len(FILTERS) or min(blocks) < 1:
            raise ModelError(_("A vgg cannot have the blocks {blocks}: give five numbers.").format(blocks=blocks))
        small = is_small(stem, size)
        pooled = POOLED_SMALL if small else len(FILTERS)
        check_size("vgg", size, 2**pooled, small)
        check_dropout(dropout)
        layers: list[nn.Module] = []
        self.ends = []  # of each stage, in `features`
        inputs = channels
        for i, (filters, count) in enumerate(zip(FILTERS, blocks, strict=True)):
            for _again in range(count):
                layers.append(nn.Conv2d(inputs, filters, 3, padding=1))
                if batch_norm:
                    layers.append(nn.BatchNorm2d(filters))
                layers.append(nn.ReLU(inplace=True))
                inputs = filters
            layers.append(nn.MaxPool2d(2, 2) if i < pooled else nn.Identity())
            self.ends.append(len(layers))
        self.features = nn.Sequential(*layers)
        side, neurons = (1, 512) if small else (7, 4096)
        self.avgpool = nn.AdaptiveAvgPool2d(side)
        self.classifier = nn.Sequential(
            nn.Linear(inputs * side * side, neurons),
            nn.ReLU(inplace=True),
            nn.Dropout(dropout),
            nn.Linear(neurons, neurons),
            nn.ReLU(inplace=True),
            nn.Dropout(dropout),
            nn.Linear(neurons, classes),
        )
        init_he(self)

    def body(self) -> Body:
        starts = [0, *self.ends]
        return {f"stage{i + 1}": self.features[starts[i] : end] for i, end in enumerate(self.ends)}

    def pool(self, x: Tensor) -> Tensor:
        x = self.avgpool(x).flatten(1)  # (N, 512, 7, 7) -> (N, 25088)
        return self.classifier[:-1](x)  # (N, 4096)
