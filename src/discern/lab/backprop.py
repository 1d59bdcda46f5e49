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
from discern.i18n import _
from discern.lab.flow import draw_cnn, draw_dense, draw_losses, stages
from discern.lab.gradients import BOUNDLESS, Gradient, descend, gradients
from discern.lab.graph import Nodes, backward
from discern.lab.options import Matrix, Numbers
from discern.lab.result import Cell, Result, Table, cell_text
from discern.lab.small import POOL, Dense, Ending, Parameters, TinyCNN

if TYPE_CHECKING:
    from matplotlib.figure import Figure, FigureBase

MOST_WEIGHTS = 200
MOST_PIXELS = 256
Activations = Literal["sigmoid", "tanh", "relu", "leaky_relu", "relu6", "mish", "gelu", "silu"]

SIZES = np.array([2.0, 2.0, 1.0])
BLOCK = np.zeros((6, 6))  # the lecture's picture for the Sobel filter
BLOCK[1, 1:4] = 3
BLOCK[2:4, 2:5] = (1, 1, 3)
SOBEL = np.array([[1.0, 0.0, -1.0]] * 3)


def summary() -> str:
    """What this lab shows."""
    return _("Backpropagation: every value, local derivative and gradient of a small network, and what steps do.")


@dataclass(frozen=True)
class Backprop(Result):
    """One example through a small network, forward and back.

    Attributes
    ----------
    network : {"dense", "cnn"}
    nodes : dict of str to Node
        Every number by name in the order of calculation, with its local derivatives and its gradient.
    gradients : tuple of Gradient
        Of every weight and bias.
    losses : numpy.ndarray
        (k + 1,) before the first step and after each; fewer than asked where it grew beyond all bounds.
    steps : int
        That were asked for.
    learning_rate : float
    """

    network: str
    nodes: Nodes
    gradients: tuple[Gradient, ...]
    losses: np.ndarray
    steps: int
    learning_rate: float

    inches = (15.0, 8.0)

    @property
    def diverged(self) -> bool:
        """Whether the loss grew beyond all bounds."""
        return not bool(self.losses[-1] <= BOUNDLESS)

    def sentences(self) -> Sequence[str]:
        live = [g for g in self.gradients if g.n_paths and g.name[0] in "wv"] or self.gradients
        chain = min(live, key=lambda g: g.written().count("*"))  # the first weight of the last layer
        product = _("The chain rule to {name}: dL/d{name} = {formula} = {numbers} = {gradient}.")
        said = [
            _("Forward, values are multiplied, added and bent until the loss: L = {loss}.").format(
                loss=cell_text(float(self.losses[0]))
            ),
            product.format(
                name=chain.name,
                formula=chain.written(),
                numbers=" + ".join(chain.products) or "0",
                gradient=cell_text(chain.gradient),
            ),
            self._agreement(),
        ]
        zeros = sum(not g.gradient for g in self.gradients)
        if zeros:
            sentence = _("{n} of {all} gradients are 0: every path to them has a 0 (an input, a ReLU that is off).")
            said.append(sentence.format(n=zeros, all=len(self.gradients)))
        return [*said, *self._training()]

    def _agreement(self) -> str:
        autograd = max(abs(g.gradient - g.autograd) for g in self.gradients)
        limit = max(abs(g.gradient - g.limit) for g in self.gradients)
        sentence = _("All {n} gradients agree with PyTorch's autograd to {autograd} and with the limit to {limit}.")
        if limit > 1e-3 * (1 + max(abs(g.gradient) for g in self.gradients)):
            sentence = _(
                "All {n} gradients agree with PyTorch's autograd to {autograd}; the limit is off by {limit}: "
                "a sum lies at a corner of its activation, or rounding drowns so small a step."
            )
        return sentence.format(n=len(self.gradients), autograd=f"{autograd:.1g}", limit=f"{limit:.1g}")

    def _training(self) -> list[str]:
        first, last, done = float(self.losses[0]), float(self.losses[-1]), len(self.losses) - 1
        rate = cell_text(self.learning_rate)
        one = _("One step w <- w - {rate} dL/dw takes the loss from {before} to {after}.")
        said = [one.format(rate=rate, before=cell_text(first), after=cell_text(float(self.losses[1])))]
        if self.diverged:
            many = _(
                "The loss diverges: {n} steps take it to {last}. The learning rate {rate} oversteps: divide it by ten."
            )
        elif last > first:
            many = _("After {n} steps the loss is {last}, higher than before: the learning rate {rate} is too large.")
        elif (np.diff(self.losses) > 0).any():
            many = _("After {n} steps the loss is {last}; on the way it also rose: {rate} is a large learning rate.")
        elif (np.diff(self.losses) < 0).all():
            many = _("After {n} steps the loss is {last}; it fell with every step.")
        else:
            many = _("After {n} steps the loss is {last}; where it stands still, no gradient is left.")
        return [*said, many.format(n=done, last=cell_text(last), rate=rate)]

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
        chain = [(g.name, g.written(), g.gradient, g.autograd, g.limit) for g in self.gradients]
        steps = [(g.name, g.value, g.gradient, g.stepped, g.trained) for g in self.gradients]
        done = len(self.losses) - 1
        shown = sorted({0, *np.linspace(1, done, min(done, 15)).round().astype(int).tolist()})
        after = _("after {n} steps").format(n=done)
        return [
            Table(_("Forward, and back"), (_("name"), _("made of"), _("value"), "dL/d."), values),
            Table(_("Local derivatives"), (_("derivative"), _("formula"), _("value")), local),
            Table(
                _("Gradients"),
                (_("weight"), _("product along its paths"), _("value"), _("by autograd"), _("by the limit, h = 1e-6")),
                chain,
            ),
            Table(_("Update"), (_("weight"), _("before"), "dL/dw", _("after one step"), after), steps),
            Table(_("Loss"), (_("steps"), "L"), [(step, float(self.losses[step])) for step in shown]),
        ]

    def plot(self, figure: Figure) -> None:
        if self.network == "cnn":
            parts = figure.subfigures(2, 1, squeeze=False, height_ratios=[7, 2])
        else:
            parts = figure.subfigures(1, 2, squeeze=False, width_ratios=[5, 2])
        drawn, losses = parts.ravel()
        self._draw(drawn, 2 * stages(self.nodes))
        draw_losses(losses.subplots(), self.losses, self.learning_rate)

    def frames(self) -> int:
        return 2 * stages(self.nodes) + 1

    def plot_frame(self, figure: Figure, frame: int) -> None:
        self._draw(figure, frame)

    def _draw(self, figure: FigureBase, shown: int) -> None:
        (draw_cnn if self.network == "cnn" else draw_dense)(figure, self.nodes, shown)


