"""A convolution's numbers derived step by step: its windows, the size of its output, its parameters, what it sees."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from discern.i18n import _
from discern.lab.layer import Layer
from discern.lab.options import written
from discern.lab.reach import Level
from discern.lab.result import Cell, Table


def windows(layer: Layer) -> Table:
    """Every window of every kernel: what it sees, the products, their sum, the bias and the score."""
    rows: list[Sequence[Cell]] = []
    for kernel, row, column in np.ndindex(*layer.output.shape):
        products = layer.products[kernel, row, column]
        patch = layer.patch(kernel, row, column)
        rows.append(
            (
                f"{kernel + 1}",
                f"{row + 1}, {column + 1}",
                written(patch[0] if len(patch) == 1 else patch),
                written(products[0] if len(products) == 1 else products),
                float(products.sum()),
                "-" if layer.bias is None else float(layer.bias[kernel]),
                float(layer.output[kernel, row, column]),
            )
        )
    titles = (_("kernel"), _("row, column"), _("patch"), _("products"), _("sum"), _("bias"), _("score"))
    return Table(_("Windows"), titles, rows)


def sizes(layer: Layer) -> Table:
    """How many rows and columns of scores there are, and why."""
    columns: list[list[tuple[str, int]]] = []
    for axis in (0, 1):
        size, (before, after) = layer.picture.shape[axis + 1], layer.pads[axis]
        side, reach, padded = layer.kernels.shape[axis + 2], layer.reach[axis], layer.padded.shape[axis + 1]
        columns.append(
            [
                (f"{size} + {before} + {after}", padded),
                (f"{layer.dilation}·({side} - 1) + 1", reach),
                (f"⌊({padded} - {reach}) / {layer.stride}⌋ + 1", layer.output.shape[axis + 1]),
            ]
        )
    steps = (_("input with its border"), _("reach of the kernel"), _("scores"))
    rows = [(step, *down, *across) for step, down, across in zip(steps, *columns, strict=True)]
    titles = (_("step"), _("height"), "=", _("width"), "=")
    return Table(_("Size of the output"), titles, rows)


def parameters(layer: Layer) -> Table:
    """How many numbers the layer learns, and why; what a layer that joins everything would."""
    kernels, each, height, width = layer.kernels.shape
    one, inputs, scores = height * width * each, layer.picture.size, layer.output.size
    rows: list[Sequence[Cell]] = [
        (_("one kernel: rows · columns · channels it reads"), f"{height} · {width} · {each}", one),
        (_("all kernels"), " + ".join([str(one)] * kernels) if kernels <= 6 else f"{kernels} · {one}", kernels * one),
    ]
    biases = 0 if layer.bias is None else kernels
    if biases:
        rows.append((_("one bias for each kernel"), f"{kernels}", biases))
        rows.append((_("parameters"), f"{kernels * one} + {biases}", kernels * one + biases))
    rows.append((_("a fully connected layer: inputs · scores"), f"{inputs} · {scores}", inputs * scores))
    return Table(_("Parameters"), (_("step"), _("calculation"), "="), rows)


def receptive_field(through: Sequence[Level]) -> Table:
    """What one score of each level sees of the first input."""
    rows = [
        (
            f"{n}",
            _by(level.kernel),
            level.stride,
            level.dilation,
            _by(level.output),
            _by(level.field),
            level.jump,
        )
        for n, level in enumerate(through, start=1)
    ]
    titles = (
        _("layer"),
        _("window"),
        _("stride"),
        _("dilation"),
        _("scores"),
        _("one score sees"),
        _("neighbours are apart"),
    )
    return Table(_("Receptive field"), titles, rows)


def _by(sides: tuple[int, int]) -> str:
    return f"{sides[0]} x {sides[1]}"
