"""Which inputs one score sees, through a stack of layers.

Source: Araujo, Norris and Sim 2019, Computing receptive fields of convolutional neural networks, Distill.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from discern.errors import ConfigError
from discern.i18n import _
from discern.lab.layer import Layer

Cells = tuple[tuple[int, ...], tuple[int, ...]]  # rows and columns


@dataclass(frozen=True)
class Level:
    """One layer of a stack.

    Attributes
    ----------
    kernel : tuple of int
        Rows and columns of its window.
    stride, dilation : int
    before : tuple of int
        Rows above and columns left of its input that a border adds.
    border : {"zero", "reflect"}
    input, output : tuple of int
        Rows and columns.
    field : tuple of int
        Rows and columns of the first input between the first and the last that one score can see.
    jump : int
        Cells of the first input from one score to its neighbour.
    """

    kernel: tuple[int, int]
    stride: int
    dilation: int
    before: tuple[int, int]
    border: str
    input: tuple[int, int]
    output: tuple[int, int]
    field: tuple[int, int]
    jump: int


def levels(layers: Sequence[Layer], stack: Sequence[tuple[int, int]] = ()) -> tuple[Level, ...]:
    """Layers, and on top of them windows without a border, as (side, stride).

    Raises
    ------
    ConfigError
        When a window does not fit.
    """
    found: list[Level] = []
    for layer in layers:
        (above, _below), (left, _right) = layer.pads
        kernel = (layer.kernels.shape[2], layer.kernels.shape[3])
        output = (layer.output.shape[1], layer.output.shape[2])
        found.append(_level(found, kernel, layer, (above, left), output))
    for side, stride in stack:
        size = found[-1].output
        if side > min(size):
            sentence = _("Layer {n} of the stack, {side} x {side}, does not fit into {height} x {width} cells.")
            raise ConfigError(sentence.format(n=len(found) + 1, side=side, height=size[0], width=size[1]))
        rows, columns = ((n - side) // stride + 1 for n in size)
        found.append(_level(found, (side, side), stride, (0, 0), (rows, columns)))
    return tuple(found)


def sources(through: Sequence[Level], row: int, column: int) -> tuple[Cells, ...]:
    """What score (row, column) of the last level sees of every level's input, the first input first.

    Cells that a border of zeros adds are no input; those that it reflects count where they come from.
    """
    seen: list[Cells] = []
    cells: Cells = ((row,), (column,))
    for level in reversed(through):
        rows, columns = (_below(level, axis, cells[axis]) for axis in (0, 1))
        cells = (rows, columns)
        seen.append(cells)
    return tuple(reversed(seen))


def _level(
    under: Sequence[Level], kernel: tuple[int, int], how: Layer | int, before: tuple[int, int], output: tuple[int, int]
) -> Level:
    stride, dilation, border = (how.stride, how.dilation, how.border) if isinstance(how, Layer) else (how, 1, "zero")
    size = (how.picture.shape[1], how.picture.shape[2]) if isinstance(how, Layer) else under[-1].output
    field, jump = (under[-1].field, under[-1].jump) if under else ((1, 1), 1)
    rows, columns = (n + dilation * (k - 1) * jump for n, k in zip(field, kernel, strict=True))
    return Level(kernel, stride, dilation, before, border, size, output, (rows, columns), jump * stride)


def _below(level: Level, axis: int, cells: Sequence[int]) -> tuple[int, ...]:
    last = level.input[axis] - 1
    start, step = level.before[axis], level.dilation
    reached = {cell * level.stride + i * step - start for cell in cells for i in range(level.kernel[axis])}
    if level.border == "reflect":
        reached = {last - abs(last - abs(cell)) for cell in reached}
    return tuple(sorted(cell for cell in reached if 0 <= cell <= last))
