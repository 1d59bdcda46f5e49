"""One number of a convolution's map, worked out by hand: patch, kernel, products, sum, bias, and what comes after."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from discern.errors import ConfigError
from discern.explain.passes import Careful, convolutions
from discern.explain.result import Explanation
from discern.explain.subject import Subject
from discern.i18n import _

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Cell = tuple[int, int, int]  # channel, row, column of the map
ACTIVATIONS = {"relu", "relu6", "hardtanh", "leaky_relu", "elu", "gelu", "silu", "sigmoid", "tanh", "hardswish"}
WIDE = 7  # cells a side of a patch whose numbers are still legible


@dataclass(frozen=True)
class After:
    """What is done with the number next.

    Attributes
    ----------
    name : str
        ``batch_norm`` or the name of an activation, as torch calls it.
    value : float
        Worked out from the number before it.
    network : float
        The network's own.
    """

    name: str
    value: float
    network: float


@dataclass(frozen=True, eq=False)
class Arithmetic(Explanation):
    """How one number of a map comes about.

    Attributes
    ----------
    layer : str
        The convolution.
    cell : tuple of int
        Channel, row and column of its map.
    patch, kernel, products : numpy.ndarray
        What the filter reads (zeros at the border included), its weights, and one times the other: (C, k, k).
    total, bias : float
        Sum of the products, and what is added to it.
    value, network : float
        The number that comes out, worked out here; and the network's own.
    after : tuple of After
        Batch normalisation and activation, where they read it next.
    """

    layer: str
    cell: Cell
    patch: np.ndarray
    kernel: np.ndarray
    products: np.ndarray
    total: float
    bias: float
    value: float
    network: float
    after: tuple[After, ...]

    @property
    def inches(self) -> tuple[float, float]:  # type: ignore[override]
        return 10.0, 4.2

    def plot(self, ax: Axes) -> None:
        ax.set_axis_off()
        sums = self.products.sum(axis=(1, 2))
        channel = int(np.abs(sums).argmax())
        ax.set_title(f"{self.layer} {self.cell}", fontsize=10)
        titles = (_("patch"), _("kernel"), _("products"))
        for i, (title, values) in enumerate(zip(titles, (self.patch, self.kernel, self.products), strict=True)):
            _grid(ax.inset_axes((i * 0.345, 0.22, 0.31, 0.68)), title, values[channel])
        shown = _("shown: input channel {channel} of {channels}, whose products sum to {part:.5f}").format(
            channel=channel, channels=len(sums), part=float(sums[channel])
        )
        ax.text(0, 0.1, shown, transform=ax.transAxes, fontsize=9)
        ax.text(0, 0.0, self.sentence(), transform=ax.transAxes, fontsize=9)

    def sentence(self) -> str:
        """The sum, the bias and what comes after, in one line."""
        line = f"{self.total:.5f} + {self.bias:.5f} = {self.value:.5f}"
        return line + "".join(f"  →  {after.name} {after.value:.5f}" for after in self.after)

    def to_json(self) -> dict[str, Any]:
        return {
            "method": "arithmetic",
            "layer": self.layer,
            "cell": list(self.cell),
            "patch": self.patch.tolist(),
            "kernel": self.kernel.tolist(),
            "products": self.products.tolist(),
            "sum": self.total,
            "bias": self.bias,
            "value": self.value,
            "network": self.network,
            "after": [vars(after) for after in self.after],
        }


@torch.no_grad()
def arithmetic(subject: Subject, cell: Cell | None = None) -> Arithmetic:
    """Work out one number of a convolution's map; the largest unless ``cell`` says which.

    Raises
    ------
    ConfigError
        When the map has no such cell.
    """
    layer = subject.convolution()
    module = convolutions(subject.network)[layer]
    with _Follow(module) as watch:
        subject.network(subject.x)
    map, read = watch.output[0], watch.padded[0]  # (F, h, w), (C, H + border, W + border)
    channel, row, column = _inside(cell, map, layer)
    kernel = module.weight[channel]  # (C / groups, k, k)
    first = channel // (module.out_channels // module.groups) * len(kernel)
    spans = [
        slice(at * stride, at * stride + dilation * (side - 1) + 1, dilation)
        for at, stride, dilation, side in zip(
            (row, column), module.stride, module.dilation, kernel.shape[1:], strict=True
        )
    ]
    patch = read[first : first + len(kernel), spans[0], spans[1]]
    products = patch * kernel
    total = float(products.double().sum())
    bias = 0.0 if module.bias is None else float(module.bias[channel])
    value, after = total + bias, []
    number = torch.tensor(value, dtype=map.dtype, device=map.device)
    for name, work, own in watch.after:
        number = work(number, channel)
        after.append(After(name, float(number), float(own[0, channel, row, column])))
    at = (channel, row, column)
    return Arithmetic(
        layer,
        at,
        patch.float().cpu().numpy(),
        kernel.float().cpu().numpy(),
        products.float().cpu().numpy(),
        total,
        bias,
        value,
        float(map[at]),
        tuple(after),
    )


class _Follow(Careful):
    """Keeps what a convolution reads and gives, and what normalisation and activation make of that next."""

    def __init__(self, module: nn.Conv2d) -> None:
        super().__init__()
        self.module = module
        self.padded = self.output = torch.empty(0)
        self.after: list[tuple[str, Any, Tensor]] = []
        self._last: Tensor | None = None

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        result = super().__torch_function__(func, types, args, kwargs)
        name = getattr(func, "__name__", "").rstrip("_")
        if len(args) > 1 and args[1] is self.module.weight:
            self.padded, self.output = F.pad(args[0], self._border()), result
            self.after, self._last = [], result
        elif self._last is not None and args and args[0] is self._last and self._follows(name):
            settings = {key: value for key, value in (kwargs or {}).items() if key != "inplace"}
            work = _normalised(args, settings) if name == "batch_norm" else _activated(func, args, settings)
            clipped = name == "hardtanh" and settings.get("max_val") == 6
            self.after.append(("relu6" if clipped else name, work, result))
            self._last = result if name == "batch_norm" else None
        return result

    def _follows(self, name: str) -> bool:
        return name in ACTIVATIONS or (name == "batch_norm" and not self.after)

    def _border(self) -> tuple[int, ...]:
        """Zeros that the convolution itself adds: left, right, top, bottom."""
        if self.module.padding_mode != "zeros":
            return (0, 0, 0, 0)  # it read a padded map
        if self.module.padding == "valid":
            return (0, 0, 0, 0)
        if self.module.padding == "same":
            sides = zip(self.module.kernel_size, self.module.dilation, strict=True)
            tall, wide = (dilation * (side - 1) for side, dilation in sides)
            return (wide // 2, wide - wide // 2, tall // 2, tall - tall // 2)
        assert isinstance(self.module.padding, tuple)
        tall, wide = self.module.padding
        return (wide, wide, tall, tall)


def _normalised(args: tuple[Any, ...], settings: Mapping[str, Any]) -> Any:
    names = ("running_mean", "running_var", "weight", "bias", "training", "momentum", "eps")
    given = {**dict(zip(names, args[1:], strict=False)), **settings}

    def work(number: Tensor, channel: int) -> Tensor:
        number = (number - given["running_mean"][channel]) / (given["running_var"][channel] + given["eps"]).sqrt()
        if given.get("weight") is not None:
            number = number * given["weight"][channel] + given["bias"][channel]
        return number

    return work


def _activated(func: Any, args: tuple[Any, ...], settings: Mapping[str, Any]) -> Any:
    return lambda number, _channel: func(number.clone(), *args[1:], **settings)


def _inside(cell: Cell | None, map: Tensor, layer: str) -> Cell:
    if cell is None:
        found = np.unravel_index(int(map.argmax()), tuple(map.shape))
        return int(found[0]), int(found[1]), int(found[2])
    if len(cell) != 3 or not all(0 <= at < side for at, side in zip(cell, map.shape, strict=True)):
        shape = "x".join(str(side) for side in map.shape)
        sentence = _("The map of {layer} has no cell {cell}: it is {shape} (channels, rows, columns), counted from 0.")
        raise ConfigError(sentence.format(layer=layer, cell=",".join(str(at) for at in cell), shape=shape))
    return cell


def _grid(ax: Axes, title: str, values: np.ndarray) -> None:
    most = float(np.abs(values).max())
    ax.imshow(values, cmap="coolwarm", vmin=-most, vmax=most)
    ax.set_title(title, fontsize=9)
    ax.set_xticks([])
    ax.set_yticks([])
    if max(values.shape) > WIDE:
        return
    for row, column in np.ndindex(*values.shape):
        ink = "white" if abs(values[row, column]) > 0.7 * most else "black"
        ax.text(column, row, f"{values[row, column]:.3f}", ha="center", va="center", fontsize=7, color=ink)
