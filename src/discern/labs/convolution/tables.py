"""The tables of a convolution: every window, the size of the output, the parameters, the receptive field."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from discern.i18n import _
from discern.labs.convolution.layer import Layer
from discern.labs.convolution.receptive_field import LayerGeometry
from discern.labs.options import format_value
from discern.result import Cell, Table


def tabulate_windows(layer: Layer) -> Table:
    """List every window of every kernel: its inputs, the products, their sum, the bias and the output."""
    rows: list[Sequence[Cell]] = []
    for kernel, row, column in np.ndindex(*layer.output.shape):
        products = layer.products[kernel, row, column]
        terms = (layer.extract_patch(kernel, row, column), products)
        texts = (format_value(each[0] if len(each) == 1 else each) for each in terms)
        bias = None if layer.bias is None else float(layer.bias[kernel])
        numbers = float(products.sum()), bias, float(layer.output[kernel, row, column])
        rows.append((f"{kernel + 1}", f"{row + 1}, {column + 1}", *texts, *numbers))
    columns = (_("kernel"), _("row, column"), _("patch"), _("products"), _("sum"), _("bias"), _("output"))
    return Table(_("Windows"), columns, rows, text_columns=4, max_rows=20)


def tabulate_output_size(layer: Layer) -> Table:
    """Derive the rows and columns of the output."""
    sides: list[list[tuple[str, int]]] = []
    for axis in (0, 1):
        size, (before, after) = layer.image.shape[axis + 1], layer.pads[axis]
        side, window, padded = layer.kernels.shape[axis + 2], layer.effective_size[axis], layer.padded.shape[axis + 1]
        padding = (f"{size} + {before} + {after}", padded)
        dilation = (f"{layer.dilation}·({side} - 1) + 1", window)
        output = (f"⌊({padded} - {window}) / {layer.stride}⌋ + 1", layer.output.shape[axis + 1])
        sides.append([padding, dilation, output])
    steps = (_("padded input"), _("effective kernel size"), _("output"))
    rows = [(step, *height, *width) for step, height, width in zip(steps, *sides, strict=True)]
    return Table(_("Output size"), (_("step"), _("height"), "=", _("width"), "="), rows)


def tabulate_parameters(layer: Layer) -> Table:
    """Count the parameters of the layer, and the weights of a fully connected layer of the same size."""
    kernels, channels, height, width = layer.kernels.shape
    one, inputs, outputs = height * width * channels, layer.image.size, layer.output.size
    rows: list[Sequence[Cell]] = [
        (_("one kernel: height · width · input channels"), f"{height} · {width} · {channels}", one),
        (_("all kernels"), " + ".join([str(one)] * kernels) if kernels <= 6 else f"{kernels} · {one}", kernels * one),
    ]
    if layer.bias is not None:
        rows.append((_("one bias for each kernel"), f"{kernels}", kernels))
        rows.append((_("parameters"), f"{kernels * one} + {kernels}", kernels * one + kernels))
    rows.append((_("a fully connected layer: inputs · outputs"), f"{inputs} · {outputs}", inputs * outputs))
    return Table(_("Parameters"), (_("step"), _("calculation"), "="), rows, text_columns=2)


def tabulate_receptive_field(geometry: Sequence[LayerGeometry]) -> Table:
    """List how the receptive field of one output grows from layer to layer."""
    rows = []
    for n, layer in enumerate(geometry, start=1):
        sizes = (layer.kernel, layer.output, layer.receptive_field)
        kernel, output, field = (" x ".join(map(str, size)) for size in sizes)
        rows.append((f"{n}", kernel, layer.stride, layer.dilation, output, field, layer.jump))
    columns = (
        _("layer"),
        _("kernel"),
        _("stride"),
        _("dilation"),
        _("output"),
        _("receptive field"),
        _("distance of neighbors"),
    )
    return Table(_("Receptive field"), columns, rows)
