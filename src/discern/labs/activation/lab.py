"""Activation functions: value, derivative in three ways, and where they saturate.

Sources: Nair and Hinton 2010 (ReLU); Maas et al. 2013 (leaky ReLU); Howard et al. 2017, MobileNets (ReLU6);
Hendrycks and Gimpel 2016 (GELU, SiLU); Misra 2019 (Mish).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import astuple, dataclass
from typing import TYPE_CHECKING, Annotated, Literal

import numpy as np

from discern.errors import ConfigError
from discern.i18n import N_, _
from discern.labs.activation.figure import draw_curve, draw_saturation, draw_secant
from discern.labs.activation.formulas import ACTIVATIONS, evaluate_last
from discern.labs.options import Numbers
from discern.result import Result, Table, cell_text

if TYPE_CHECKING:
    from matplotlib.figure import Figure

STEPS = 10.0 ** -np.arange(14)  # h of the finite difference: 1, 0.1 ... 1e-13
SHOWN_STEP = 6  # index of 1e-6, near the most exact
FLAT = 0.01  # a slope below this passes hardly any gradient
MAX_INPUT = 30.0  # saturation is searched up to here on both sides
MAX_VALUES = 100  # the Jacobian grows with their square
MAX_ROWS = 20
FIVE = np.array([-3.0, -1.0, 0.0, 1.0, 3.0])
FRAMES = 24

Name = Literal["sigmoid", "tanh", "relu", "leaky_relu", "relu6", "mish", "gelu", "silu", "softmax"]


@dataclass(frozen=True)
class FunctionValue:
    """One of the functions at the last value: a row of the table."""

    name: str
    formula: str
    value: float
    derivative: float
    saturated_below: float | None  # from here outwards the slope stays below 0.01 in size; None where it does not
    saturated_above: float | None


@dataclass(frozen=True)
class ActivationSteps(Result):
    """A function at some values, and all functions at the last of them."""

    name: str  # of the function
    values: np.ndarray  # (n,): x, or the logits of softmax
    steps: dict[str, np.ndarray]  # formula -> (n,); the last is the function itself
    derivative: np.ndarray  # (n,): of each output by its own input, by formula
    autograd: np.ndarray  # (n,): the same by PyTorch
    h: np.ndarray  # (k,): step sizes of the finite difference, falling
    slopes: np.ndarray  # (k, n): (f(x + h) - f(x)) / h
    jacobian: np.ndarray  # (n, n): of each output by each input, by formula; diagonal except for softmax
    functions: tuple[FunctionValue, ...]  # every function at the last value

    @property
    def output(self) -> np.ndarray:
        """f(x): (n,)."""
        return self.steps[ACTIVATIONS[self.name].formula]

    @property
    def own(self) -> FunctionValue:
        """The row of this function among all of them."""
        return next(row for row in self.functions if row.name == self.name)

    def sentences(self) -> Sequence[str]:
        x, best = float(self.values[-1]), int(np.abs(self.slopes[:, -1] - self.derivative[-1]).argmin())
        message = _("{name}({x}) = {y}; the derivative is {slope} by formula and {autograd} by PyTorch's autograd.")
        numbers = {"x": x, "y": self.output[-1], "slope": self.derivative[-1], "autograd": self.autograd[-1]}
        lines = [message.format(name=self.name, **{key: cell_text(float(each)) for key, each in numbers.items()})]
        corners = [corner for corner in ACTIVATIONS[self.name].corners if corner in self.values]
        if x not in corners:
            message = _("To the right of x the curve is straight, so the finite difference is exact for every h.")
            if best:
                message = _(
                    "The finite difference is most exact at h = {h}: {slope}; larger steps suffer from curvature, "
                    "smaller ones from rounding."
                )
            lines.append(
                message.format(h=cell_text(float(self.h[best])), slope=cell_text(float(self.slopes[best, -1])))
            )
        lines.append(self._describe_saturation())
        if corners:
            message = _("At x = {x} is a corner: PyTorch uses the smaller slope, the finite difference the right one.")
            lines.append(message.format(x=" ".join(map(cell_text, corners))))
        if self.name == "softmax":
            lines.append(_("The outputs sum to 1: raising one logit lowers all other outputs (negative derivatives)."))
        return lines

    def _describe_saturation(self) -> str:
        below, above = self.own.saturated_below, self.own.saturated_above
        message = _("It saturates nowhere: its slope never stays below 0.01, so gradients pass.")
        if below is not None and above is not None:
            message = _("It saturates left of {below} and right of {above} (slope below 0.01): gradients vanish there.")
        elif below is not None:
            message = _("It saturates left of {below} (slope below 0.01): gradients vanish there.")
        return message.format(below=cell_text(below), above=cell_text(above))

    def tables(self) -> Sequence[Table]:
        columns = ("x", *self.steps, _("derivative by formula"), _("by autograd"), _("numerical, h = 1e-6"))
        numerical = self.slopes[SHOWN_STEP]
        rows = np.stack([self.values, *self.steps.values(), self.derivative, self.autograd, numerical], axis=1).tolist()
        x, slopes = cell_text(float(self.values[-1])), self.slopes[:, -1].tolist()
        differences = [
            (f"{h:g}", slope, slope - float(self.derivative[-1])) for h, slope in zip(self.h, slopes, strict=True)
        ]
        difference_columns = ("h", "(f(x + h) - f(x)) / h", _("error"))
        function_columns = (
            _("function"),
            _("formula"),
            _("value"),
            _("derivative"),
            _("saturates left of"),
            _("and right of"),
        )
        functions = [astuple(row) for row in self.functions]
        tables = [
            Table(self.name, columns, rows, text_columns=0, max_rows=MAX_ROWS),
            Table(_("Finite difference at x = {x}").format(x=x), difference_columns, differences),
            Table(_("All functions at x = {x}").format(x=x), function_columns, functions, text_columns=2),
        ]
        if self.name == "softmax":
            by = [f"/ dx{i + 1}" for i in range(len(self.values))]
            jacobian = [(f"df{i + 1}", *row) for i, row in enumerate(self.jacobian.tolist())]
            tables.insert(1, Table(_("Jacobian: each output by each logit"), ("", *by), jacobian, max_rows=MAX_ROWS))
        return tables

    def plot(self, figure: Figure) -> None:
        left, right = figure.subplots(1, 2)
        draw_curve(left, self.name, self.values, self.output, False, f"{self.name}(x)")
        title = _("derivative of {name}").format(name=self.name)
        draw_curve(right, self.name, self.values, self.derivative, True, title)
        for ax in (left, right):
            draw_saturation(ax, self.values, self.own.saturated_below, self.own.saturated_above)
        handles, labels = left.get_legend_handles_labels()
        left.legend(dict(zip(labels, handles, strict=True)).values(), dict.fromkeys(labels), fontsize=8)

    def frames(self) -> int:
        return FRAMES

    def plot_frame(self, figure: Figure, frame: int) -> None:
        smooth = ~np.isin(self.values, ACTIVATIONS[self.name].corners)
        most_curved = int((smooth * np.abs(self.slopes[0] - self.derivative)).argmax())
        index = -1 if self.name == "softmax" else most_curved
        draw_secant(figure.subplots(), self.name, self.values, index, 3.0 * 0.8**frame)


def run(
    function: Annotated[Name, N_("Activation function.")] = "mish",
    values: Annotated[
        Numbers, N_("Inputs, or the logits of softmax; the finite difference is taken at the last one.")
    ] = FIVE,
) -> ActivationSteps:
    """Compute a function's value, and its derivative by formula, by autograd and by finite differences.

    Raises `ConfigError` when there are too many values, or too large ones.

    Examples
    --------
    >>> result = run("mish")
    >>> [round(float(step[-1]), 4) for step in result.steps.values()]
    [3.0486, 0.9955, 2.9865]
    """
    if len(values) > MAX_VALUES or np.abs(values).max() > MAX_INPUT:
        message = _(
            "values: expected at most {n} numbers between -{limit} and {limit}; beyond, the curves are straight."
        )
        raise ConfigError(message.format(n=MAX_VALUES, limit=int(MAX_INPUT)))
    if function == "softmax" and len(values) < 2:
        raise ConfigError(_("Softmax of one logit is always 1: give two logits or more."))
    activation = ACTIVATIONS[function]
    moved = values + STEPS[:, None, None] * np.eye(len(values))  # (k, n, n): row i has value i moved by h
    ahead = np.diagonal(activation.value(moved), axis1=1, axis2=2)  # (k, n)
    derivative = activation.derivative(values)
    jacobian = np.diag(derivative)
    if function == "softmax":
        output = activation.value(values)
        jacobian = np.diag(output) - np.outer(output, output)
    return ActivationSteps(
        function,
        values,
        {formula: step(values) for formula, step in activation.steps},
        derivative,
        _autograd(function, values),
        STEPS,
        (ahead - activation.value(values)) / STEPS[:, None],
        jacobian,
        tuple(_evaluate(name, values) for name in ACTIVATIONS),
    )


def _evaluate(name: str, values: np.ndarray) -> FunctionValue:
    """Compute one function at the last value, and search where it saturates."""
    x = np.arange(-100 * MAX_INPUT, 100 * MAX_INPUT + 1) / 100
    steep = np.flatnonzero(np.abs(evaluate_last(name, values, x, derivative=True)) >= FLAT)
    below = above = None
    if len(steep) and steep[0] > 0:
        below = round(float(x[steep[0] - 1]), 2)
    if len(steep) and steep[-1] < len(x) - 1:
        above = round(float(x[steep[-1] + 1]), 2)
    value, slope = (float(evaluate_last(name, values, values[-1:], derivative)[0]) for derivative in (False, True))
    return FunctionValue(name, ACTIVATIONS[name].formula, value, slope, below, above)


def _autograd(name: str, values: np.ndarray) -> np.ndarray:
    """Differentiate with torch: (n,)."""
    import torch
    from torch.nn import functional

    x = torch.from_numpy(values.copy()).requires_grad_()
    y = torch.softmax(x, 0) if name == "softmax" else getattr(functional, name)(x)
    slopes = [torch.autograd.grad(y[i], x, retain_graph=True)[0][i] for i in range(len(values))]
    return torch.stack(slopes).numpy()
