"""A network in shapes and counts, and one of its convolutions written out as a matrix."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import numpy as np
from pydantic import Field

from discern.i18n import N_, _
from discern.labs.network.figure import draw_parameters, draw_weights
from discern.labs.network.matrix import Matrix, build_matrix, find_convolution
from discern.models.initialization import SkipInit
from discern.models.registry import build_model, get_model_spec
from discern.models.summary import ModelSummary, summarize
from discern.result import Cell, Result, Table

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MAX_LAYERS, MAX_CELLS = 40, 12  # rows of the tables


@dataclass(frozen=True)
class NetworkLab(Result):
    """A network's layers, and the matrix of one of them."""

    figsize = (12.0, 5.5)

    name: str
    size: int  # pixels a side of its input
    channels: int  # color channels of its input
    summary: ModelSummary
    matrix: Matrix  # of one convolution

    def sentences(self) -> Sequence[str]:
        matrix = self.matrix
        sparse = _(
            "{layer} as a matrix has {rows:,} x {columns:,} entries; {connected:,} of them ({fraction:.1%}) are "
            "connections, which share {weights:,} weights: the rows of a kernel hold the same weights, shifted."
        )
        equal = _("W x + b and the convolution agree: the largest difference is {difference:.1e}.")
        return [
            *self.summary.totals(),
            sparse.format(
                layer=matrix.layer,
                rows=len(matrix.values),
                columns=matrix.values.shape[1],
                connected=matrix.n_connected,
                fraction=matrix.n_connected / matrix.values.size,
                weights=matrix.kernel.size,
            ),
            equal.format(difference=float(np.abs(matrix.product - matrix.convolution).max())),
        ]

    def tables(self) -> Sequence[Table]:
        matrix = self.matrix
        cells: list[tuple[Cell, ...]] = [
            (
                ", ".join(str(i + 1) for i in cell),
                int((matrix.weight[row] > 0).sum()),
                *(f"{value:.3f}" for value in (matrix.bias[row], matrix.product[cell], matrix.convolution[cell])),
            )
            for row, cell in enumerate(np.ndindex(matrix.product.shape))
        ]
        columns = (_("kernel, row, column"), _("connected inputs"), _("bias"), "W x + b", _("convolution"))
        layers = self.summary.layer_table(_("{name} on {size} x {size} pixels").format(name=self.name, size=self.size))
        return [
            dataclasses.replace(layers, max_rows=MAX_LAYERS),
            Table(_("Outputs of {layer}").format(layer=matrix.layer), columns, cells, max_rows=MAX_CELLS),
        ]

    def plot(self, figure: Figure) -> None:
        left, right = figure.subplots(1, 2, width_ratios=(1.0, 1.3))
        draw_parameters(left, self.summary, self.name)
        draw_weights(right, self.matrix)


def run(
    model: Annotated[str, N_("A network that `discern models` lists.")] = "lenet",
    size: Annotated[int | None, Field(ge=8), N_("Image size in pixels; the model's own if omitted.")] = None,
    channels: Annotated[int | None, Field(ge=1), N_("Color channels; the model's own if omitted.")] = None,
    classes: Annotated[int, Field(ge=2), N_("Number of classes.")] = 10,
    layer: Annotated[str | None, N_("A convolution; the first if omitted.")] = None,
    side: Annotated[int | None, Field(ge=1), N_("Side of the matrix's input, in cells.")] = None,
    seed: Annotated[int, Field(ge=0), N_("Random seed of the weights and the input of the matrix.")] = 0,
) -> NetworkLab:
    """List a network's shapes and counts, and write one convolution out as a matrix.

    Raises
    ------
    ModelError
        When there is no such network or convolution, or the kernel is larger than the padded cells.

    Examples
    --------
    >>> result = run("lenet")
    >>> result.matrix.values.shape, result.matrix.kernel.size
    ((96, 64), 150)
    >>> bool(np.abs(result.matrix.product - result.matrix.convolution).max() < 1e-5)
    True
    """
    spec = get_model_spec(model)
    size, channels = size or spec.size, channels or spec.channels
    with SkipInit():  # not on the meta device, whose arithmetic loads torch's compiler first: a second
        network = build_model(model, classes, channels, size)
    name, conv = find_convolution(network, layer)
    matrix = build_matrix(name, conv, side, seed)
    return NetworkLab(model, size, channels, summarize(network, size, channels), matrix)
