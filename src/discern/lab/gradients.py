"""Gradients of a small network by the chain rule, by torch and by the limit; and steps along them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import islice

import numpy as np

from discern.i18n import _
from discern.lab.graph import Nodes, Path, backward, count_paths, paths, uses
from discern.lab.small import Dense, Parameters, TinyCNN

H = 1e-6  # step of the numeric limit
MOST_PATHS = 2  # of a gradient that are written out
BOUNDLESS = 1e12  # a loss that has grown past this does not come back


@dataclass(frozen=True)
class Gradient:
    """What the loss says of one weight or bias.

    Attributes
    ----------
    name : str
    value, gradient : float
    paths : tuple of str
        Products of the local derivatives along the first paths from the loss to the weight, as formulas.
    products : tuple of str
        The same in numbers.
    n_paths : int
        How many paths there are; those on which a derivative is 0 are left out.
    autograd, limit : float
        The gradient by torch, and (L(w + h) - L(w)) / h with h = 1e-6.
    stepped, trained : float
        The weight after one step, and after all.
    """

    name: str
    value: float
    gradient: float
    paths: tuple[str, ...]
    products: tuple[str, ...]
    n_paths: int
    autograd: float
    limit: float
    stepped: float
    trained: float

    def written(self) -> str:
        """The gradient as the sum of its products."""
        if not self.n_paths:
            return "0"
        more = self.n_paths - len(self.paths)
        ways = " + ".join(self.paths)
        return _("{ways} + ... ({n} more)").format(ways=ways, n=more) if more else ways


def gradients(
    small: Dense | TinyCNN, nodes: Nodes, stepped: Mapping[str, float], trained: Mapping[str, float]
) -> tuple[Gradient, ...]:
    """Of every weight and bias, in their order, three ways.

    Parameters
    ----------
    nodes : dict of str to Node
        The network's numbers with their gradients.
    stepped, trained : mapping of str to float
        The weights after one step, and after all.
    """
    parameters = {name: nodes[name].value for name in small.names()}
    autograd, limits = _autograd(small, parameters), _limits(small, parameters)
    used, counts = uses(nodes), count_paths(nodes)
    found = []
    for name, value in parameters.items():
        shown = list(islice(paths(used, name, "L"), MOST_PATHS))
        found.append(
            Gradient(
                name,
                value,
                nodes[name].gradient,
                tuple(_formula(path) for path in shown),
                tuple(_product(path) for path in shown),
                counts[name],
                autograd[name],
                limits[name],
                stepped[name],
                trained[name],
            )
        )
    return tuple(found)


def descend(
    small: Dense | TinyCNN, start: Parameters, rate: float, steps: int
) -> tuple[np.ndarray, Parameters, Parameters]:
    """Loss before and after each step, the weights after one step and after all."""
    parameters, first, losses = start, start, []
    with np.errstate(all="ignore"):
        for step in range(steps + 1):
            nodes = backward(small.forward(parameters))
            losses.append(nodes["L"].value)
            if step == 1:
                first = parameters
            if step == steps or not losses[-1] <= BOUNDLESS:
                break
            parameters = {name: value - rate * nodes[name].gradient for name, value in parameters.items()}
    return np.array([loss if math.isfinite(loss) else math.inf for loss in losses]), first, parameters


def _limits(small: Dense | TinyCNN, parameters: Parameters) -> Parameters:
    here = small.forward(parameters)["L"].value
    return {
        name: (small.forward({**parameters, name: value + H})["L"].value - here) / H
        for name, value in parameters.items()
    }


def _autograd(small: Dense | TinyCNN, parameters: Parameters) -> Parameters:
    import torch

    leaves = {name: torch.tensor(value, dtype=torch.float64).requires_grad_() for name, value in parameters.items()}
    slopes = torch.autograd.grad(small.by_torch(leaves), list(leaves.values()))
    return {name: float(slope) for name, slope in zip(leaves, slopes, strict=True)}


def _formula(path: Path) -> str:
    return " * ".join([edge.formula for edge in path if edge.formula != "1"] or ["1"])


def _product(path: Path) -> str:
    return " * ".join([f"{edge.derivative:.4g}" for edge in path if edge.formula != "1"] or ["1"])
