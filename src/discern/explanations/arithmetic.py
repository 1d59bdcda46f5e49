"""One number of a convolution's feature map by hand: patch, kernel, products, sum, bias, and what reads it next."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from discern.errors import ConfigError
from discern.explanations.capture import NoInplace, list_convolutions
from discern.explanations.explain_input import ExplainInput
from discern.i18n import _
from discern.result import Result, Table

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Cell = tuple[int, int, int]  # channel, row, column of the map
ACTIVATIONS = {"relu", "relu6", "hardtanh", "leaky_relu", "elu", "gelu", "silu", "sigmoid", "tanh", "hardswish"}
MAX_SIDE = 7  # cells a side of a patch whose numbers are still legible
MAX_CHANNELS = 3  # input channels whose products are listed one by one
MAX_ROWS = 30


@dataclass(frozen=True)
class NextStep:
    """What is done with the number next."""

    name: str  # batch_norm or the name of an activation, as torch calls it
    value: float  # computed here from the number before it
    network: float  # the network's own


@dataclass(frozen=True, eq=False)
class Arithmetic(Result):
    """How one number of a map comes about."""

    layer: str  # the convolution
    cell: Cell
    patch: np.ndarray  # (C, k, k) what the filter reads, zeros at the border included
    kernel: np.ndarray  # (C, k, k) its weights
    products: np.ndarray  # (C, k, k) one times the other
    total: float  # their sum
    bias: float  # what is added to it
    value: float  # the number that comes out, computed here
    network: float  # the network's own
    after: tuple[NextStep, ...]  # batch normalization and activation, where they read it next

    @property
    def figsize(self) -> tuple[float, float]:
        return 10.0, 4.4

    def sentences(self) -> list[str]:
        channel, row, column = self.cell
        message = _("{layer}: channel {channel}, row {row}, column {column}, the sum of {n} products and a bias.")
        return [
            message.format(layer=self.layer, channel=channel, row=row, column=column, n=self.products.size),
            _("sum + bias = value → next layers: {line}").format(line=self.equation()),
            _("The network's own number: {value:.5f}").format(value=self.network),
        ]

    def tables(self) -> list[Table]:
        """Return the products of the input channels that add most, and the sum of every channel."""
        sums = self.products.sum(axis=(1, 2))
        largest = np.sort(np.argsort(-np.abs(sums), kind="stable")[:MAX_CHANNELS])
        columns = (_("input channel"), _("row"), _("column"), _("input"), _("weight"), _("product"))
        rows = [
            (str(c), i, j, *(f"{values[c, i, j]:.5f}" for values in (self.patch, self.kernel, self.products)))
            for c in largest
            for i, j in np.ndindex(*self.patch.shape[1:])
        ]
        title = _("Products of the {n} input channels that add most").format(n=len(largest))
        totals = [(str(c), f"{value:.5f}") for c, value in enumerate(sums.tolist())]
        totals += [(_("bias"), f"{self.bias:.5f}"), (_("value"), f"{self.value:.5f}")]
        return [
            Table(title, columns, rows, max_rows=MAX_ROWS),
            Table(_("Sum by input channel"), (_("input channel"), _("sum")), totals, max_rows=MAX_ROWS),
        ]

    def plot(self, figure: Figure) -> None:
        """Draw patch, kernel and products of the input channel that adds most."""
        sums = self.products.sum(axis=(1, 2))
        channel = int(np.abs(sums).argmax())
        titles = (_("patch"), _("kernel"), _("products"))
        shown = (self.patch[channel], self.kernel[channel], self.products[channel])
        for ax, title, values in zip(figure.subplots(1, 3), titles, shown, strict=True):
            _draw_numbers(ax, title, values)
        figure.suptitle(f"{self.layer} {self.cell}", fontsize=10)
        caption = _("input channel {channel} of {channels}: its products sum to {total:.5f}").format(
            channel=channel, channels=len(sums), total=float(sums[channel])
        )
        figure.supxlabel(f"{caption}\n{self.equation()}", fontsize=9)

    def equation(self) -> str:
        """Return the sum, the bias and what reads the number next, in one line."""
        line = f"{self.total:.5f} + {self.bias:.5f} = {self.value:.5f}"
        return line + "".join(f" → {step.name} {step.value:.5f}" for step in self.after)

    def to_json(self) -> dict[str, Any]:
        values = super().to_json()
        return {"method": "arithmetic", "sum": values.pop("total"), **values}


@torch.no_grad()
def compute_arithmetic(inputs: ExplainInput, cell: Cell | None = None) -> Arithmetic:
    """Compute one number of a convolution's map by hand; the largest unless ``cell`` says which.

    A `ConfigError` says that the map has no such cell.
    """
    layer = inputs.convolution()
    module = list_convolutions(inputs.network)[layer]
    with _FollowOutput(module) as followed:
        inputs.network(inputs.x)
    map, padded = followed.output[0], followed.padded[0]  # (F, h, w), (C, H + border, W + border)
    channel, row, column = at = _check_cell(cell, map, layer)
    kernel = module.weight[channel]  # (C / groups, k, k)
    first = channel // (module.out_channels // module.groups) * len(kernel)  # input channel of the filter's group
    rows, columns = (
        slice(start * stride, start * stride + dilation * (side - 1) + 1, dilation)
        for start, stride, dilation, side in zip(
            (row, column), module.stride, module.dilation, kernel.shape[1:], strict=True
        )
    )
    patch = padded[first : first + len(kernel), rows, columns]
    products = patch * kernel
    total = float(products.double().sum())
    bias = 0.0 if module.bias is None else float(module.bias[channel])
    value, after = total + bias, []
    number = torch.tensor(value, dtype=map.dtype, device=map.device)
    for name, compute, output in followed.after:
        number = compute(number, channel)
        after.append(NextStep(name, float(number), float(output[0, channel, row, column])))
    reads, weights, terms = (tensor.float().cpu().numpy() for tensor in (patch, kernel, products))
    return Arithmetic(layer, at, reads, weights, terms, total, bias, value, float(map[at]), tuple(after))


class _FollowOutput(NoInplace):
    """Keeps what a convolution reads and gives, and what normalization and activation make of that next."""

    def __init__(self, module: nn.Conv2d) -> None:
        super().__init__()
        self.module = module
        self.padded = self.output = torch.empty(0)
        self.after: list[tuple[str, Callable[[Tensor, int], Tensor], Tensor]] = []
        self._last: Tensor | None = None

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        result = super().__torch_function__(func, types, args, kwargs)
        name = getattr(func, "__name__", "").rstrip("_")
        if len(args) > 1 and args[1] is self.module.weight:
            self.padded, self.output = F.pad(args[0], self._border()), result
            self.after, self._last = [], result
        elif self._last is not None and args and args[0] is self._last and self._is_next(name):
            settings = {key: value for key, value in (kwargs or {}).items() if key != "inplace"}
            compute = _batch_norm_of(args, settings) if name == "batch_norm" else _activation_of(func, args, settings)
            is_relu6 = name == "hardtanh" and settings.get("max_val") == 6
            self.after.append(("relu6" if is_relu6 else name, compute, result))
            self._last = result if name == "batch_norm" else None  # nothing is followed past an activation
        return result

    def _is_next(self, name: str) -> bool:
        return name in ACTIVATIONS or (name == "batch_norm" and not self.after)

    def _border(self) -> tuple[int, ...]:
        """Return how many zeros the convolution itself adds: left, right, top, bottom."""
        if self.module.padding_mode != "zeros" or self.module.padding == "valid":
            return (0, 0, 0, 0)  # of another mode it read a padded map
        if self.module.padding == "same":
            sides = zip(self.module.kernel_size, self.module.dilation, strict=True)
            tall, wide = (dilation * (side - 1) for side, dilation in sides)
            return (wide // 2, wide - wide // 2, tall // 2, tall - tall // 2)
        assert isinstance(self.module.padding, tuple)
        tall, wide = self.module.padding
        return (wide, wide, tall, tall)


def _batch_norm_of(args: tuple[Any, ...], settings: Mapping[str, Any]) -> Callable[[Tensor, int], Tensor]:
    """Return batch normalization of one number by the statistics that torch was called with."""
    names = ("running_mean", "running_var", "weight", "bias", "training", "momentum", "eps")
    given = {**dict(zip(names, args[1:], strict=False)), **settings}

    def compute(number: Tensor, channel: int) -> Tensor:
        number = (number - given["running_mean"][channel]) / (given["running_var"][channel] + given["eps"]).sqrt()
        if given.get("weight") is not None:
            number = number * given["weight"][channel] + given["bias"][channel]
        return number

    return compute


def _activation_of(func: Any, args: tuple[Any, ...], settings: Mapping[str, Any]) -> Callable[[Tensor, int], Tensor]:
    return lambda number, _channel: func(number.clone(), *args[1:], **settings)


def parse_cell(cell: str | Cell | None) -> Cell | None:
    """Read ``"3,10,12"``; a `ConfigError` where it is not three integers.

    Examples
    --------
    >>> parse_cell("3,10,12")
    (3, 10, 12)
    """
    if not isinstance(cell, str):
        return cell
    try:
        channel, row, column = (int(number) for number in cell.split(","))
    except ValueError as error:
        message = _("Expected three integers CHANNEL,ROW,COLUMN, such as 3,10,12, got {cell}.")
        raise ConfigError(message.format(cell=cell)) from error
    return channel, row, column


def _check_cell(cell: Cell | None, map: Tensor, layer: str) -> Cell:
    if cell is None:
        channel, row, column = np.unravel_index(int(map.argmax()), tuple(map.shape))
        return int(channel), int(row), int(column)
    if len(cell) != 3 or not all(0 <= at < side for at, side in zip(cell, map.shape, strict=True)):
        shape = "x".join(str(side) for side in map.shape)
        message = _("The map of {layer} has no cell {cell}: it is {shape} (channels, rows, columns), counted from 0.")
        raise ConfigError(message.format(layer=layer, cell=",".join(str(at) for at in cell), shape=shape))
    return cell


def _draw_numbers(ax: Axes, title: str, values: np.ndarray) -> None:
    limit = float(np.abs(values).max())
    ax.imshow(values, cmap="coolwarm", vmin=-limit, vmax=limit)
    ax.set_title(title, fontsize=9)
    ax.set(xticks=[], yticks=[])
    if max(values.shape) > MAX_SIDE:
        return
    for row, column in np.ndindex(*values.shape):
        color = "white" if abs(values[row, column]) > 0.7 * limit else "black"
        ax.text(column, row, f"{values[row, column]:.3f}", ha="center", va="center", fontsize=7, color=color)
