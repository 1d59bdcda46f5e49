"""Two convolutions that a CPU does badly, in a form it does well: the same sums over the same weights.

A 3x3 convolution over a map of 1x1 or 2x2 cells, where networks made for large pictures end when they are given small
ones: most of the nine taps only ever meet the padding. The matrix of the taps that do meet a cell is a small product,
and the gradient of the others is the zero it always was.

A depthwise convolution of stride 2 in bfloat16: at stride 1 it has a fast kernel, and every second cell of its answer
is the answer. benchmarks/epoch.py shows both (resnet18 at 32x32, mobilenet at 128x128).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn
from torch.nn.functional import conv2d, linear


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


class StridedDepthwiseConv2d(nn.Conv2d):
    """`torch.nn.Conv2d` (depthwise, stride 2) that in bfloat16 takes every second cell of stride 1."""

    def forward(self, input: Tensor) -> Tensor:
        if not torch.is_autocast_enabled("cpu"):
            return super().forward(input)
        y = conv2d(input, self.weight, self.bias, 1, self.padding, self.dilation, self.groups)
        return y[:, :, ::2, ::2]


@contextmanager
def cpu_convolutions(model: nn.Module) -> Iterator[None]:
    """Inside the block, the convolutions of ``model`` on a CPU run in their faster form; names and weights stay.

    Examples
    --------
    >>> conv, x = nn.Conv2d(4, 8, 3, padding=1), torch.randn(5, 4, 2, 2)
    >>> before = conv(x)
    >>> with cpu_convolutions(conv):
    ...     torch.allclose(conv(x), before, atol=1e-6)
    True
    """
    changed = [(m, form) for m in model.modules() if type(m) is nn.Conv2d and (form := _faster_form(m)) is not None]
    for conv, form in changed:
        conv.__class__ = form
    try:
        yield
    finally:
        for conv, _form in changed:
            conv.__class__ = nn.Conv2d


def _faster_form(conv: nn.Conv2d) -> type[nn.Conv2d] | None:
    if conv.weight.device.type != "cpu" or conv.padding_mode != "zeros" or conv.dilation != (1, 1):
        return None
    if conv.groups == conv.in_channels > 1 and conv.stride == (2, 2):
        return StridedDepthwiseConv2d
    square = conv.kernel_size == (3, 3) and conv.padding == (1, 1) and conv.stride in ((1, 1), (2, 2))
    return SmallMapConv2d if square and conv.groups == 1 else None
