"""The two small networks of the backpropagation lab: number by number, and in torch to check them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import special  # type: ignore[import-untyped]

from discern.labs.activation.formulas import ACTIVATIONS
from discern.labs.backprop.graph import Edge, Node, Nodes

if TYPE_CHECKING:
    from torch import Tensor

Parameters = dict[str, float]
MAX_TERMS = 4  # of a sum that is written out
POOL = 2  # side and stride of the windows of max pooling


@dataclass(frozen=True)
class Output:
    """What follows the last weighted sums."""

    activation: str  # of the last layer; empty for none
    loss: str  # "squared" or "cross-entropy": sum of (y - z)^2, or softmax and -sum of y ln p
    target: tuple[float, ...]  # y


@dataclass(frozen=True)
class Dense:
    """Fully connected layers; layer 1 holds the inputs."""

    sizes: tuple[int, ...]
    inputs: tuple[float, ...]
    activation: str
    output: Output

    def parameter_names(self) -> list[str]:
        """List weights and biases, layer by layer, unit by unit."""
        names = []
        for layer, size in enumerate(self.sizes[1:], 2):
            for unit in range(1, size + 1):
                names += [name_node("w", layer, unit, source) for source in range(1, self.sizes[layer - 2] + 1)]
                names.append(name_node("b", layer, unit))
        return names

    def forward(self, parameters: Parameters) -> Nodes:
        """Compute every value of the network on its example."""
        nodes: Nodes = {}
        for j, value in enumerate(self.inputs):
            _add(nodes, Node(name_node("z", 1, j + 1), "input", (0, j), "", value))
        for layer, size in enumerate(self.sizes[1:], 2):
            sources = [name_node("z", layer - 1, i + 1) for i in range(self.sizes[layer - 2])]
            function = self.output.activation if layer == len(self.sizes) else self.activation
            for unit in range(1, size + 1):
                bias, name = name_node("b", layer, unit), name_node("a", layer, unit)
                terms = [(name_node("w", layer, unit, i + 1), source) for i, source in enumerate(sources)]
                for i, (weight, _source) in enumerate(terms):
                    _add(nodes, Node(weight, "weight", (layer - 2, unit - 1, i), "", parameters[weight]))
                _add(nodes, Node(bias, "bias", (layer - 2, unit - 1), "", parameters[bias]))
                _add(nodes, _weighted_sum(nodes, name, "sum", (layer - 1, unit - 1), terms, bias))
                _add(nodes, _activate(nodes[name], name_node("z", layer, unit), "unit", function))
        return _add_loss(nodes, [name_node("z", len(self.sizes), k + 1) for k in range(self.sizes[-1])], self.output)

    def compute_torch_loss(self, parameters: Mapping[str, Tensor]) -> Tensor:
        """Compute the loss with torch."""
        import torch

        z = torch.tensor(self.inputs, dtype=torch.float64)
        values = iter(parameters.values())
        for layer, size in enumerate(self.sizes[1:], 2):
            rows = [torch.stack([next(values) for _i in range(len(z) + 1)]) for _unit in range(size)]
            matrix = torch.stack(rows)  # (size, sources + 1), the bias last
            z = torch.nn.functional.linear(z, matrix[:, :-1], matrix[:, -1])
            z = _torch_activate(z, self.output.activation if layer == len(self.sizes) else self.activation)
        return _torch_loss(z, self.output)


@dataclass(frozen=True)
class TinyCNN:
    """One convolution, ReLU, 2 x 2 max pooling, one dense layer."""

    image: np.ndarray  # (H, W)
    kernel_shape: tuple[int, int]
    output: Output

    @property
    def map_shape(self) -> tuple[int, int]:
        """Return (H', W') of the feature map."""
        (height, width), (rows, columns) = self.image.shape, self.kernel_shape
        return height - rows + 1, width - columns + 1

    @property
    def pooled_shape(self) -> tuple[int, int]:
        """Return (H'', W'') after pooling; a last row or column that fills no window is left out."""
        return self.map_shape[0] // POOL, self.map_shape[1] // POOL

    def parameter_names(self) -> list[str]:
        """List the kernel's weights and bias, then the dense layer's, output by output."""
        names = [name_node("k", i + 1, j + 1) for i, j in np.ndindex(self.kernel_shape)] + ["bk"]
        for k in range(len(self.output.target)):
            names += [name_node("v", k + 1, i + 1, j + 1) for i, j in np.ndindex(self.pooled_shape)]
            names.append(name_node("c", k + 1))
        return names

    def forward(self, parameters: Parameters) -> Nodes:
        """Compute every value of the network on its image."""
        nodes: Nodes = {}
        for i, j in np.ndindex(self.image.shape):
            _add(nodes, Node(name_node("x", i + 1, j + 1), "image", (i, j), "", float(self.image[i, j])))
        for i, j in np.ndindex(self.kernel_shape):
            name = name_node("k", i + 1, j + 1)
            _add(nodes, Node(name, "kernel", (i, j), "", parameters[name]))
        _add(nodes, Node("bk", "bias", (0,), "", parameters["bk"]))
        for i, j in np.ndindex(self.map_shape):
            terms = [
                (name_node("k", di + 1, dj + 1), name_node("x", i + di + 1, j + dj + 1))
                for di, dj in np.ndindex(self.kernel_shape)
            ]
            _add(nodes, _weighted_sum(nodes, name_node("m", i + 1, j + 1), "map", (i, j), terms, "bk"))
        for i, j in np.ndindex(self.map_shape):
            _add(nodes, _activate(nodes[name_node("m", i + 1, j + 1)], name_node("r", i + 1, j + 1), "relu", "relu"))
        for i, j in np.ndindex(self.pooled_shape):
            _add(nodes, _max_pool(nodes, i, j))
        for k in range(len(self.output.target)):
            terms = []
            for i, j in np.ndindex(self.pooled_shape):
                terms.append((name_node("v", k + 1, i + 1, j + 1), name_node("p", i + 1, j + 1)))
                _add(nodes, Node(terms[-1][0], "dense", (k, len(terms) - 1), "", parameters[terms[-1][0]]))
            bias, name = name_node("c", k + 1), name_node("a", k + 1)
            _add(nodes, Node(bias, "bias", (k + 1,), "", parameters[bias]))
            _add(nodes, _weighted_sum(nodes, name, "sum", (k,), terms, bias))
            _add(nodes, _activate(nodes[name], name_node("z", k + 1), "unit", self.output.activation))
        return _add_loss(nodes, [name_node("z", k + 1) for k in range(len(self.output.target))], self.output)

    def compute_torch_loss(self, parameters: Mapping[str, Tensor]) -> Tensor:
        """Compute the loss with torch."""
        import torch
        from torch.nn import functional

        values = list(parameters.values())
        n = self.kernel_shape[0] * self.kernel_shape[1]
        kernel = torch.stack(values[:n]).view(1, 1, *self.kernel_shape)
        x = torch.from_numpy(self.image)[None, None]
        z = functional.max_pool2d(functional.conv2d(x, kernel, values[n][None]).relu(), POOL).flatten()
        matrix = torch.stack(values[n + 1 :]).view(len(self.output.target), -1)  # the bias last
        z = functional.linear(z, matrix[:, :-1], matrix[:, -1])
        return _torch_loss(_torch_activate(z, self.output.activation), self.output)


def name_node(letter: str, *indices: int) -> str:
    """Return the name of a node: a letter and its indices, counted from 1.

    Examples
    --------
    >>> name_node("z", 3, 1), name_node("w", 2, 10, 1)
    ('z31', 'w2,10,1')
    """
    return letter + ("" if max(indices) < 10 else ",").join(map(str, indices))


def _add(nodes: Nodes, node: Node) -> None:
    nodes[node.name] = node


def _weighted_sum(
    nodes: Nodes, name: str, kind: str, index: tuple[int, ...], terms: Sequence[tuple[str, str]], bias: str
) -> Node:
    """Return the node of weights times values, plus a bias."""
    edges = [Edge(bias, "1", 1.0)]
    total = nodes[bias].value
    for weight, source in terms:
        total += nodes[weight].value * nodes[source].value
        # A product's derivative by one factor is the other one.
        edges.append(Edge(weight, source, nodes[source].value))
        edges.append(Edge(source, weight, nodes[weight].value))
    products = [f"{weight} {source}" for weight, source in terms]
    if len(products) > MAX_TERMS:
        products = [*products[: MAX_TERMS - 2], "...", products[-1]]
    return Node(name, kind, index, " + ".join([*products, bias]), total, tuple(edges))


def _activate(source: Node, name: str, kind: str, function: str) -> Node:
    if not function:
        return Node(name, kind, source.index, source.name, source.value, (Edge(source.name, "1", 1.0),))
    activation = ACTIVATIONS[function]
    x = np.asarray(source.value)
    formula = activation.slope.format(a=source.name, z=name)
    edge = Edge(source.name, formula, float(activation.derivative(x)))
    return Node(name, kind, source.index, f"{function}({source.name})", float(activation.value(x)), (edge,))


def _max_pool(nodes: Nodes, i: int, j: int) -> Node:
    """Return the first maximum of a window; the other cells pass no gradient."""
    cells = [name_node("r", i * POOL + di + 1, j * POOL + dj + 1) for di, dj in np.ndindex(POOL, POOL)]
    largest = max(cells, key=lambda cell: nodes[cell].value)
    formula = f"max({', '.join(cells)}) = {largest}"
    return Node(name_node("p", i + 1, j + 1), "pool", (i, j), formula, nodes[largest].value, (Edge(largest, "1", 1.0),))


def _add_loss(nodes: Nodes, outputs: Sequence[str], output: Output) -> Nodes:
    z = np.array([nodes[name].value for name in outputs])
    y = np.array(output.target)
    targets = ["y"] if len(outputs) == 1 else [f"y{k + 1}" for k in range(len(outputs))]
    pairs = list(zip(targets, outputs, strict=True))
    if output.loss == "squared":
        formula = " + ".join(f"({target} - {name})^2" for target, name in pairs)
        slopes = [f"-2 ({target} - {name})" for target, name in pairs]
        loss, derivatives = float(((y - z) * (y - z)).sum()), -2 * (y - z)
    else:
        formula = "-(" + " + ".join(f"{target} ln p({name})" for target, name in pairs) + ")"
        slopes = [f"(p({name}) - {target})" for target, name in pairs]
        loss, derivatives = float(-(y * special.log_softmax(z)).sum()), special.softmax(z) - y
    edges = [Edge(*values) for values in zip(outputs, slopes, derivatives.tolist(), strict=True)]
    _add(nodes, Node("L", "loss", (0,), formula, loss, tuple(edges)))
    return nodes


def _torch_activate(z: Any, function: str) -> Any:
    from torch.nn import functional

    return getattr(functional, function)(z) if function else z


def _torch_loss(z: Any, output: Output) -> Any:
    import torch
    from torch.nn import functional

    y = torch.tensor(output.target, dtype=torch.float64)
    if output.loss == "squared":
        return functional.mse_loss(z, y, reduction="sum")
    return functional.cross_entropy(z, y)
