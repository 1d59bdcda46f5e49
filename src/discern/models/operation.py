"""An operation of a network as a layer of its table: kind, filters, sizes, parameters, multiply-adds."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from torch import Tensor
from torch.utils.flop_counter import flop_registry

from discern.models.receptive_field import Fields, ReceptiveField

Shape = tuple[int, int, int]  # height, width, channels
POOLS = {
    "max_pool2d_with_indices": "Max Pool",
    "avg_pool2d": "Avg Pool",
    "adaptive_max_pool2d": "Max Pool",
    "_adaptive_avg_pool2d": "Avg Pool",
    "mean": "Avg Pool",
}
PRODUCTS = {"mm": 0, "addmm": 1, "bmm": 0, "baddbmm": 1}  # position of the first matrix among the arguments


@dataclass(frozen=True)
class LayerInfo:
    """One row of the table.

    Its kind is ``Conv``, ``Conv dw``, ``Conv group``, ``Max Pool``, ``Avg Pool``, ``FC``, ``Softmax``, or ``Product``
    where two maps are multiplied (attention).
    """

    name: str  # dotted module name; empty for the softmax, which belongs to the loss
    kind: str
    stride: int  # of the window, 1 where there is none
    filter: str  # height x width x input channels x filters, or the window of a pooling layer
    input: Shape
    output: Shape
    parameters: int = 0  # trainable numbers, those of the normalization that follows included
    multiply_adds: int = 0  # for one image; convolutions and matrix products only, without bias
    receptive_field: int | None = None  # pixels a side of the image that one output depends on

    @property
    def type(self) -> str:
        """Kind and stride as the paper prints them: ``Conv dw / s2``."""
        return f"{self.kind} / s{self.stride}"

    @property
    def role(self) -> tuple[str, str, str, Shape, Shape]:
        """Equal for layers that do the same at the same place in their blocks: numbers in the name do not count."""
        return re.sub(r"\d+", "#", self.name), self.type, self.filter, self.input, self.output


@dataclass(frozen=True)
class Operation:
    """One operation as it ran."""

    function: Any  # torch operator, of aten
    args: Sequence[Any]
    kwargs: Mapping[str, Any]
    fields: Fields  # of its arguments
    size: Shape  # of its input, without the border
    output: Tensor
    output_field: ReceptiveField  # what its output depends on
    name: str  # of the module whose weights it uses, or that it runs in

    def to_layer(self) -> LayerInfo | None:
        """Return its row of the table; None for what neither multiplies nor pools."""
        operation = self.function.overloadpacket.__name__
        if operation == "convolution":
            return self._convolution()
        if operation in PRODUCTS:
            return self._product(PRODUCTS[operation])
        if operation in POOLS:
            return self._pool(operation)
        if self.function.overloadpacket in flop_registry:
            count = flop_registry[self.function.overloadpacket]
            return self._make_row("Product", cost=count(*self.args, **self.kwargs, out_val=self.output) // 2)
        return None

    def _convolution(self) -> LayerInfo:
        x, weight = self.args[:2]
        stride, transposed, groups = self.args[3], self.args[6], self.args[8]
        shape = tuple(weight.shape)
        channels, window = x.shape[1], shape[2:]
        sides = x if transposed else self.output  # of the smaller map, each place multiplies all weights of a filter
        cost = sides.numel() * math.prod(shape[1:])
        if groups == channels > 1:
            return self._make_row("Conv dw", stride[0], format_shape((*window, channels)) + " dw", cost)
        kind = "Conv" if groups == 1 else "Conv group"
        return self._make_row(kind, stride[0], format_shape((*window, shape[1], shape[0])), cost)

    def _product(self, first: int) -> LayerInfo:
        inputs, outputs = self.args[first].shape[-1], self.output.shape[-1]
        cost = self.output.numel() * inputs
        if sum(position >= first for position in self.fields) > 1:
            return self._make_row("Product", cost=cost)
        return self._make_row("FC", 1, format_shape((inputs, outputs)), cost)

    def _pool(self, operation: str) -> LayerInfo | None:
        if operation == "mean" and (not self.output_field.pooled or self.fields[0].pooled):  # not over a map
            return None
        x, y = self.size, map_size(self.output, self.output_field)
        if operation == "mean" or "adaptive" in operation:
            window: tuple[int, ...] = math.ceil(x[0] / y[0]), math.ceil(x[1] / y[1])
            stride = 1 if y[1] == 1 else x[1] // y[1]
        else:
            strides = (self.args[2] if len(self.args) > 2 else None) or self.args[1]
            window, stride = (self.args[1][0], self.args[1][-1]), strides[0]
        return self._make_row(POOLS[operation], stride, f"Pool {format_shape(window)}")

    def _make_row(self, kind: str, stride: int = 1, filters: str = "", cost: int = 0) -> LayerInfo:
        output = map_size(self.output, self.output_field)
        return LayerInfo(self.name, kind, stride, filters, self.size, output, 0, cost, self.output_field.size)


def format_shape(numbers: Sequence[int]) -> str:
    """Format sizes as the paper prints them: ``3 x 3 x 32``."""
    return " x ".join(map(str, numbers))


def map_size(x: Tensor, field: ReceptiveField) -> Shape:
    """Return height, width and channels of one image's map; of numbers in a row (1, 1, numbers)."""
    sides = [axis for axis in field.axes if axis is not None and axis.dim is not None]
    # Where height and width are known, whatever else there is are channels, also in (N, tokens, channels).
    if len(sides) == len(field.axes) and {axis.dim for axis in sides} != {x.dim() - 1}:
        height, width = (axis.count for axis in sides)
        return height, width, x.numel() // (height * width)
    if x.dim() == 4:
        return x.shape[2], x.shape[3], x.shape[1]
    last = x.shape[-1] if x.dim() else 1
    return 1, x.numel() // max(1, last), last
