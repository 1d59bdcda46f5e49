"""Activation functions: value, derivative by three ways, and where they saturate.

Sources: Nair and Hinton 2010 (ReLU); Maas et al. 2013 (leaky ReLU); Howard et al. 2017, MobileNets (ReLU6);
Hendrycks and Gimpel 2016 (GELU, SiLU); Misra 2019 (Mish).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Literal

import numpy as np

from discern.errors import ConfigError
from discern.i18n import N_, _
from discern.labs.activation_formulas import ACTIVATIONS
from discern.labs.options import Numbers
from discern.result import Result, Table, cell_text

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

STEPS = 10.0 ** -np.arange(14)  # h of the limit: 1, 0.1 ... 1e-13
FLAT = 0.01  # a slope below this passes next to no gradient
FARTHEST = 30.0  # where the search for saturation starts, on both sides
MOST = 100  # values; the Jacobian grows with their square
FIVE = np.array([-3.0, -1.0, 0.0, 1.0, 3.0])
SECANTS = 24  # images of the animation

Name = Literal["sigmoid", "tanh", "relu", "leaky_relu", "relu6", "mish", "gelu", "silu", "softmax"]


@dataclass(frozen=True)
class At:
    """One of the functions at the last value.

    Attributes
    ----------
    name, formula : str
    value, derivative : float
    saturated_below, saturated_above : float or None
        From where on outwards the slope stays under 0.01 in size; None where it does not.
    """

    name: str
    formula: str
    value: float
    derivative: float
    saturated_below: float | None
    saturated_above: float | None


@dataclass(frozen=True)
class ActivationSteps(Result):
    """A function at some values, and all functions at the last of them.

    Attributes
    ----------
    name : str
    values : numpy.ndarray
        (n,) x; the logits of softmax.
    steps : dict of str to numpy.ndarray
        Formula -> (n,); the last is the function's value.
    derivative, autograd : numpy.ndarray
        (n,) of each output by its own input: by the formula, and by torch.
    h : numpy.ndarray
        (k,) the steps of the limit, falling.
    slopes : numpy.ndarray
        (k, n): (f(x + h) - f(x)) / h.
    jacobian : numpy.ndarray
        (n, n) of each output by each input, by the formula; only softmax has any off the diagonal.
    functions : tuple of At
        Every function at the last value.
    """

    name: str
    values: np.ndarray
    steps: dict[str, np.ndarray]
    derivative: np.ndarray
    autograd: np.ndarray
    h: np.ndarray
    slopes: np.ndarray
    jacobian: np.ndarray
    functions: tuple[At, ...]

    @property
    def output(self) -> np.ndarray:
        """(n,) f(x)."""
        return list(self.steps.values())[-1]

    def sentences(self) -> Sequence[str]:
        x, best = float(self.values[-1]), int(np.abs(self.slopes[:, -1] - self.derivative[-1]).argmin())
        found = _("{name}({x}) = {y}; the slope there is {slope} by the formula and {autograd} by PyTorch's autograd.")
        limit = _("The curve is straight from there on, so the limit is reached with every h.")
        if best:
            limit = _("The limit comes nearest at h = {h}: {slope}; larger steps see the bend, smaller ones rounding.")
        said = [
            found.format(
                name=self.name,
                x=cell_text(x),
                y=cell_text(float(self.output[-1])),
                slope=cell_text(float(self.derivative[-1])),
                autograd=cell_text(float(self.autograd[-1])),
            )
        ]
        corners = [corner for corner in ACTIVATIONS[self.name].corners if corner in self.values]
        if x not in corners:
            said.append(limit.format(h=cell_text(float(self.h[best])), slope=cell_text(float(self.slopes[best, -1]))))
        said.append(self._saturation())
        if corners:
            corner = _("At x = {x} is a corner: PyTorch takes the flatter side's slope, the limit the right side's.")
            said.append(corner.format(x=" ".join(map(cell_text, corners))))
        if self.name == "softmax":
            said.append(
                _("The values sum to 1: raising one logit lowers every other value (the Jacobian's minus signs).")
            )
        return said

    def _saturation(self) -> str:
        own = next(row for row in self.functions if row.name == self.name)
        below, above = (
            cell_text(edge) if edge is not None else "" for edge in (own.saturated_below, own.saturated_above)
        )
        if below and above:
            message = _(
                "It saturates left of {below} and right of {above} (slope under 0.01): next to no gradient passes."
            )
        elif below:
            message = _("It saturates left of {below} (slope under 0.01): hardly any gradient passes there.")
        else:
            message = _("It saturates nowhere: its slope never stays under 0.01, so gradients pass.")
        return message.format(below=below, above=above)

    def tables(self) -> Sequence[Table]:
        near = self.slopes[6]
        columns = ("x", *self.steps, _("slope by formula"), _("by autograd"), _("by the limit, h = 1e-6"))
        rows = np.stack([self.values, *self.steps.values(), self.derivative, self.autograd, near], axis=1).tolist()
        x = cell_text(float(self.values[-1]))
        slopes = self.slopes[:, -1].tolist()
        limit = [
            (h, slope, slope - float(self.derivative[-1])) for h, slope in zip(self.h.tolist(), slopes, strict=True)
        ]
        every = [
            (
                row.name,
                row.formula,
                row.value,
                row.derivative,
                "-" if row.saturated_below is None else row.saturated_below,
                "-" if row.saturated_above is None else row.saturated_above,
            )
            for row in self.functions
        ]
        titles = (_("function"), _("formula"), _("value"), _("slope"), _("saturates left of"), _("and right of"))
        found = [
            Table(self.name, columns, rows),
            Table(
                _("The limit at x = {x}").format(x=x), ("h", "(f(x + h) - f(x)) / h", _("off the formula by")), limit
            ),
            Table(_("Every function at x = {x}").format(x=x), titles, every),
        ]
        if self.name == "softmax":
            by = [f"/ dx{i + 1}" for i in range(len(self.values))]
            jacobian = [(f"df{i + 1}", *row) for i, row in enumerate(self.jacobian.tolist())]
            found.insert(1, Table(_("Jacobian: each output by each logit"), ("", *by), jacobian))
        return found

    def plot(self, figure: Figure) -> None:
        left, right = figure.subplots(1, 2)
        x, y, slope = self._curves()
        self._panel(left, x, y, self.output, f"{self.name}(x)")
        self._panel(right, x, slope, self.derivative, _("slope of {name}").format(name=self.name))
        own = next(row for row in self.functions if row.name == self.name)
        for axes in (left, right):
            for edge, far in ((own.saturated_below, x[0]), (own.saturated_above, x[-1])):
                if edge is not None:
                    axes.axvspan(far, np.clip(edge, x[0], x[-1]), color="crimson", alpha=0.1, label=_("saturated"))
        handles, labels = left.get_legend_handles_labels()
        left.legend(dict(zip(labels, handles, strict=True)).values(), dict.fromkeys(labels), fontsize=8)

    def frames(self) -> int:
        return SECANTS

    def plot_frame(self, figure: Figure, frame: int) -> None:
        axes = figure.subplots()
        x, y, _slope = self._curves()
        h = 3.0 * 0.8**frame
        smooth = ~np.isin(self.values, ACTIVATIONS[self.name].corners)
        bent = int((smooth * np.abs(self.slopes[0] - self.derivative)).argmax()) if self.name != "softmax" else -1
        start, value, derivative = self.values[bent], self.output[bent], float(self.derivative[bent])
        end = float(_along(self.name, self.values, np.array([start + h]))[0])
        slope = (end - value) / h
        axes.plot(x, y, color="tab:blue")
        axes.plot(x, value + derivative * (x - start), color="grey", linestyle=":", label=_("tangent"))
        axes.plot(x, value + slope * (x - start), color="crimson", label=_("through x and x + h"))
        axes.plot([start, start + h], [value, end], "o", color="crimson")
        axes.set_xlim(x[0], x[-1])
        margin = 0.3 + 0.1 * float(np.ptp(y))
        axes.set_ylim(y.min() - margin, y.max() + margin)
        label = _("h = {h}: slope {slope}, the derivative is {derivative}")
        axes.set_title(label.format(h=f"{h:.3f}", slope=f"{slope:.4f}", derivative=f"{derivative:.4f}"))
        axes.set_xlabel("x")
        axes.set_ylabel(f"{self.name}(x)")
        axes.legend(loc="upper left")

    def _curves(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return x, f(x) and slope along a stretch that holds every value."""
        reach = max(8.0, 1.2 * float(np.abs(self.values).max()))
        x = np.linspace(-reach, reach, 601)
        return x, _along(self.name, self.values, x), _along(self.name, self.values, x, slope=True)

    def _panel(self, axes: Axes, x: np.ndarray, y: np.ndarray, marked: np.ndarray, title: str) -> None:
        shown = slice(-1, None) if self.name == "softmax" else slice(None)  # the other logits have curves of their own
        axes.plot(x, y, color="tab:blue")
        axes.plot(self.values[shown], marked[shown], "o", color="tab:orange", label=_("your values"))
        axes.axhline(0, color="grey", linewidth=0.6)
        axes.axvline(0, color="grey", linewidth=0.6)
        axes.set_title(title)
        axes.set_xlabel("x" if self.name != "softmax" else _("the last logit; the others stay"))
        axes.grid(alpha=0.2)


