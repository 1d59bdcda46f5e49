"""A calculation as a graph of numbers: every value, every local derivative, every gradient, every path.

Source: Rumelhart, Hinton and Williams 1986, Learning representations by back-propagating errors.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np


@dataclass(frozen=True)
class Edge:
    """How a node depends on one that it was made of.

    Attributes
    ----------
    source : str
        The node it was made of.
    formula : str
        Of the local derivative.
    derivative : float
        Its value.
    """

    source: str
    formula: str
    derivative: float


@dataclass(frozen=True)
class Node:
    """One number.

    Attributes
    ----------
    name : str
    kind : str
        What it is in its network: an input, a weight, a sum ...
    place : tuple of int
        Where, among those of its kind, counted from 0.
    formula : str
        How it is made; empty where it is given.
    value : float
    edges : tuple of Edge
        What it was made of.
    gradient : float
        Of the last node by this one.
    """

    name: str
    kind: str
    place: tuple[int, ...]
    formula: str
    value: float
    edges: tuple[Edge, ...] = ()
    gradient: float = 0.0


Nodes = dict[str, Node]  # in the order of calculation; the last is the loss
Path = tuple[Edge, ...]  # from the loss back


def backward(nodes: Nodes) -> Nodes:
    """The nodes with their gradients: each is the sum over what the node went into, last to first.

    Examples
    --------
    >>> x = Node("x", "input", (0,), "", 3.0)
    >>> y = Node("y", "loss", (0,), "x * x", 9.0, (Edge("x", "2x", 6.0),))
    >>> backward({"x": x, "y": y})["x"].gradient
    6.0
    """
    found = dict.fromkeys(nodes, 0.0)
    found[next(reversed(nodes))] = 1.0
    for node in reversed(nodes.values()):
        for edge in node.edges:
            found[edge.source] += found[node.name] * edge.derivative
    return {name: replace(node, gradient=found[name]) for name, node in nodes.items()}


def uses(nodes: Nodes) -> dict[str, list[tuple[str, Edge]]]:
    """Name -> what the node went into, along which edge; edges of derivative 0 are left out."""
    found: dict[str, list[tuple[str, Edge]]] = defaultdict(list)
    for node in nodes.values():
        for edge in node.edges:
            if edge.derivative:
                found[edge.source].append((node.name, edge))
    return found


def paths(used: Mapping[str, list[tuple[str, Edge]]], name: str, last: str) -> Iterator[Path]:
    """Every path from ``last`` back to ``name``, an edge at a time."""
    if name == last:
        yield ()
    for user, edge in used.get(name, ()):
        for path in paths(used, user, last):
            yield (*path, edge)


def count_paths(nodes: Nodes) -> dict[str, int]:
    """Name -> how many paths lead from the last node back to it."""
    found = dict.fromkeys(nodes, 0)
    found[next(reversed(nodes))] = 1
    for node in reversed(nodes.values()):
        for edge in node.edges:
            found[edge.source] += found[node.name] if edge.derivative else 0
    return found


def grid(nodes: Nodes, kind: str, gradient: bool = False) -> np.ndarray:
    """The values (or gradients) of all nodes of a kind, in their places."""
    own = [node for node in nodes.values() if node.kind == kind]
    array = np.zeros(np.max([node.place for node in own], axis=0) + 1)
    for node in own:
        array[node.place] = node.gradient if gradient else node.value
    return array