def run(
    network: Annotated[
        Literal["dense", "cnn"], Field(description=_("Dense layers, or convolution, ReLU, max pooling and dense."))
    ] = "dense",
    layers: Annotated[Numbers, Field(description=_("Units of each dense layer; the first are the inputs."))] = SIZES,
    inputs: Annotated[Numbers | None, Field(description=_("x, the example; drawn from the seed unless given."))] = None,
    target: Annotated[Numbers | None, Field(description=_("y, what is wanted; 1 0 0 ... unless given."))] = None,
    activation: Annotated[Activations, Field(description=_("Of the layers; in cnn, of the last."))] = "sigmoid",
    linear_output: Annotated[bool, Field(description=_("Leave the last layer without activation."))] = False,
    loss: Annotated[
        Literal["squared", "cross-entropy"],
        Field(description=_("Sum of (y - z)^2, or softmax and -sum of y ln p on a last layer without activation.")),
    ] = "squared",
    picture: Annotated[Matrix, Field(description=_("What cnn sees, one channel."))] = BLOCK,
    kernel: Annotated[Matrix, Field(description=_("The kernel that cnn starts with."))] = SOBEL,
    weights: Annotated[
        Numbers | None, Field(description=_("All weights and biases, as the tables list them; else from the seed."))
    ] = None,
    learning_rate: Annotated[float, Field(gt=0, description=_("Length of a step along the gradient."))] = 0.5,
    steps: Annotated[int, Field(ge=1, le=2000, description=_("How many steps."))] = 50,
    seed: Annotated[int, Field(ge=0, description=_("Of the weights and inputs that are not given."))] = 0,
) -> Backprop:
    """Forward, backward and down the slope, on one example.

    Raises
    ------
    ConfigError
        When sizes do not fit together, or the network is too large to be written out.

    Examples
    --------
    >>> found = run()
    >>> found.gradients[-2].paths
    ('-2 (y - z31) * z31 (1 - z31) * z22',)
    >>> bool(found.losses[-1] < found.losses[0])
    True
    """
    rng = np.random.default_rng(seed)
    ending = "" if linear_output or loss == "cross-entropy" else activation
    if network == "cnn":
        small: Dense | TinyCNN = _cnn(picture, kernel, Ending(ending, loss, _target(target, 0, loss)))
    else:
        sizes = _sizes(layers)
        small = Dense(
            sizes, _inputs(inputs, sizes[0], rng), activation, Ending(ending, loss, _target(target, sizes[-1], loss))
        )
    names = small.names()
    if len(names) > MOST_WEIGHTS:
        sentence = _("{n} weights are too many to write out: make the network smaller, {most} at most.")
        raise ConfigError(sentence.format(n=len(names), most=MOST_WEIGHTS))
    parameters = _parameters(names, weights, kernel if network == "cnn" else None, rng)
    nodes = backward(small.forward(parameters))
    if not nodes["L"].value <= BOUNDLESS:
        raise ConfigError(_("The loss is beyond all bounds before the first step: give smaller numbers."))
    losses, stepped, trained = descend(small, parameters, learning_rate, steps)
    found = gradients(small, nodes, stepped, trained)
    return Backprop(network, nodes, found, losses, steps, learning_rate)