def run(
    function: Annotated[Name, N_("Which function to look at.")] = "mish",
    values: Annotated[Numbers, N_("Where to look (the limit: at the last one); for softmax, the logits.")] = FIVE,
) -> ActivationSteps:
    """Compute a function's value, and its derivative by formula, by autograd and by the limit.

    Raises
    ------
    ConfigError
        When there are too many values, or too large ones.

    Examples
    --------
    >>> found = run("mish")
    >>> [round(float(step[-1]), 4) for step in found.steps.values()]
    [3.0486, 0.9955, 2.9865]
    """
    if len(values) > MOST or np.abs(values).max() > FARTHEST:
        message = _(
            "Give at most {n} values between -{far} and {far}: beyond, each of these functions is a straight line."
        )
        raise ConfigError(message.format(n=MOST, far=int(FARTHEST)))
    if function == "softmax" and len(values) < 2:
        raise ConfigError(_("Softmax of one logit is always 1: give two logits or more."))
    shape = ACTIVATIONS[function]
    moved = values + STEPS[:, None, None] * np.eye(len(values))  # (k, n, n): row i has its value i moved by h
    ahead = np.diagonal(shape.value(moved), axis1=1, axis2=2)  # (k, n)
    derivative = shape.derivative(values)
    jacobian = np.diag(derivative)
    if function == "softmax":
        outputs = shape.value(values)
        jacobian = np.diag(outputs) - np.outer(outputs, outputs)
    return ActivationSteps(
        function,
        values,
        {formula: step(values) for formula, step in shape.steps},
        derivative,
        _autograd(function, values),
        STEPS,
        (ahead - shape.value(values)) / STEPS[:, None],
        jacobian,
        tuple(_at(name, values) for name in ACTIVATIONS),
    )


