"""A computational graph of numbers: every value, every local derivative, every gradient, every path.

Source: Rumelhart, Hinton and Williams 1986, Learning representations by back-propagating errors.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np


@dataclass(frozen=True)
class Edge:
    """The dependence of a node on one of its operands."""

    source: str  # the operand
    formula: str  # of the local derivative
    derivative: float  # its value


@dataclass(frozen=True)
class Node:
    """One number."""

    name: str
    kind: str  # its role in the network: an input, a weight, a sum
    index: tuple[int, ...]  # position among the nodes of its kind, from 0
    formula: str  # empty where the value is given
    value: float
    edges: tuple[Edge, ...] = ()  # one for each operand
    gradient: float = 0.0  # derivative of the last node by this one


Nodes = dict[str, Node]  # in the order of computation; the last is the loss
Path = tuple[Edge, ...]  # from the loss backward
Uses = Mapping[str, list[tuple[str, Edge]]]  # name -> the nodes that it is an operand of


def backward(nodes: Nodes) -> Nodes:
    """Return the nodes with their gradients, by the chain rule.

    Examples
    --------
    >>> x = Node("x", "input", (0,), "", 3.0)
    >>> y = Node("y", "loss", (0,), "x * x", 9.0, (Edge("x", "2x", 6.0),))
    >>> backward({"x": x, "y": y})["x"].gradient
    6.0
    """
    gradients = dict.fromkeys(nodes, 0.0)
    gradients[next(reversed(nodes))] = 1.0  # dL/dL
    # Last to first: when a node is reached, all its uses have been added up, so its gradient is complete.
    for node in reversed(nodes.values()):
        for edge in node.edges:
            gradients[edge.source] += gradients[node.name] * edge.derivative
    return {name: replace(node, gradient=gradients[name]) for name, node in nodes.items()}


def collect_uses(nodes: Nodes) -> Uses:
    """Map every name to the nodes that use it and along which edge, without edges of derivative 0."""
    uses: dict[str, list[tuple[str, Edge]]] = defaultdict(list)
    for node in nodes.values():
        for edge in node.edges:
            if edge.derivative:
                uses[edge.source].append((node.name, edge))
    return uses


def iter_paths(uses: Uses, name: str, last: str) -> Iterator[Path]:
    """Yield every path from ``last`` back to ``name``."""
    if name == last:
        yield ()
    for user, edge in uses.get(name, ()):
        for path in iter_paths(uses, user, last):
            yield (*path, edge)


def count_paths(nodes: Nodes) -> dict[str, int]:
    """Count the paths from the last node back to each node, without enumerating them."""
    counts = dict.fromkeys(nodes, 0)
    counts[next(reversed(nodes))] = 1
    for node in reversed(nodes.values()):
        for edge in node.edges:
            counts[edge.source] += counts[node.name] if edge.derivative else 0
    return counts


def to_array(nodes: Nodes, kind: str, gradient: bool = False) -> np.ndarray:
    """Arrange the values (or gradients) of all nodes of a kind by their index."""
    own = [node for node in nodes.values() if node.kind == kind]
    array = np.zeros(np.max([node.index for node in own], axis=0) + 1)
    for node in own:
        array[node.index] = node.gradient if gradient else node.value
    return array