def _sizes(layers: np.ndarray) -> tuple[int, ...]:
    if len(layers) < 2 or (layers < 1).any() or (layers % 1).any():
        raise ConfigError(_("Layers are two or more whole numbers of units, the inputs first: 2 2 1."))
    return tuple(int(size) for size in layers)


def _inputs(given: np.ndarray | None, n: int, rng: np.random.Generator) -> tuple[float, ...]:
    values = rng.uniform(0.1, 1, n).round(1) if given is None else given
    if len(values) != n:
        sentence = _("{given} inputs do not fit a first layer of {n} units: give {n}.")
        raise ConfigError(sentence.format(given=len(values), n=n))
    return tuple(values.tolist())


def _target(given: np.ndarray | None, n: int, loss: str) -> tuple[float, ...]:
    """y; as many as there are outputs, ``n``, or as the person gives where ``n`` is 0."""
    n = n or (len(given) if given is not None else 1 + (loss == "cross-entropy"))
    values = np.eye(n)[0] if given is None else given
    if len(values) != n:
        sentence = _("{given} wanted values do not fit a last layer of {n} units: give {n}.")
        raise ConfigError(sentence.format(given=len(values), n=n))
    if loss == "cross-entropy" and (n < 2 or (values < 0).any() or abs(values.sum() - 1) > 1e-9):
        raise ConfigError(_("Cross-entropy wants a share for each of two or more classes, 1 in all: 0 1 0."))
    return tuple(values.tolist())


def _cnn(picture: np.ndarray, kernel: np.ndarray, ending: Ending) -> TinyCNN:
    if picture.ndim != 2 or kernel.ndim != 2:
        raise ConfigError(_("The tiny CNN has one channel and one kernel: give one matrix for each."))
    if picture.size > MOST_PIXELS:
        sentence = _("{n} pixels are too many to write out: give {most} at most, as 16 x 16.")
        raise ConfigError(sentence.format(n=picture.size, most=MOST_PIXELS))
    small = TinyCNN(picture, (kernel.shape[0], kernel.shape[1]), ending)
    if min(small.map_shape) < POOL:
        sentence = _(
            "A {kernel} kernel on a {picture} picture leaves no map to pool 2 x 2: "
            "use a larger picture or a smaller kernel."
        )
        shapes = {"kernel": " x ".join(map(str, kernel.shape)), "picture": " x ".join(map(str, picture.shape))}
        raise ConfigError(sentence.format(**shapes))
    return small


def _parameters(
    names: Sequence[str], given: np.ndarray | None, kernel: np.ndarray | None, rng: np.random.Generator
) -> Parameters:
    if given is None:
        given = rng.uniform(-1, 1, len(names)).round(2)
        if kernel is not None:
            given[: kernel.size + 1] = [*kernel.ravel(), 0.0]
            given[kernel.size + 1 :] /= 10  # else a sum of many sevens and nines saturates the output
    if len(given) != len(names):
        sentence = _("{given} weights do not fit: the network has {n}, namely {names}.")
        raise ConfigError(sentence.format(given=len(given), n=len(names), names=" ".join(names)))
    return dict(zip(names, given.tolist(), strict=True))
