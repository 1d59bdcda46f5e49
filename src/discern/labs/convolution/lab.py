"""Convolution: every window with its patch, products, sum and bias; sizes, parameters and receptive field derived.

Source: Dumoulin and Visin 2016, A guide to convolution arithmetic for deep learning; Howard et al. 2017, MobileNets,
section 3.1 (depthwise separable convolution).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Annotated, Any, Literal

import numpy as np
from pydantic import Field

from discern.errors import ConfigError
from discern.i18n import N_, _
from discern.labs.convolution import tables
from discern.labs.convolution.figure import draw_layers
from discern.labs.convolution.layer import Layer, convolve
from discern.labs.convolution.receptive_field import Cells, LayerGeometry, find_inputs, trace_geometry
from discern.labs.convolution.recovery import FilterRecovery, recover_filter
from discern.labs.options import Matrix, Numbers, format_value
from discern.labs.worked_examples import FEATURE_MAP, IMAGE_8X8, WORKED_EXAMPLES, ExampleName, WorkedExample
from discern.result import Result, Table, cell_text

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MAX_FRAMES = 60
MAX_TERMS = 18  # of a sum that still fits on one line


@dataclass(frozen=True)
class Convolution(Result):
    """Convolution layers and everything they compute."""

    layers: tuple[Layer, ...]  # one, or two where a second layer reads the feature maps of the first
    geometry: tuple[LayerGeometry, ...]  # of the layers and what is stacked on them
    position: tuple[int, int]  # row and column, from 0, of the highlighted output of the last layer
    inputs: tuple[Cells, ...]  # the cells of every layer's input that this output depends on

    figsize = (11.0, 5.0)

    @property
    def is_depthwise_separable(self) -> bool:
        """Return whether every channel has its own kernels, whose outputs a second layer of 1 x 1 kernels mixes."""
        channels = len(self.layers[0].image)
        pointwise = len(self.layers) > 1 and self.layers[1].kernels.shape[2:] == (1, 1)
        return pointwise and channels > 1 and self.layers[0].groups == channels

    def sentences(self) -> Sequence[str]:
        first, last = self.layers[0], self.geometry[-1]
        lines = [] if len(self.geometry) > 1 else [self._format_sum(0, *self.position)]
        message = _(
            "Output {row}, {column} depends on {n} of {inputs} inputs; in a fully connected layer every output depends "
            "on all of them."
        )
        rows, columns = self.inputs[0]
        channels = len(first.image) if len(self.layers) > 1 else first.kernels.shape[1]
        row, column = (index + 1 for index in self.position)
        n = len(rows) * len(columns) * channels
        lines.append(message.format(row=row, column=column, n=n, inputs=first.image.size))
        weights = sum(layer.kernels.size for layer in self.layers)
        lines.append(_("All windows of a layer share its weights: {n:,} in all.").format(n=weights))
        if len(self.geometry) > 1:
            message = _("Through {n} layers, the receptive field of an output is {height} x {width} cells.")
            height, width = last.receptive_field
            lines.append(message.format(n=len(self.geometry), height=height, width=width))
        if self.is_depthwise_separable:
            n = first.kernels[0].size * len(first.image) * len(self.layers[1].kernels)
            message = _("This is a depthwise separable convolution; a standard convolution has {n:,} weights.")
            lines.append(message.format(n=n))
        return lines

    def tables(self) -> Sequence[Table]:
        found: list[Table] = []
        for n, layer in enumerate(self.layers, start=1):
            for tabulate in (tables.tabulate_windows, tables.tabulate_output_size, tables.tabulate_parameters):
                table = tabulate(layer)
                title = _("{title}, layer {n}").format(title=table.title, n=n) if len(self.layers) > 1 else table.title
                found.append(replace(table, title=title))
        return [*found, tables.tabulate_receptive_field(self.geometry)] if len(self.geometry) > 1 else found

    def plot(self, figure: Figure) -> None:
        first = self.layers[0]
        (above, _below), (left, _right) = first.pads
        framed: list[Sequence[tuple[int, int]]] = [
            [(row, column) for row in rows for column in columns] for rows, columns in self.inputs
        ]
        framed[0] = [(row + above, column + left) for row, column in framed[0]]
        framed.append([self.position])
        if len(self.geometry) == 1:
            framed[0] = first.window_cells(*self.position)
            figure.suptitle(self._format_sum(0, *self.position), fontsize=11)
        draw_layers(figure, self.layers, framed, [layer.output for layer in self.layers])

    def frames(self) -> int:
        return min(MAX_FRAMES, len(self._list_windows()))

    def plot_frame(self, figure: Figure, frame: int) -> None:
        windows = self._list_windows()
        current, row, column = windows[round(frame * (len(windows) - 1) / max(1, self.frames() - 1))]
        framed: list[Sequence[tuple[int, int]]] = [[] for _layer in range(len(self.layers) + 1)]
        outputs = []
        for i, layer in enumerate(self.layers):
            done = layer.output.shape[1] * layer.output.shape[2] if i < current else 0
            if i == current:
                done = row * layer.output.shape[2] + column + 1
                framed[i], framed[i + 1] = layer.window_cells(row, column), [(row, column)]
            partial = np.full(layer.output.shape, np.nan).reshape(len(layer.output), -1)
            partial[:, :done] = layer.output.reshape(len(layer.output), -1)[:, :done]
            outputs.append(partial.reshape(layer.output.shape))
        figure.suptitle(self._format_sum(current, row, column), fontsize=11)
        draw_layers(figure, self.layers, framed, outputs)

    def _list_windows(self) -> list[tuple[int, int, int]]:
        """List layer, row and column of every window, in the order in which they are computed."""
        return [(i, *index) for i, layer in enumerate(self.layers) for index in np.ndindex(*layer.output.shape[1:])]

    def _format_sum(self, number: int, row: int, column: int) -> str:
        """Write out the sum of the first kernel of a layer at one position."""
        layer = self.layers[number]
        pairs = zip(layer.extract_patch(0, row, column).ravel(), layer.kernels[0].ravel(), strict=True)
        terms = [f"{cell_text(value)}·{_parenthesize(weight)}" for value, weight in pairs if weight]
        if len(terms) > MAX_TERMS:
            terms = [*terms[: MAX_TERMS // 2], "..."]
        if layer.bias is not None:
            terms.append(_parenthesize(layer.bias[0]))
        message = _("Output {row}, {column} of kernel 1: {terms} = {value}")
        value = cell_text(float(layer.output[0, row, column]))
        return message.format(row=row + 1, column=column + 1, terms=" + ".join(terms) or "0", value=value)


def run(
    example: Annotated[ExampleName, N_("A lecture's worked convolution; it supplies what is not given.")] = (
        "one-channel"
    ),
    image: Annotated[Matrix | None, N_("The input, with | between channels.")] = None,
    kernels: Annotated[
        Matrix | None, N_("The kernels, one plane for each input channel, with | between planes.")
    ] = None,
    bias: Annotated[Numbers | None, N_("One number for each kernel.")] = None,
    stride: Annotated[int, Field(ge=1), N_("Cells from one window to the next.")] = 1,
    padding: Annotated[
        str | int | None, N_("valid (none), same (output as large as the input), or cells a side.")
    ] = None,
    padding_mode: Annotated[Literal["zeros", "reflect"], N_("The values of the padding.")] = "zeros",
    dilation: Annotated[int, Field(ge=1), N_("Cells from one weight's input to the next.")] = 1,
    groups: Annotated[
        int | None, Field(ge=1), N_("Groups of channels; as many as channels make it a depthwise convolution.")
    ] = None,
    second_kernels: Annotated[
        Matrix | None, N_("Kernels of a second layer, which reads the feature maps (1 x 1: pointwise).")
    ] = None,
    stack: Annotated[
        Matrix | None, N_("More layers for the receptive field, as rows of kernel size and stride (2 2/3 1).")
    ] = None,
    position: Annotated[
        Numbers | None, N_("Row and column of the output to highlight; by default the largest.")
    ] = None,
    find_filter: Annotated[bool, N_("Find the filter that turns the image into the feature map.")] = False,
    feature_map: Annotated[
        Matrix | None, N_("The feature map (the lecture's scoreboard) whose filter is to be found.")
    ] = None,
) -> Convolution | FilterRecovery:
    """Slide kernels over an image, or find the filter behind a feature map.

    Raises `ConfigError` when the shapes do not fit together.

    Examples
    --------
    >>> run("lines").layers[0].output[0]
    array([[3., 0., 0., 1., 1.]])
    >>> [(one.row, one.column, one.computed) for one in run(find_filter=True).mismatches]
    [(1, 3, 37.0)]
    """
    if find_filter:
        if (kernels, bias, padding, groups, second_kernels, stack, position) != (None,) * 7 or stride * dilation != 1:
            raise ConfigError(_("A filter is found for stride 1 without padding: remove the options of the layer."))
        return _recover(image, feature_map)
    if feature_map is not None:
        raise ConfigError(_("A feature map is given to find its filter: add find_filter."))
    worked = WORKED_EXAMPLES[example] if kernels is None else WorkedExample(WORKED_EXAMPLES[example].image, kernels)
    options: dict[str, Any] = {"image": image, "bias": bias, "padding": padding, "groups": groups}
    options |= {"second_kernels": second_kernels, "stack": stack}
    worked = replace(worked, **{name: value for name, value in options.items() if value is not None})
    form = (stride, worked.padding, padding_mode, dilation, worked.groups)
    layers = [convolve(worked.image, worked.kernels, worked.bias, *form)]
    if worked.second_kernels is not None:
        layers.append(convolve(layers[0].output, worked.second_kernels))
    geometry = trace_geometry(layers, [] if worked.stack is None else _parse_stack(worked.stack))
    chosen = _choose_position(layers, geometry, position)
    return Convolution(tuple(layers), geometry, chosen, find_inputs(geometry, *chosen))


def _recover(image: np.ndarray | None, feature_map: np.ndarray | None) -> FilterRecovery:
    if image is None and feature_map is None:
        return recover_filter(IMAGE_8X8, FEATURE_MAP)
    if image is None or feature_map is None:
        raise ConfigError(_("To find a filter, give both the image and its feature map."))
    return recover_filter(image, feature_map)


def _parse_stack(stack: np.ndarray) -> list[tuple[int, int]]:
    if stack.ndim != 2 or stack.shape[1] != 2 or (stack < 1).any() or (stack % 1).any():
        raise ConfigError(_("The stack is a row of kernel size and stride for each layer, integers from 1: 2 2/3 1."))
    return [(int(side), int(stride)) for side, stride in stack]


def _choose_position(
    layers: Sequence[Layer], geometry: Sequence[LayerGeometry], position: np.ndarray | None
) -> tuple[int, int]:
    """Return the requested output, else the largest of the first kernel, or the middle one of a stack."""
    rows, columns = geometry[-1].output
    if position is not None:
        row, column = position if position.shape == (2,) else (0, 0)
        if not (1 <= row <= rows and 1 <= column <= columns) or (position % 1).any():
            message = _("There is no output {position}: give its row, 1 to {rows}, and its column, 1 to {columns}.")
            raise ConfigError(message.format(position=format_value(position), rows=rows, columns=columns))
        return int(row) - 1, int(column) - 1
    if len(geometry) > 1:
        return rows // 2, columns // 2
    return divmod(int(layers[0].output[0].argmax()), columns)


def _parenthesize(number: float) -> str:
    return f"({cell_text(float(number))})" if number < 0 else cell_text(float(number))
