"""FastNet: six wide convolutions behind a frozen whitening of patches, for small images in few passes.

Source: K. Jordan, "94% on CIFAR-10 in 3.29 Seconds on a Single GPU", 2024, arXiv:2404.00498 (section 3), which gathers
the ideas below; the whitening is D. Page's ("How to Train Your ResNet 8: Bag of Tricks", 2019).

Idea: the first layer need not be learned, for the principal patches of the images themselves, scaled to equal
variance, serve as well. The rest is shallow and wide, which suits a processor, and starts as near to the identity as a
convolution can, so that eight passes over the data are enough.

Deviation: wider (128, 384, 384 filters for 64, 256, 256), maxima of all that is left for the last pooling so that
images of any size fit, and as many whitening filters as a patch of one channel has for gray images.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from discern.models.network import Body, Network, check_size, scale_filters

FILTERS = (128, 384, 384)
PATCH = 2  # pixels a side of a whitened patch
MIN_SIZE = 10  # pixels a side: below it the third pooling has nothing left
SCALE = 1 / 9  # of the logits (Jordan 2024): the head starts unsure


class Whitening(nn.Conv2d):
    """A convolution whose filters are not trained, but set by `fit`; its bias is.

    Its outputs come twice, the second time negated, for the activation behind it keeps one side only.
    """

    def __init__(self, channels: int) -> None:
        super().__init__(channels, 2 * channels * PATCH**2, PATCH)
        first = self.weight.detach()
        del self.weight
        self.register_buffer("weight", first)
        assert self.bias is not None
        nn.init.zeros_(self.bias)

    @torch.no_grad()
    def fit(self, x: Tensor, epsilon: float = 5e-4) -> None:
        """Set filters whose outputs for the patches of ``x`` (N, C, H, W) are uncorrelated and of variance 1.

        They are the eigenvectors of the patches' covariance over the root of their eigenvalues (PCA whitening);
        ``epsilon`` is added to these, so that what hardly varies is not made noise.
        """
        patches = x.unfold(2, PATCH, 1).unfold(3, PATCH, 1)  # (N, C, H', W', P, P)
        flat = patches.permute(0, 2, 3, 1, 4, 5).reshape(-1, patches.shape[1] * PATCH**2).double()
        values, vectors = torch.linalg.eigh(flat.T @ flat / len(flat))  # the images' mean is 0 already
        filters = (vectors / (values + epsilon).sqrt()).T.reshape(-1, *self.weight.shape[1:])
        self.weight.copy_(torch.cat([filters, -filters]))


class Shift(nn.BatchNorm2d):
    """Batch normalization that shifts but does not scale, and forgets soon: few steps must do."""

    def __init__(self, filters: int) -> None:
        super().__init__(filters, momentum=0.6, eps=1e-12)
        del self.weight
        self.register_buffer("weight", torch.ones(filters))


def build_near_identity(inputs: int, filters: int) -> nn.Conv2d:
    """Build a 3x3 convolution whose first filters hand their input on, as far as there are inputs."""
    conv = nn.Conv2d(inputs, filters, 3, padding=1, bias=False)
    nn.init.dirac_(conv.weight.detach()[: min(inputs, filters)])
    return conv


class Block(nn.Module):
    """Convolution, pooling, convolution: (N, inputs, H, W) -> (N, filters, H / 2, W / 2)."""

    def __init__(self, inputs: int, filters: int) -> None:
        super().__init__()
        self.conv1 = build_near_identity(inputs, filters)
        self.pool = nn.MaxPool2d(2)
        self.norm1 = Shift(filters)
        self.conv2 = build_near_identity(filters, filters)
        self.norm2 = Shift(filters)

    def forward(self, x: Tensor) -> Tensor:
        x = F.gelu(self.norm1(self.pool(self.conv1(x))))
        return F.gelu(self.norm2(self.conv2(x)))


class FastNet(Network):
    """Whitening - three blocks of `FILTERS` - maxima - a linear head; images of 10 pixels a side or more.

    Examples
    --------
    >>> [tuple(map.shape[1:]) for map in FastNet(width=0.5).stages(torch.zeros(1, 3, 32, 32)).values()]
    [(24, 31, 31), (64, 15, 15), (192, 7, 7), (192, 3, 3)]
    """

    head_name = "fc"
    init_images = 2000

    def __init__(self, classes: int = 10, channels: int = 3, size: int = 32, width: float = 1.0) -> None:
        super().__init__()
        check_size("fastnet", size, MIN_SIZE, small=True)
        first, second, third = (scale_filters(filters, width) for filters in FILTERS)
        self.whiten = Whitening(channels)
        self.block1 = Block(self.whiten.out_channels, first)
        self.block2 = Block(first, second)
        self.block3 = Block(second, third)
        self.maxpool = nn.AdaptiveMaxPool2d(1)
        self.fc = nn.Linear(third, classes, bias=False)

    def init_from_data(self, images: Tensor) -> None:
        """Set the whitening filters from ``images`` (N, C, H, W), as they will come in training."""
        self.whiten.fit(images)

    def stem(self, x: Tensor) -> Tensor:
        """Map (N, C, H, W) to (N, 8 C, H - 1, W - 1)."""
        return F.gelu(self.whiten(x))

    def body(self) -> Body:
        return {"stem": self.stem, "block1": self.block1, "block2": self.block2, "block3": self.block3}

    def pool(self, x: Tensor) -> Tensor:
        return self.maxpool(x).flatten(1) * SCALE  # (N, F, H, W) -> (N, F)
