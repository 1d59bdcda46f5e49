"""A 3x3 convolution over a map of 1x1 or 2x2 cells is a small matrix product; on a CPU it should run as one.

Networks made for large pictures end in such maps when they are given small ones. There most of the nine taps only
ever meet the padding, and convolution kernels spend their time on them; the matrix of the taps that do meet a cell
gives the same sums, and the gradient of the others is the zero it always was. benchmarks/epoch.py shows the effect.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn
from torch.nn.functional import linear


class SmallMapConv2d(nn.Conv2d):
    """`torch.nn.Conv2d` (3x3, padding 1, one group) that multiplies a matrix where the map is at most 2x2 cells."""

    def forward(self, input: Tensor) -> Tensor:
        height, width = input.shape[-2:]
        if height > 2 or width > 2:
            return super().forward(input)
        stride = self.stride[0]
        rows, columns = range(0, height, stride), range(0, width, stride)
        # The taps of the output at (r, c) that meet a cell: (O, I, 3, 3) -> (O, H, W, I) -> (O, H * W * I)
        taps = [
            self.weight[:, :, 1 - r : 1 - r + height, 1 - c : 1 - c + width].permute(0, 2, 3, 1).flatten(1)
            for r in rows
            for c in columns
        ]
        bias = None if self.bias is None else self.bias.repeat(len(taps))
        flat = input.permute(0, 2, 3, 1).flatten(1)  # (N, I, H, W) -> (N, H * W * I)
        y = linear(flat, torch.cat(taps), bias)
        return y.view(len(y), len(rows), len(columns), self.out_channels).permute(0, 3, 1, 2)


@contextmanager
def small_maps(model: nn.Module) -> Iterator[None]:
    """Inside the block, every convolution of ``model`` that can runs as `SmallMapConv2d`; names and weights stay.

    Examples
    --------
    >>> conv, x = nn.Conv2d(4, 8, 3, padding=1), torch.randn(5, 4, 2, 2)
    >>> before = conv(x)
    >>> with small_maps(conv):
    ...     torch.allclose(conv(x), before, atol=1e-6)
    True
    """
    fitting = [m for m in model.modules() if type(m) is nn.Conv2d and _fits(m)]
    for conv in fitting:
        conv.__class__ = SmallMapConv2d
    try:
        yield
    finally:
        for conv in fitting:
            conv.__class__ = nn.Conv2d


def _fits(conv: nn.Conv2d) -> bool:
    return (
        conv.kernel_size == (3, 3)
        and conv.padding == (1, 1)
        and conv.stride in ((1, 1), (2, 2))
        and conv.dilation == (1, 1)
        and conv.groups == 1
        and conv.padding_mode == "zeros"
    )
