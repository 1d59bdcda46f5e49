"""Gradients of a small network by the chain rule, by autograd and by finite differences; and gradient descent."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import islice

import numpy as np

from discern.i18n import _
from discern.labs.backprop.graph import Nodes, backward, collect_uses, count_paths, iter_paths
from discern.labs.backprop.tiny_networks import Dense, Parameters, TinyCNN

H = 1e-6  # of the finite difference
MAX_PATHS = 2  # of a gradient that are written out
DIVERGED = 1e12  # a loss above this does not recover


@dataclass(frozen=True)
class Gradient:
    """The gradient of the loss by one weight or bias."""

    name: str
    value: float
    gradient: float
    paths: tuple[str, ...]  # the first ones from the loss, as products of local derivatives in formulas
    products: tuple[str, ...]  # the same in numbers
    n_paths: int  # without those on which a derivative is 0
    autograd: float  # by torch
    numerical: float  # by the finite difference (L(w + h) - L(w)) / h
    after_step: float  # the weight after one step
    after_training: float  # the weight after all steps

    def format_paths(self) -> str:
        """Write the gradient as the sum over its paths."""
        if not self.n_paths:
            return "0"
        more = self.n_paths - len(self.paths)
        paths = " + ".join(self.paths)
        return _("{paths} + ... ({n} more)").format(paths=paths, n=more) if more else paths


def compute_gradients(
    network: Dense | TinyCNN, nodes: Nodes, after_step: Mapping[str, float], after_training: Mapping[str, float]
) -> tuple[Gradient, ...]:
    """Compute the gradient of every weight and bias in three ways; ``nodes`` have their gradients."""
    parameters = {name: nodes[name].value for name in network.parameter_names()}
    autograd, numerical = _differentiate_by_torch(network, parameters), _differentiate_numerically(network, parameters)
    uses, counts = collect_uses(nodes), count_paths(nodes)
    gradients = []
    for name, value in parameters.items():
        first = islice(iter_paths(uses, name, "L"), MAX_PATHS)
        shown = [[edge for edge in path if edge.formula != "1"] for path in first]
        paths = tuple(" * ".join(edge.formula for edge in path) or "1" for path in shown)
        products = tuple(" * ".join(f"{edge.derivative:.4g}" for edge in path) or "1" for path in shown)
        compared = autograd[name], numerical[name], after_step[name], after_training[name]
        gradients.append(Gradient(name, value, nodes[name].gradient, paths, products, counts[name], *compared))
    return tuple(gradients)


def descend(
    network: Dense | TinyCNN, start: Parameters, lr: float, steps: int
) -> tuple[np.ndarray, Parameters, Parameters]:
    """Run gradient descent; return the loss before and after each step, the weights after one step and after all."""
    parameters, first, losses = start, start, []
    with np.errstate(all="ignore"):
        for step in range(steps + 1):
            nodes = backward(network.forward(parameters))
            losses.append(nodes["L"].value)
            if step == 1:
                first = parameters
            if step == steps or not losses[-1] <= DIVERGED:
                break
            parameters = {name: value - lr * nodes[name].gradient for name, value in parameters.items()}
    return np.array([loss if math.isfinite(loss) else math.inf for loss in losses]), first, parameters


def _differentiate_numerically(network: Dense | TinyCNN, parameters: Parameters) -> Parameters:
    loss = network.forward(parameters)["L"].value
    moved = {name: network.forward({**parameters, name: value + H}) for name, value in parameters.items()}
    return {name: (nodes["L"].value - loss) / H for name, nodes in moved.items()}


def _differentiate_by_torch(network: Dense | TinyCNN, parameters: Parameters) -> Parameters:
    import torch

    leaves = {name: torch.tensor(value, dtype=torch.float64).requires_grad_() for name, value in parameters.items()}
    gradients = torch.autograd.grad(network.compute_torch_loss(leaves), list(leaves.values()))
    return {name: float(gradient) for name, gradient in zip(leaves, gradients, strict=True)}
