"""Backpropagation through a small network: every value, every local derivative, every gradient as a product.

Source: Rumelhart, Hinton and Williams 1986, Learning representations by back-propagating errors.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Literal

import numpy as np
from pydantic import Field

from discern.errors import ConfigError
from discern.i18n import N_, _
from discern.labs.backprop.build import build_cnn, build_dense, build_parameters
from discern.labs.backprop.figure import count_stages, draw_cnn, draw_dense, draw_losses
from discern.labs.backprop.gradients import DIVERGED, Gradient, compute_gradients, descend
from discern.labs.backprop.graph import Nodes, backward
from discern.labs.backprop.tiny_networks import Dense, TinyCNN
from discern.labs.options import Matrix, Numbers
from discern.result import Cell, Result, Table, cell_text

if TYPE_CHECKING:
    from matplotlib.figure import Figure, FigureBase

ActivationName = Literal["sigmoid", "tanh", "relu", "leaky_relu", "relu6", "mish", "gelu", "silu"]
MAX_ROWS = 20  # of a table on the screen
MAX_LOSSES = 15  # that the table lists

SIZES = np.array([2.0, 2.0, 1.0])
BLOCK = np.zeros((6, 6))  # the lecture's image for the Sobel filter
BLOCK[1, 1:4] = 3
BLOCK[2:4, 2:5] = (1, 1, 3)
SOBEL = np.array([[1.0, 0.0, -1.0]] * 3)


@dataclass(frozen=True)
class Backprop(Result):
    """One example through a small network, forward and backward."""

    network: str  # "dense" or "cnn"
    nodes: Nodes  # every number by name, with its local derivatives and its gradient
    gradients: tuple[Gradient, ...]  # of every weight and bias
    losses: np.ndarray  # (k + 1,) before the first step and after each; k is less than `steps` where training diverged
    steps: int
    lr: float

    figsize = (15.0, 8.0)

    @property
    def diverged(self) -> bool:
        """Return whether the loss grew without bound."""
        return not bool(self.losses[-1] <= DIVERGED)

    def sentences(self) -> Sequence[str]:
        live = [g for g in self.gradients if g.n_paths and g.name[0] in "wv"] or self.gradients
        shortest = min(live, key=lambda g: g.format_paths().count("*"))  # the first weight of the last layer
        message = _("Chain rule for {name}: dL/d{name} = {formula} = {numbers} = {gradient}.")
        formula, numbers = shortest.format_paths(), " + ".join(shortest.products) or "0"
        gradient, loss = cell_text(shortest.gradient), cell_text(float(self.losses[0]))
        lines = [
            _("Forward pass: products, sums and activations, up to the loss L = {loss}.").format(loss=loss),
            message.format(name=shortest.name, formula=formula, numbers=numbers, gradient=gradient),
            self._agreement(),
        ]
        zeros = sum(not g.gradient for g in self.gradients)
        if zeros:
            message = _("{n} of {all} gradients are 0: every path to them has a factor 0 (an input, an inactive ReLU).")
            lines.append(message.format(n=zeros, all=len(self.gradients)))
        return [*lines, *self._training()]

    def _agreement(self) -> str:
        autograd = max(abs(g.gradient - g.autograd) for g in self.gradients)
        numerical = max(abs(g.gradient - g.numerical) for g in self.gradients)
        message = _(
            "All {n} gradients agree with PyTorch's autograd to {autograd}, with finite differences to {numerical}."
        )
        if numerical > 1e-3 * (1 + max(abs(g.gradient) for g in self.gradients)):
            message = _(
                "All {n} gradients agree with PyTorch's autograd to {autograd}; finite differences are off by "
                "{numerical}: a sum is at a corner of its activation, or the step is too small for the rounding errors."
            )
        return message.format(n=len(self.gradients), autograd=f"{autograd:.1g}", numerical=f"{numerical:.1g}")

    def _training(self) -> list[str]:
        first, last, done = float(self.losses[0]), float(self.losses[-1]), len(self.losses) - 1
        lr = cell_text(self.lr)
        step = _("One step w <- w - {lr} dL/dw changes the loss from {before} to {after}.")
        if self.diverged:
            message = _("The loss diverges to {last} in {n} steps: divide the learning rate {lr} by ten.")
        elif last > first:
            message = _("After {n} steps the loss is {last}, higher than before: the learning rate {lr} is too large.")
        elif (np.diff(self.losses) > 0).any():
            message = _("After {n} steps the loss is {last}, but it rose on the way: the learning rate {lr} is high.")
        elif (np.diff(self.losses) < 0).all():
            message = _("After {n} steps the loss is {last}; it fell in every step.")
        else:
            message = _("After {n} steps the loss is {last}; it stopped falling where the gradient became 0.")
        return [
            step.format(lr=lr, before=cell_text(first), after=cell_text(float(self.losses[1]))),
            message.format(n=done, last=cell_text(last), lr=lr),
        ]

    def tables(self) -> Sequence[Table]:
        values: list[tuple[Cell, ...]] = [
            (n.name, n.formula or _("given"), n.value, n.gradient) for n in self.nodes.values()
        ]
        local = [
            (f"d{node.name} / d{edge.source}", edge.formula, edge.derivative)
            for node in self.nodes.values()
            for edge in node.edges
            if self.network == "dense" or node.kind in ("unit", "loss")
        ]
        chain = [(g.name, g.format_paths(), g.gradient, g.autograd, g.numerical) for g in self.gradients]
        updates = [(g.name, g.value, g.gradient, g.after_step, g.after_training) for g in self.gradients]
        done = len(self.losses) - 1
        listed = sorted({0, *np.linspace(1, done, min(done, MAX_LOSSES)).round().astype(int).tolist()})
        losses = [(step, float(self.losses[step])) for step in listed]
        gradient_columns = (_("weight"), _("sum over paths"), _("value"), _("autograd"), _("numerical, h = 1e-6"))
        value_columns = (_("name"), _("computation"), _("value"), "dL/d.")
        update_columns = (_("weight"), _("before"), "dL/dw", _("after one step"), _("after {n} steps").format(n=done))
        return [
            Table(_("Forward and backward pass"), value_columns, values, 2, MAX_ROWS),
            Table(_("Local derivatives"), (_("derivative"), _("formula"), _("value")), local, 2, MAX_ROWS),
            Table(_("Gradients"), gradient_columns, chain, 2, MAX_ROWS),
            Table(_("Update"), update_columns, updates, 1, MAX_ROWS),
            Table(_("Loss"), (_("steps"), "L"), losses, 0),
        ]

    def plot(self, figure: Figure) -> None:
        if self.network == "cnn":
            network, losses = figure.subfigures(2, 1, squeeze=False, height_ratios=[7, 2]).flat
        else:
            network, losses = figure.subfigures(1, 2, squeeze=False, width_ratios=[5, 2]).flat
        self._draw(network, 2 * count_stages(self.nodes))
        draw_losses(losses.subplots(), self.losses, self.lr)

    def frames(self) -> int:
        return 2 * count_stages(self.nodes) + 1

    def plot_frame(self, figure: Figure, frame: int) -> None:
        self._draw(figure, frame)

    def _draw(self, figure: FigureBase, done: int) -> None:
        (draw_cnn if self.network == "cnn" else draw_dense)(figure, self.nodes, done)


def run(
    network: Annotated[
        Literal["dense", "cnn"], N_("Dense layers, or convolution, ReLU, max pooling and a dense layer.")
    ] = "dense",
    layers: Annotated[Numbers, N_("Units of each dense layer; the first are the inputs.")] = SIZES,
    inputs: Annotated[Numbers | None, N_("x, the example; random by default.")] = None,
    target: Annotated[Numbers | None, N_("y, the target; by default 1 0 0 ...")] = None,
    activation: Annotated[ActivationName, N_("Activation of the layers; in cnn, of the last one.")] = "sigmoid",
    linear_output: Annotated[bool, N_("Leave the last layer without an activation.")] = False,
    loss: Annotated[
        Literal["squared", "cross-entropy"],
        N_("Sum of (y - z)^2, or softmax and -sum of y ln p on a last layer without an activation."),
    ] = "squared",
    image: Annotated[Matrix, N_("Input image of cnn, one channel.")] = BLOCK,
    kernel: Annotated[Matrix, N_("Initial kernel of cnn.")] = SOBEL,
    weights: Annotated[
        Numbers | None, N_("Initial weights and biases, in the order of the tables; random by default.")
    ] = None,
    lr: Annotated[float, Field(gt=0), N_("Learning rate.")] = 0.5,
    steps: Annotated[int, Field(ge=1, le=2000), N_("Number of steps.")] = 50,
    seed: Annotated[int, Field(ge=0), N_("Random seed of weights and inputs.")] = 0,
) -> Backprop:
    """Run forward pass, backward pass and gradient descent on one example.

    Raises `ConfigError` when sizes do not fit together, or the network is too large to be written out.

    Examples
    --------
    >>> result = run()
    >>> result.gradients[-2].paths
    ('-2 (y - z31) * z31 (1 - z31) * z22',)
    >>> bool(result.losses[-1] < result.losses[0])
    True
    """
    rng = np.random.default_rng(seed)
    output = ("" if linear_output or loss == "cross-entropy" else activation, loss)
    model: Dense | TinyCNN
    if network == "cnn":
        model = build_cnn(image, kernel, target, output)
    else:
        model = build_dense(layers, inputs, target, activation, output, rng)
    parameters = build_parameters(model.parameter_names(), weights, kernel if network == "cnn" else None, rng)
    nodes = backward(model.forward(parameters))
    if not nodes["L"].value <= DIVERGED:
        raise ConfigError(_("The loss is too large before the first step: use smaller numbers."))
    losses, after_step, after_training = descend(model, parameters, lr, steps)
    gradients = compute_gradients(model, nodes, after_step, after_training)
    return Backprop(network, nodes, gradients, losses, steps, lr)
