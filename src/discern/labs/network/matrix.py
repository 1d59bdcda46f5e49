"""A convolution as the sparse matrix of shared weights that it is.

Source: Goodfellow, Bengio and Courville 2016, Deep Learning, section 9.2 (sparse interactions, parameter sharing);
Dumoulin and Visin 2016, A guide to convolution arithmetic for deep learning, section 4.1 (convolution as a matrix).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

from discern.errors import ModelError, suggest
from discern.i18n import _

MAX_NUMBERS = 4_000_000  # of the matrix, 32 MB; of a larger one only the rows of the first kernels are built


@dataclass(frozen=True)
class Matrix:
    """A convolution as a matrix: y = W x + b, of H' W' output cells per kernel."""

    layer: str  # its dotted name in the network
    kernel: np.ndarray  # (kernels, channels of a group, K, K): random, as before training
    image: np.ndarray  # (C, side, side): the input
    values: np.ndarray  # W: (kernels * H' * W', C * side * side)
    weight: np.ndarray  # of the same shape: the index of the weight of ``kernel``, from 1; 0 where nothing is connected
    bias: np.ndarray  # (kernels * H' * W',)
    product: np.ndarray  # W x + b, as (kernels, H', W')
    convolution: np.ndarray  # the output of torch's convolution

    @property
    def n_connected(self) -> int:
        """The number of entries that hold a weight."""
        return int((self.weight > 0).sum())


def build_matrix(name: str, conv: nn.Conv2d, side: int | None = None, seed: int = 0) -> Matrix:
    """Build the matrix of a convolution shaped as ``conv``, on ``side`` x ``side`` cells per channel."""
    height = conv.dilation[0] * (conv.kernel_size[0] - 1) + 1
    width = conv.dilation[1] * (conv.kernel_size[1] - 1) + 1
    side = side or max(6, height + 3, width + 3)
    padding = (0, 0) if isinstance(conv.padding, str) else conv.padding
    if min(side + 2 * padding[0] - height, side + 2 * padding[1] - width) < 0:
        message = _("The kernel of {layer} is {height} x {width}, larger than {side} padded cells: use a larger side.")
        raise ModelError(message.format(layer=name, height=height, width=width, side=side))
    random = torch.Generator().manual_seed(seed)
    kernel = torch.randn(conv.weight.shape, generator=random) / np.sqrt(conv.weight[0].numel())
    bias = torch.randn(conv.out_channels, generator=random) if conv.bias is not None else torch.zeros(conv.out_channels)
    x = torch.randn(1, conv.in_channels, side, side, generator=random)
    y = nn.functional.conv2d(x, kernel, bias, conv.stride, padding, conv.dilation, conv.groups)[0]
    n_cells = y[0].numel()
    n_kernels = int(min(len(y), max(1, MAX_NUMBERS // (n_cells * x.numel()))))
    weight = _place_weights(conv, padding, (n_kernels, *y.shape[1:]), (*x.shape[1:],))
    weight = weight.reshape(n_kernels * n_cells, -1)
    values = np.concatenate([[0.0], kernel.double().numpy().ravel()])[weight]
    offsets = bias[:n_kernels].double().repeat_interleave(n_cells).numpy()
    product = (values @ x.double().numpy().ravel() + offsets).reshape(n_kernels, *y.shape[1:])
    return Matrix(
        name, kernel[:n_kernels].numpy(), x[0].numpy(), values, weight, offsets, product, y[:n_kernels].numpy()
    )


def _place_weights(
    conv: nn.Conv2d, padding: tuple[int, ...], outputs: tuple[int, ...], inputs: tuple[int, ...]
) -> np.ndarray:
    """Number the weights from 1 and write each where it connects an output (F, H', W') to an input (C, H, W)."""
    weight = np.zeros((*outputs, *inputs), dtype=np.int64)
    kernel_shape = conv.weight.shape
    number = np.arange(1, conv.weight.numel() + 1).reshape(kernel_shape)
    for o, i, j, c, a, b in np.ndindex(*outputs, *kernel_shape[1:]):
        row = i * conv.stride[0] + a * conv.dilation[0] - padding[0]
        column = j * conv.stride[1] + b * conv.dilation[1] - padding[1]
        if 0 <= row < inputs[1] and 0 <= column < inputs[2]:  # the padding is 0 and needs no weight
            group = o // (conv.out_channels // conv.groups)
            weight[o, i, j, group * kernel_shape[1] + c, row, column] = number[o, c, a, b]
    return weight


def find_convolution(network: nn.Module, layer: str | None) -> tuple[str, nn.Conv2d]:
    """Find the convolution of that name, or the first."""
    convolutions = {name: module for name, module in network.named_modules() if isinstance(module, nn.Conv2d)}
    if not convolutions:
        raise ModelError(_("This network has no convolution to write out: choose another, such as lenet."))
    if layer is None:
        return next(iter(convolutions.items()))
    if layer not in convolutions:
        hint = suggest(layer, convolutions)
        raise ModelError(_('Unknown convolution "{name}"{hint}.').format(name=layer, hint=hint))
    return layer, convolutions[layer]
