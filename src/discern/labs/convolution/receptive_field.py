"""The inputs that one output depends on, through a stack of layers.

Source: Araujo, Norris and Sim 2019, Computing receptive fields of convolutional neural networks, Distill.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from discern.errors import ConfigError
from discern.i18n import _
from discern.labs.convolution.layer import Layer

Cells = tuple[tuple[int, ...], tuple[int, ...]]  # rows and columns
Size = tuple[int, int]


@dataclass(frozen=True)
class LayerGeometry:
    """The sizes of one layer in a stack, as (rows, columns)."""

    kernel: Size
    stride: int
    dilation: int
    offset: Size  # rows of padding above the input, columns left of it
    padding_mode: str  # "zeros" or "reflect"
    input: Size
    output: Size
    receptive_field: Size  # of one output, from the first to the last cell of the first layer's input
    jump: int  # cells of the first layer's input from one output to the next


def trace_geometry(layers: Sequence[Layer], stack: Sequence[tuple[int, int]] = ()) -> tuple[LayerGeometry, ...]:
    """Compute the geometry of layers, and of windows (side, stride) without padding on top of them.

    Raises `ConfigError` when a window does not fit.
    """
    traced: list[LayerGeometry] = []
    for layer in layers:
        (above, _below), (left, _right) = layer.pads
        kernel, size = layer.kernels.shape[2:], layer.image.shape[1:]
        inherited = _grow(traced, kernel, layer.stride, layer.dilation)
        form = (kernel, layer.stride, layer.dilation, (above, left), layer.padding_mode)
        traced.append(LayerGeometry(*form, size, layer.output.shape[1:], *inherited))
    for side, stride in stack:
        size = traced[-1].output
        if side > min(size):
            message = _("Layer {n} of the stack, {side} x {side}, does not fit into {height} x {width} cells.")
            raise ConfigError(message.format(n=len(traced) + 1, side=side, height=size[0], width=size[1]))
        rows, columns = ((n - side) // stride + 1 for n in size)
        inherited = _grow(traced, (side, side), stride, 1)
        traced.append(LayerGeometry((side, side), stride, 1, (0, 0), "zeros", size, (rows, columns), *inherited))
    return tuple(traced)


def _grow(traced: Sequence[LayerGeometry], kernel: Size, stride: int, dilation: int) -> tuple[Size, int]:
    """Return receptive field and jump of a layer on top of those that are ``traced``."""
    field, jump = (traced[-1].receptive_field, traced[-1].jump) if traced else ((1, 1), 1)
    # A window of k cells has k - 1 gaps between them, and each gap is one jump of the layer below.
    rows, columns = (n + dilation * (k - 1) * jump for n, k in zip(field, kernel, strict=True))
    return (rows, columns), jump * stride


def find_inputs(traced: Sequence[LayerGeometry], row: int, column: int) -> tuple[Cells, ...]:
    """Return the cells of every layer's input that output (row, column) of the last layer depends on.

    Padding with zeros is no input; a reflected cell counts where it comes from.
    """
    inputs: list[Cells] = []
    cells: Cells = ((row,), (column,))
    for layer in reversed(traced):
        rows, columns = (_step_down(layer, axis, cells[axis]) for axis in (0, 1))
        cells = (rows, columns)
        inputs.append(cells)
    return tuple(reversed(inputs))


def _step_down(layer: LayerGeometry, axis: int, cells: Sequence[int]) -> tuple[int, ...]:
    """Return the indices of the layer's input, along one axis, that outputs ``cells`` read."""
    last, offset = layer.input[axis] - 1, layer.offset[axis]
    read = {cell * layer.stride + i * layer.dilation - offset for cell in cells for i in range(layer.kernel[axis])}
    if layer.padding_mode == "reflect":
        read = {last - abs(last - abs(cell)) for cell in read}
    return tuple(sorted(cell for cell in read if 0 <= cell <= last))
