"""Convolutions that a CPU does badly, in a form it does well: the same sums over the same weights.

A 3x3 convolution over a map of 1x1 or 2x2 cells, where networks made for large images end when they are given small
ones: most of the nine taps only ever meet the padding. The matrix of the taps that do meet a cell is a small product,
and the gradient of the others is the zero it always was.

In bfloat16, a wide 3x3 convolution over a map of up to 4x4 cells, whose weights outweigh the map: as one product of
gathered patches. And a depthwise convolution of stride 2: at stride 1 it has a fast kernel, and every second cell of
its output is the output. benchmarks/epoch.py shows them all at work.

And one that a CPU does wrongly: in float32, the gradient of a 1x1 convolution of stride 2 (oneDNN's
jit_avx512_common_1x1_convolution_bwd_weights in torch 2.15) writes past its memory with batches of 7 or 8 and two
threads, and the process dies.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn
from torch.nn.functional import conv2d, linear, pad

WIDE = 256  # filters from which gathering patches of a 4x4 map pays
Form = Callable[[nn.Conv2d, Tensor, Tensor, Tensor | None], Tensor]


@contextmanager
def cpu_convolutions(model: nn.Module) -> Iterator[None]:
    """Run the convolutions of ``model`` on a CPU in their faster form inside the block; names and weights stay.

    Examples
    --------
    >>> conv, x = nn.Conv2d(4, 8, 3, padding=1), torch.randn(5, 4, 2, 2)
    >>> before = conv(x)
    >>> with cpu_convolutions(conv):
    ...     torch.allclose(conv(x), before, atol=1e-6)
    True
    """
    changed = []
    for conv in model.modules():
        if isinstance(conv, nn.Conv2d) and (form := _find_faster_form(conv)) is not None:
            # What nn.Conv2d.forward calls, so that a subclass may still pad first.
            conv._conv_forward = functools.partial(form, conv)  # type: ignore[method-assign]
            changed.append(conv)
    try:
        yield
    finally:
        for conv in changed:
            del conv._conv_forward


def convolve_small_map(conv: nn.Conv2d, x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    """Convolve 3x3 with padding 1 and one group; the map decides the form. (N, I, H, W) -> (N, O, H', W')"""
    side = max(x.shape[-2:])
    if side <= 2:
        return _convolve_as_matrix(x, weight, bias, conv.stride[0])
    if side <= 4 and min(weight.shape[:2]) >= WIDE and torch.is_autocast_enabled("cpu"):
        return _convolve_as_patches(x, weight, bias, conv.stride[0])
    return conv2d(x, weight, bias, conv.stride, conv.padding)


def convolve_strided_depthwise(conv: nn.Conv2d, x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    """Convolve depthwise with stride 2: in bfloat16, as every second cell of stride 1."""
    if not torch.is_autocast_enabled("cpu"):
        return conv2d(x, weight, bias, conv.stride, conv.padding, conv.dilation, conv.groups)
    return conv2d(x, weight, bias, 1, conv.padding, conv.dilation, conv.groups)[:, :, ::2, ::2]


def convolve_strided_pointwise(conv: nn.Conv2d, x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    """Convolve 1x1 with stride 2: in float32, with stride 1 over every second cell."""
    if torch.is_autocast_enabled("cpu"):
        return conv2d(x, weight, bias, conv.stride)
    return conv2d(x[:, :, ::2, ::2], weight, bias)


def _convolve_as_matrix(x: Tensor, weight: Tensor, bias: Tensor | None, stride: int) -> Tensor:
    height, width = x.shape[-2:]
    rows, columns = range(0, height, stride), range(0, width, stride)
    # The taps of the output at (r, c) that meet a cell: (O, I, 3, 3) -> (O, H, W, I) -> (O, H * W * I)
    taps = [
        weight[:, :, 1 - r : 1 - r + height, 1 - c : 1 - c + width].permute(0, 2, 3, 1).flatten(1)
        for r in rows
        for c in columns
    ]
    flat = x.permute(0, 2, 3, 1).flatten(1)  # (N, I, H, W) -> (N, H * W * I)
    y = linear(flat, torch.cat(taps), None if bias is None else bias.repeat(len(taps)))
    return y.view(len(y), len(rows), len(columns), len(weight)).permute(0, 3, 1, 2)


def _convolve_as_patches(x: Tensor, weight: Tensor, bias: Tensor | None, stride: int) -> Tensor:
    height, width = x.shape[-2:]
    cells = pad(x.permute(0, 2, 3, 1), (0, 0, 1, 1, 1, 1))  # (N, H + 2, W + 2, I)
    shifted = [cells[:, r : r + height : stride, c : c + width : stride] for r in range(3) for c in range(3)]
    y = linear(torch.cat(shifted, dim=-1), weight.permute(0, 2, 3, 1).flatten(1), bias)  # (N, H', W', 9 I) -> (..., O)
    return y.permute(0, 3, 1, 2)


def _find_faster_form(conv: nn.Conv2d) -> Form | None:
    if conv.weight.device.type != "cpu" or conv.padding_mode != "zeros" or conv.dilation != (1, 1):
        return None
    if conv.groups == conv.in_channels > 1 and conv.stride == (2, 2):
        return convolve_strided_depthwise
    if conv.kernel_size == (1, 1) and conv.stride == (2, 2) and conv.padding == (0, 0) and conv.groups == 1:
        return convolve_strided_pointwise
    square = conv.kernel_size == (3, 3) and conv.padding == (1, 1) and conv.stride in ((1, 1), (2, 2))
    return convolve_small_map if square and conv.groups == 1 else None