def _along(name: str, values: np.ndarray, x: np.ndarray, slope: bool = False) -> np.ndarray:
    """Compute the last output, or its slope, while the last value goes along ``x``, (m,) -> (m,)."""
    points = np.tile(values, (len(x), 1))
    points[:, -1] = x
    shape = ACTIVATIONS[name]
    return (shape.derivative if slope else shape.value)(points)[:, -1]


def _at(name: str, values: np.ndarray) -> At:
    x = np.arange(-100 * FARTHEST, 100 * FARTHEST + 1) / 100
    steep = np.flatnonzero(np.abs(_along(name, values, x, slope=True)) >= FLAT)
    below = above = None
    if len(steep) and steep[0] > 0:
        below = round(float(x[steep[0] - 1]), 2)
    if len(steep) and steep[-1] < len(x) - 1:
        above = round(float(x[steep[-1] + 1]), 2)
    value, slope = (float(_along(name, values, values[-1:], slope=s)[0]) for s in (False, True))
    return At(name, ACTIVATIONS[name].formula, value, slope, below, above)


def _autograd(name: str, values: np.ndarray) -> np.ndarray:
    """Return what torch's automatic differentiation says, (n,)."""
    import torch
    from torch.nn import functional

    x = torch.from_numpy(values.copy()).requires_grad_()
    y = torch.softmax(x, 0) if name == "softmax" else getattr(functional, name)(x)
    slopes = [torch.autograd.grad(y[i], x, retain_graph=True)[0][i] for i in range(len(values))]
    return torch.stack(slopes).numpy()
