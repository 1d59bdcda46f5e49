"""SqueezeNet.

Paper: F. N. Iandola, S. Han, M. W. Moskewicz, K. Ashraf, W. J. Dally, K. Keutzer, "SqueezeNet: AlexNet-level accuracy
with 50x fewer parameters and <0.5MB model size", 2016, arXiv:1602.07360 (table 1, figure 1).

Idea: a Fire module squeezes its input to few channels with 1x1 filters and expands them with 1x1 and 3x3 side by side,
so the costly 3x3 filters read little. Pooling comes late, so most filters work on large maps.

Deviation: none for 1.0; version 1.1 is the authors' release of the same year, which pools earlier and takes 2.3 times
less work at equal accuracy (parameter names of both are torchvision's, so its weights load). Weights are drawn as He
et al. 2015 do, and the scores start at 5: below 0 their ReLU passes no gradient, and a class was lost in the first
steps. Small images: stem="small" has 3x3 filters of stride 1, padded, in the first convolution.
"""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn

from discern.errors import ModelError
from discern.i18n import _
from discern.models.initialization import init_he
from discern.models.network import Body, Network, check_dropout, check_size, is_small

FIRES = {2: 16, 3: 16, 4: 32, 5: 32, 6: 48, 7: 48, 8: 64, 9: 64}  # the paper's number of a module -> squeeze filters
EXPANSION = 4  # expand filters of each kind, 1x1 and 3x3, for a squeeze filter
FIRST_SCORE = 5.0  # far enough above 0 that no step of training starts below


class Fire(nn.Module):
    """1x1 to few channels, then 1x1 and 3x3 side by side: (N, inputs, H, W) -> (N, 2 expand, H, W)."""

    def __init__(self, inputs: int, squeeze: int, expand: int) -> None:
        super().__init__()
        self.squeeze = nn.Conv2d(inputs, squeeze, 1)
        self.expand1x1 = nn.Conv2d(squeeze, expand, 1)
        self.expand3x3 = nn.Conv2d(squeeze, expand, 3, padding=1)
        self.relu = nn.ReLU(inplace=True)

    def forward(self, x: Tensor) -> Tensor:
        x = self.relu(self.squeeze(x))
        return torch.cat([self.relu(self.expand1x1(x)), self.relu(self.expand3x3(x))], dim=1)


class SqueezeNet(Network):
    """One convolution, eight Fire modules, a 1x1 convolution to the classes, global average pooling.

    Parameters
    ----------
    filters, kernel : int
        Of the first convolution: 96 of 7x7 in version 1.0, 64 of 3x3 in version 1.1.
    pools : tuple of int
        Fire modules, by their number from 2 to 9 in order, that pooling comes before; each begins a stage.
    dropout : float
        Fraction of what the last convolution reads that is left out in training.

    Examples
    --------
    >>> sum(p.numel() for p in SqueezeNet().parameters())
    1235496
    >>> {name: tuple(map.shape[1:]) for name, map in SqueezeNet().stages(torch.zeros(1, 3, 224, 224)).items()}
    {'stage1': (64, 111, 111), 'stage2': (128, 55, 55), 'stage3': (256, 27, 27), 'stage4': (512, 13, 13)}
    """

    head_name = "classifier.1"

    def __init__(
        self,
        classes: int = 1000,
        channels: int = 3,
        size: int = 224,
        filters: int = 64,
        kernel: int = 3,
        pools: tuple[int, ...] = (2, 4, 6),
        dropout: float = 0.5,
        stem: str = "auto",
    ) -> None:
        super().__init__()
        if not pools or list(pools) != [number for number in FIRES if number in pools]:
            message = _("A squeezenet cannot pool before the modules {pools}: name some of 2 to 9, in order.")
            raise ModelError(message.format(pools=pools))
        small = is_small(stem, size)
        min_size = 2 ** len(pools)  # each pooling turns 2n places into n, a last pair included
        check_size("squeezenet", size, min_size if small else 2 * (min_size - 1) + kernel, small)
        first = nn.Conv2d(channels, filters, 3, padding=1) if small else nn.Conv2d(channels, filters, kernel, stride=2)
        layers: list[nn.Module] = [first, nn.ReLU(inplace=True)]
        self.starts = [0]  # of each stage, in `features`
        inputs = filters
        for number, squeeze in FIRES.items():
            if number in pools:
                self.starts.append(len(layers))
                layers.append(nn.MaxPool2d(3, 2, ceil_mode=True))
            layers.append(Fire(inputs, squeeze, EXPANSION * squeeze))
            inputs = 2 * EXPANSION * squeeze
        self.features = nn.Sequential(*layers)
        self.classifier = nn.Sequential(nn.Dropout(check_dropout(dropout)), nn.Conv2d(inputs, classes, 1))
        init_he(self, FIRST_SCORE)

    def body(self) -> Body:
        bounds = pairwise([*self.starts, len(self.features)])
        return {f"stage{number}": self.features[start:end] for number, (start, end) in enumerate(bounds, start=1)}

    def pool(self, x: Tensor) -> Tensor:
        return self.classifier[0](x)  # (N, 512, 13, 13): the head is a convolution
