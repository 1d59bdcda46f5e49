"""The two small networks that backpropagation is shown on, number by number, and in torch to check them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import special  # type: ignore[import-untyped]

from discern.lab.graph import Edge, Node, Nodes
from discern.lab.nonlinear import ACTIVATIONS

if TYPE_CHECKING:
    from torch import Tensor

Parameters = dict[str, float]
MOST_TERMS = 4  # of a sum that is written out
POOL = 2  # side and stride of the windows of max pooling


@dataclass(frozen=True)
class Ending:
    """What follows the last weighted sums.

    Attributes
    ----------
    activation : str
        Of the last layer; empty where it has none.
    loss : {"squared", "cross-entropy"}
        Sum of (y - z)^2, or softmax and -sum of y ln p.
    target : tuple of float
        y.
    """

    activation: str
    loss: str
    target: tuple[float, ...]


@dataclass(frozen=True)
class Dense:
    """Layers in which every unit sees every unit before; layer 1 are the inputs."""

    sizes: tuple[int, ...]
    inputs: tuple[float, ...]
    activation: str
    ending: Ending

    def names(self) -> list[str]:
        """Of the weights and biases, in their order."""
        found = []
        for layer, size in enumerate(self.sizes[1:], 2):
            for unit in range(1, size + 1):
                found += [named("w", layer, unit, source) for source in range(1, self.sizes[layer - 2] + 1)]
                found.append(named("b", layer, unit))
        return found

    def forward(self, parameters: Parameters) -> Nodes:
        """Every value of the network on its example."""
        nodes: Nodes = {}
        for j, value in enumerate(self.inputs):
            _put(nodes, Node(named("z", 1, j + 1), "input", (0, j), "", value))
        for layer, size in enumerate(self.sizes[1:], 2):
            before = [named("z", layer - 1, i + 1) for i in range(self.sizes[layer - 2])]
            last = layer == len(self.sizes)
            for unit in range(1, size + 1):
                bias, name = named("b", layer, unit), named("a", layer, unit)
                terms = [(named("w", layer, unit, i + 1), source) for i, source in enumerate(before)]
                for i, (weight, _source) in enumerate(terms):
                    _put(nodes, Node(weight, "weight", (layer - 2, unit - 1, i), "", parameters[weight]))
                _put(nodes, Node(bias, "bias", (layer - 2, unit - 1), "", parameters[bias]))
                _put(nodes, _sum(nodes, name, "sum", (layer - 1, unit - 1), terms, bias))
                function = self.ending.activation if last else self.activation
                _put(nodes, _active(nodes[name], named("z", layer, unit), "unit", function))
        return _end(nodes, [named("z", len(self.sizes), k + 1) for k in range(self.sizes[-1])], self.ending)

    def by_torch(self, parameters: Mapping[str, Tensor]) -> Tensor:
        """The loss, as torch calculates it."""
        import torch

        z = torch.tensor(self.inputs, dtype=torch.float64)
        values = iter(parameters.values())
        for layer, size in enumerate(self.sizes[1:], 2):
            rows = [torch.stack([next(values) for _i in range(len(z) + 1)]) for _unit in range(size)]
            table = torch.stack(rows)  # (size, sources + 1), the bias last
            z = torch.nn.functional.linear(z, table[:, :-1], table[:, -1])
            function = self.ending.activation if layer == len(self.sizes) else self.activation
            z = _torch_active(z, function)
        return _torch_end(z, self.ending)


@dataclass(frozen=True)
class TinyCNN:
    """One convolution, ReLU, 2 x 2 max pooling, one dense layer."""

    picture: np.ndarray  # (H, W)
    side: tuple[int, int]  # of the kernel
    ending: Ending

    @property
    def map_shape(self) -> tuple[int, int]:
        """(H', W') of the feature map."""
        (height, width), (rows, columns) = self.picture.shape, self.side
        return height - rows + 1, width - columns + 1

    @property
    def pooled_shape(self) -> tuple[int, int]:
        """(H'', W''); a last row or column that fills no window is left out."""
        return self.map_shape[0] // POOL, self.map_shape[1] // POOL

    def names(self) -> list[str]:
        """Of the kernel's weights and bias, then of the dense layer's, output by output."""
        found = [named("k", i + 1, j + 1) for i, j in np.ndindex(self.side)] + ["bk"]
        for k in range(len(self.ending.target)):
            found += [named("v", k + 1, i + 1, j + 1) for i, j in np.ndindex(self.pooled_shape)]
            found.append(named("c", k + 1))
        return found

    def forward(self, parameters: Parameters) -> Nodes:
        """Every value of the network on its picture."""
        nodes: Nodes = {}
        for i, j in np.ndindex(self.picture.shape):
            _put(nodes, Node(named("x", i + 1, j + 1), "picture", (i, j), "", float(self.picture[i, j])))
        for i, j in np.ndindex(self.side):
            name = named("k", i + 1, j + 1)
            _put(nodes, Node(name, "kernel", (i, j), "", parameters[name]))
        _put(nodes, Node("bk", "bias", (0,), "", parameters["bk"]))
        for i, j in np.ndindex(self.map_shape):
            terms = [
                (named("k", di + 1, dj + 1), named("x", i + di + 1, j + dj + 1)) for di, dj in np.ndindex(self.side)
            ]
            _put(nodes, _sum(nodes, named("m", i + 1, j + 1), "map", (i, j), terms, "bk"))
        for i, j in np.ndindex(self.map_shape):
            _put(nodes, _active(nodes[named("m", i + 1, j + 1)], named("r", i + 1, j + 1), "relu", "relu"))
        for i, j in np.ndindex(self.pooled_shape):
            _put(nodes, _pool(nodes, i, j))
        for k in range(len(self.ending.target)):
            terms = []
            for i, j in np.ndindex(self.pooled_shape):
                terms.append((named("v", k + 1, i + 1, j + 1), named("p", i + 1, j + 1)))
                _put(nodes, Node(terms[-1][0], "dense", (k, len(terms) - 1), "", parameters[terms[-1][0]]))
            bias = named("c", k + 1)
            _put(nodes, Node(bias, "bias", (k + 1,), "", parameters[bias]))
            _put(nodes, _sum(nodes, named("a", k + 1), "sum", (k,), terms, bias))
            _put(nodes, _active(nodes[named("a", k + 1)], named("z", k + 1), "unit", self.ending.activation))
        return _end(nodes, [named("z", k + 1) for k in range(len(self.ending.target))], self.ending)

    def by_torch(self, parameters: Mapping[str, Tensor]) -> Tensor:
        """The loss, as torch calculates it."""
        import torch
        from torch.nn import functional

        values = list(parameters.values())
        n = self.side[0] * self.side[1]
        kernel = torch.stack(values[:n]).view(1, 1, *self.side)
        x = torch.from_numpy(self.picture)[None, None]
        z = functional.max_pool2d(functional.conv2d(x, kernel, values[n][None]).relu(), POOL).flatten()
        table = torch.stack(values[n + 1 :]).view(len(self.ending.target), -1)  # the bias last
        return _torch_end(
            _torch_active(functional.linear(z, table[:, :-1], table[:, -1]), self.ending.activation), self.ending
        )


def named(letter: str, *places: int) -> str:
    """``z`` with its places, counted from 1.

    Examples
    --------
    >>> named("z", 3, 1), named("w", 2, 10, 1)
    ('z31', 'w2,10,1')
    """
    return letter + ("" if max(places) < 10 else ",").join(map(str, places))


def _put(nodes: Nodes, node: Node) -> None:
    nodes[node.name] = node


def _sum(
    nodes: Nodes, name: str, kind: str, place: tuple[int, ...], terms: Sequence[tuple[str, str]], bias: str
) -> Node:
    """Weights times values, plus a bias."""
    edges = [Edge(bias, "1", 1.0)]
    total = nodes[bias].value
    for weight, source in terms:
        total += nodes[weight].value * nodes[source].value
        edges.append(Edge(weight, source, nodes[source].value))
        edges.append(Edge(source, weight, nodes[weight].value))
    written = [f"{weight} {source}" for weight, source in terms]
    if len(written) > MOST_TERMS:
        written = [*written[: MOST_TERMS - 2], "...", written[-1]]
    return Node(name, kind, place, " + ".join([*written, bias]), total, tuple(edges))


def _active(source: Node, name: str, kind: str, function: str) -> Node:
    if not function:
        return Node(name, kind, source.place, source.name, source.value, (Edge(source.name, "1", 1.0),))
    shape = ACTIVATIONS[function]
    x = np.asarray(source.value)
    edge = Edge(source.name, shape.slope.format(a=source.name, z=name), float(shape.derivative(x)))
    return Node(name, kind, source.place, f"{function}({source.name})", float(shape.value(x)), (edge,))


def _pool(nodes: Nodes, i: int, j: int) -> Node:
    """The first largest cell of a window; the others pass no gradient."""
    cells = [named("r", i * POOL + di + 1, j * POOL + dj + 1) for di, dj in np.ndindex(POOL, POOL)]
    winner = max(cells, key=lambda cell: nodes[cell].value)
    formula = f"max({', '.join(cells)}) = {winner}"
    return Node(named("p", i + 1, j + 1), "pool", (i, j), formula, nodes[winner].value, (Edge(winner, "1", 1.0),))


def _end(nodes: Nodes, outputs: Sequence[str], ending: Ending) -> Nodes:
    z = np.array([nodes[name].value for name in outputs])
    y = np.array(ending.target)
    ys = ["y"] if len(outputs) == 1 else [f"y{k + 1}" for k in range(len(outputs))]
    if ending.loss == "squared":
        formula = " + ".join(f"({goal} - {name})^2" for goal, name in zip(ys, outputs, strict=True))
        slopes = [f"-2 ({goal} - {name})" for goal, name in zip(ys, outputs, strict=True)]
        loss, derivatives = float(((y - z) * (y - z)).sum()), -2 * (y - z)
    else:
        formula = "-(" + " + ".join(f"{goal} ln p({name})" for goal, name in zip(ys, outputs, strict=True)) + ")"
        slopes = [f"(p({name}) - {goal})" for goal, name in zip(ys, outputs, strict=True)]
        loss, derivatives = float(-(y * special.log_softmax(z)).sum()), special.softmax(z) - y
    edges = [Edge(*parts) for parts in zip(outputs, slopes, derivatives.tolist(), strict=True)]
    _put(nodes, Node("L", "loss", (0,), formula, loss, tuple(edges)))
    return nodes


def _torch_active(z: Any, function: str) -> Any:
    from torch.nn import functional

    return getattr(functional, function)(z) if function else z


def _torch_end(z: Any, ending: Ending) -> Any:
    import torch
    from torch.nn import functional

    y = torch.tensor(ending.target, dtype=torch.float64)
    if ending.loss == "squared":
        return functional.mse_loss(z, y, reduction="sum")
    return functional.cross_entropy(z, y)
