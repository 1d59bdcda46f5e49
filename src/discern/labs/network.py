"""A network in shapes and counts, and one of its convolutions written out as the matrix that it is.

Source: Goodfellow, Bengio and Courville 2016, Deep Learning, section 9.2 (sparse interactions, parameter sharing);
Dumoulin and Visin 2016, A guide to convolution arithmetic for deep learning, section 4.1 (convolution as a matrix).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import numpy as np
import torch
from pydantic import Field
from torch import nn

from discern.errors import ModelError, nearest
from discern.i18n import N_, _
from discern.models.initialization import SkipInit
from discern.models.registry import build_model, get_model_spec
from discern.models.summary import summarize
from discern.result import Result, Table

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from discern.models.summary import ModelSummary

MOST_NUMBERS = 4_000_000  # of the matrix, 32 MB; of a larger one the rows of the first kernels are made
SHOWN = 12  # output cells in the table
WHITE = (1.0, 1.0, 1.0, 1.0)


@dataclass(frozen=True)
class Matrix:
    """A convolution as a matrix: y = W x + b.

    Attributes
    ----------
    layer : str
        Its dotted name in the network.
    kernel : numpy.ndarray
        (kernels, channels of a group, K, K): drawn at random, as before training.
    image : numpy.ndarray
        (C, side, side): what it looks at.
    values : numpy.ndarray
        W: (kernels * H' * W', C * side * side).
    weight : numpy.ndarray
        The same shape: which weight of ``kernel`` stands there, counted from 1; 0 where nothing is connected.
    bias : numpy.ndarray
        (kernels * H' * W',).
    product : numpy.ndarray
        W x + b, as (kernels, H', W').
    convolution : numpy.ndarray
        What torch's convolution gives.
    """

    layer: str
    kernel: np.ndarray
    image: np.ndarray
    values: np.ndarray
    weight: np.ndarray
    bias: np.ndarray
    product: np.ndarray
    convolution: np.ndarray

    @property
    def connected(self) -> int:
        """Numbers of the matrix that are weights."""
        return int((self.weight > 0).sum())


@dataclass(frozen=True)
class NetworkLab(Result):
    """A network's table, and the matrix of one layer.

    Attributes
    ----------
    name : str
        Of the network.
    size, channels : int
        Pixels a side, and colours, of the image it is given.
    summary : discern.models.summary.ModelSummary
        Every layer.
    matrix : Matrix
        Of one convolution.
    """

    figsize = (12.0, 5.5)

    name: str
    size: int
    channels: int
    summary: ModelSummary
    matrix: Matrix

    def sentences(self) -> Sequence[str]:
        m = self.matrix
        sparse = _(
            "{layer} as a matrix has {rows:,} x {columns:,} numbers; {connected:,} of them ({share:.1%}) are not 0 by "
            "design, and only {weights:,} differ: the rows of a kernel hold the same weights, each in other places."
        )
        equal = _("W x + b and the convolution agree: the largest difference is {difference:.1e}.")
        return [
            *self.summary.totals(),
            sparse.format(
                layer=m.layer,
                rows=len(m.values),
                columns=m.values.shape[1],
                connected=m.connected,
                share=m.connected / m.values.size,
                weights=m.kernel.size,
            ),
            equal.format(difference=float(np.abs(m.product - m.convolution).max())),
        ]

    def tables(self) -> Sequence[Table]:
        m = self.matrix
        cells = [
            (
                ", ".join(str(i + 1) for i in cell),
                int((m.weight[row] > 0).sum()),
                float(m.bias[row]),
                float(m.product[cell]),
                float(m.convolution[cell]),
            )
            for row, cell in enumerate(np.ndindex(m.product.shape))
        ]
        columns = (_("kernel, row, column"), _("inputs it sees"), _("bias"), "W x + b", _("convolution"))
        return [
            self.summary.layer_table(_("{name} on {size} x {size} pixels").format(name=self.name, size=self.size)),
            Table(_("The first outputs of {layer}").format(layer=m.layer), columns, cells[:SHOWN]),
        ]

    def plot(self, figure: Figure) -> None:
        left, right = figure.subplots(1, 2, width_ratios=(1.0, 1.3))
        self._plot_counts(left)
        self._plot_matrix(right)

    def _plot_counts(self, ax: Axes) -> None:
        layers = [layer for layer in self.summary.layers if layer.parameters]
        size = min(9.0, 300 / len(layers))
        bars = ax.barh(range(len(layers)), [layer.parameters for layer in layers], color="tab:blue")
        ax.bar_label(bars, [f"{layer.parameters:,}" for layer in layers], padding=3, fontsize=size)
        ax.set_yticks(range(len(layers)), [layer.name for layer in layers], fontsize=size)
        ax.invert_yaxis()
        ax.margins(x=0.2)  # room for the numbers
        ax.set(xlabel=_("parameters"), title=_("parameters of each layer of {name}").format(name=self.name))

    def _plot_matrix(self, ax: Axes) -> None:
        from matplotlib import colormaps
        from matplotlib.colors import ListedColormap

        m = self.matrix
        places, cells = m.product[0].size, m.image[0].size
        block = m.weight[:places, :cells]  # the first kernel on the first channel
        weights = m.kernel[0, 0].size
        colours = [WHITE, *colormaps["turbo"](np.linspace(0.05, 0.95, weights))]
        ax.imshow(block, cmap=ListedColormap(colours), vmin=0, vmax=weights, interpolation="nearest")
        message = _("{layer}: the first kernel on one channel, {weights} weights, a colour each")
        ax.set_title(message.format(layer=m.layer, weights=weights), fontsize=10)
        ax.set(xlabel=_("input cell"), ylabel=_("output cell"))


def run(
    model: Annotated[str, N_("A network that `discern models` lists.")] = "lenet",
    size: Annotated[int | None, Field(ge=8), N_("Pixels a side; its own unless given.")] = None,
    channels: Annotated[int | None, Field(ge=1), N_("Colours; its own unless given.")] = None,
    classes: Annotated[int, Field(ge=2), N_("Classes to tell apart.")] = 10,
    layer: Annotated[str | None, N_("A convolution; the first unless given.")] = None,
    side: Annotated[int | None, Field(ge=1), N_("Cells a side that the matrix looks at.")] = None,
    seed: Annotated[int, Field(ge=0), N_("Of weights and image of the matrix.")] = 0,
) -> NetworkLab:
    """Write down a network's shapes and counts, and one convolution as a matrix.

    Raises
    ------
    ModelError
        When there is no such network or convolution, or the kernel is larger than the padded cells.

    Examples
    --------
    >>> found = run("lenet")
    >>> found.matrix.values.shape, found.matrix.kernel.size
    ((96, 64), 150)
    >>> bool(np.abs(found.matrix.product - found.matrix.convolution).max() < 1e-5)
    True
    """
    row = get_model_spec(model)
    size, channels = size or row.size, channels or row.channels
    with SkipInit():  # not on the meta device, whose arithmetic loads torch's compiler first: a second
        network = build_model(model, classes, channels, size)
    name, conv = _convolution(network, layer)
    return NetworkLab(model, size, channels, summarize(network, size, channels), matrix(name, conv, side, seed))


def matrix(name: str, like: nn.Conv2d, side: int | None = None, seed: int = 0) -> Matrix:
    """Return the matrix of a convolution shaped ``like`` this one, on ``side`` x ``side`` cells a channel.

    Raises
    ------
    ModelError
        When the kernel is larger than the padded cells.
    """
    height = like.dilation[0] * (like.kernel_size[0] - 1) + 1
    width = like.dilation[1] * (like.kernel_size[1] - 1) + 1
    side = side or max(6, height + 3, width + 3)
    padding = (0, 0) if isinstance(like.padding, str) else like.padding
    if min(side + 2 * padding[0] - height, side + 2 * padding[1] - width) < 0:
        message = _("The kernel of {layer} is {height} x {width}, larger than {side} padded cells: give a larger side.")
        raise ModelError(message.format(layer=name, height=height, width=width, side=side))
    random = torch.Generator().manual_seed(seed)
    kernel = torch.randn(like.weight.shape, generator=random) / np.sqrt(like.weight[0].numel())
    bias = torch.randn(like.out_channels, generator=random) if like.bias is not None else torch.zeros(like.out_channels)
    x = torch.randn(1, like.in_channels, side, side, generator=random)
    y = nn.functional.conv2d(x, kernel, bias, like.stride, padding, like.dilation, like.groups)[0]
    places = y[0].numel()
    n_rows = int(min(len(y), max(1, MOST_NUMBERS // (places * x.numel()))))
    weight = np.zeros((n_rows, *y.shape[1:], *x.shape[1:]), dtype=np.int64)
    numbered = np.arange(1, kernel.numel() + 1).reshape(kernel.shape)
    inner = kernel.shape[1]
    for o, i, j, c, a, b in np.ndindex(n_rows, *y.shape[1:], *kernel.shape[1:]):
        row = i * like.stride[0] + a * like.dilation[0] - padding[0]
        column = j * like.stride[1] + b * like.dilation[1] - padding[1]
        if 0 <= row < side and 0 <= column < side:  # beyond it there are zeros, which need no weight
            group = o // (like.out_channels // like.groups)
            weight[o, i, j, group * inner + c, row, column] = numbered[o, c, a, b]
    weight = weight.reshape(n_rows * places, -1)
    values = np.concatenate([[0.0], kernel.double().numpy().ravel()])[weight]
    offsets = bias[:n_rows].double().repeat_interleave(places).numpy()
    product = (values @ x.double().numpy().ravel() + offsets).reshape(n_rows, *y.shape[1:])
    return Matrix(name, kernel[:n_rows].numpy(), x[0].numpy(), values, weight, offsets, product, y[:n_rows].numpy())


def _convolution(network: nn.Module, layer: str | None) -> tuple[str, nn.Conv2d]:
    """Return the convolution of that name, or the first."""
    there = {name: module for name, module in network.named_modules() if isinstance(module, nn.Conv2d)}
    if not there:
        raise ModelError(_("This network has no convolution to write out: choose another, such as lenet."))
    if layer is None:
        return next(iter(there.items()))
    if layer not in there:
        message = _("There is no convolution called {layer}; the nearest are {near}.")
        raise ModelError(message.format(layer=layer, near=", ".join(nearest(layer, there) or list(there)[:5])))
    return layer, there[layer]
