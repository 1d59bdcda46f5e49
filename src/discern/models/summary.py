"""A network layer by layer, in the form of the MobileNet paper's table 1: type and stride, filter shape, input size.

Data first: `summary` gives numbers, ``str()`` of them draws the table.
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle

from discern.i18n import _

Shape = tuple[int, int, int]  # height, width, channels
POOLS = {
    nn.MaxPool2d: "Max Pool",
    nn.AvgPool2d: "Avg Pool",
    nn.AdaptiveMaxPool2d: "Max Pool",
    nn.AdaptiveAvgPool2d: "Avg Pool",
}
NORMALISATIONS = (nn.BatchNorm1d, nn.BatchNorm2d, nn.InstanceNorm2d, nn.LayerNorm, nn.GroupNorm)
LONGEST_REPEAT = 8  # layers in a group that the drawn table folds into one


@dataclass(frozen=True)
class Layer:
    """One row of the table.

    Attributes
    ----------
    name : str
        Dotted module name; empty for the softmax, which belongs to the loss.
    kind : str
        ``Conv``, ``Conv dw``, ``Max Pool``, ``Avg Pool``, ``FC``, ``Softmax``, or a class name.
    stride : int
        Of the window, 1 where there is none.
    filter : str
        Height x width x input channels x filters, or what a pooling layer looks at.
    input, output : tuple of int
        Height, width, channels.
    parameters : int
        Trainable numbers, those of the normalisation that follows included.
    multiply_adds : int
        For one picture; convolutions and matrix products only, without bias.
    """

    name: str
    kind: str
    stride: int
    filter: str
    input: Shape
    output: Shape
    parameters: int
    multiply_adds: int

    @property
    def type(self) -> str:
        """Kind and stride as the paper prints them: ``Conv dw / s2``."""
        return f"{self.kind} / s{self.stride}"

    @property
    def role(self) -> tuple[str, str, str, Shape, Shape]:
        """Equal for layers that do the same at the same place in their blocks: numbers in the name do not count."""
        return re.sub(r"\d+", "#", self.name), self.type, self.filter, self.input, self.output


@dataclass(frozen=True)
class Summary:
    """Every layer of a network, and the totals.

    Attributes
    ----------
    layers : tuple of Layer
        In the order in which a picture passes them.
    trainable : int
        Parameters that training changes.
    total : int
        Those and the running statistics of batch normalisation (what Keras calls total).
    multiply_adds : int
        For one picture.
    bytes : int
        Size of all tensors of a weights file.
    """

    layers: tuple[Layer, ...]
    trainable: int
    total: int
    multiply_adds: int
    bytes: int

    def folded(self) -> list[tuple[int, tuple[Layer, ...]]]:
        """The layers in groups: (how often the group is repeated, its layers)."""
        groups = []
        start = 0
        while start < len(self.layers):
            length, count = _repeat(self.layers, start)
            groups.append((count, self.layers[start : start + length]))
            start += length * count
        return groups

    def __str__(self) -> str:
        sizes = (_("Filter shape"), _("Input size"), _("Output size"))
        rows: list[tuple[str, ...]] = [
            ("", _("Type / stride"), *sizes, _("Parameters"), _("Multiply-adds"), _("Layer")),
        ]
        for count, layers in self.folded():
            for i, layer in enumerate(layers):
                mark = "" if count == 1 else f"{count} x" if i == 0 else "  |"
                rows.append((mark, *_cells(layer)))
        lines = _aligned(rows)
        lines.append(
            _("{trainable} trainable parameters, {total} with running statistics").format(
                trainable=f"{self.trainable:,}", total=f"{self.total:,}"
            )
        )
        lines.append(
            _("{multiply_adds} multiply-adds a picture, weights of {megabytes} MB").format(
                multiply_adds=f"{self.multiply_adds:,}", megabytes=f"{self.bytes / 1e6:,.1f}"
            )
        )
        return "\n".join(lines)


def summary(network: nn.Module, size: int, channels: int = 3) -> Summary:
    """Run one empty picture through ``network`` and write down every layer it passes.

    Works on the meta device as well, where it costs no memory and no arithmetic; the network is left as it was.

    Parameters
    ----------
    network : torch.nn.Module
        Takes (N, channels, size, size), gives logits (N, classes).
    size, channels : int
        Pixels a side and colour channels.

    Examples
    --------
    >>> from discern.models.table import build
    >>> with torch.device("meta"):
    ...     network = build("mobilenet", classes=1000)
    >>> facts = summary(network, size=224)
    >>> facts.layers[1].type, facts.layers[1].filter, facts.layers[1].input
    ('Conv dw / s1', '3 x 3 x 32 dw', (112, 112, 32))
    >>> facts.total, facts.multiply_adds
    (4253864, 568740352)
    """
    recorder = _Recorder()
    like = next(network.parameters())
    was_training = network.training
    handles = recorder.watch(network)
    try:
        with torch.no_grad():
            logits = network.eval()(torch.zeros(1, channels, size, size, dtype=like.dtype, device=like.device))
    finally:
        network.train(was_training)
        for handle in handles:
            handle.remove()
    classes = _shape(logits)
    layers = [*recorder.layers, Layer("", "Softmax", 1, "Classifier", classes, classes, 0, 0)]
    trainable = sum(p.numel() for p in network.parameters() if p.requires_grad)
    numbers = sum(t.numel() for t in network.state_dict().values() if t.is_floating_point())
    return Summary(
        layers=tuple(layers),
        trainable=trainable,
        total=numbers,
        multiply_adds=sum(layer.multiply_adds for layer in layers),
        bytes=sum(t.numel() * t.element_size() for t in network.state_dict().values()),
    )


class _Recorder:
    """Writes one row for each layer with filters, weights or a window that is called."""

    def __init__(self) -> None:
        self.layers: list[Layer] = []
        self.counted: set[nn.Parameter] = set()

    def watch(self, network: nn.Module) -> list[RemovableHandle]:
        """Hook every module that has parameters of its own or pools."""
        handles = []
        for name, module in network.named_modules():
            if list(module.parameters(recurse=False)) or isinstance(module, tuple(POOLS)):
                handles.append(module.register_forward_hook(self._hook(name)))
        return handles

    def _hook(self, name: str) -> Callable[[nn.Module, tuple[Tensor, ...], Tensor], None]:
        def record(module: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
            self.add(name, module, inputs[0], output)

        return record

    def add(self, name: str, module: nn.Module, x: Tensor, y: Tensor) -> None:
        """One row, or, for a normalisation, its parameters on the row before."""
        own = [p for p in module.parameters(recurse=False) if p not in self.counted and p.requires_grad]
        self.counted.update(own)
        parameters = sum(p.numel() for p in own)
        if isinstance(module, NORMALISATIONS) and self.layers:
            last = self.layers[-1]
            self.layers[-1] = replace(last, parameters=last.parameters + parameters)
            return
        kind, stride, filter_shape, multiply_adds = _facts(module, x, y)
        self.layers.append(Layer(name, kind, stride, filter_shape, _shape(x), _shape(y), parameters, multiply_adds))


def _facts(module: nn.Module, x: Tensor, y: Tensor) -> tuple[str, int, str, int]:
    """Kind, stride, filter shape, multiply-adds."""
    if isinstance(module, nn.Conv2d):
        height, width = module.kernel_size
        inputs = module.in_channels // module.groups
        depthwise = module.groups == module.in_channels > 1
        shape = (height, width, module.in_channels) if depthwise else (height, width, inputs, module.out_channels)
        kind = "Conv dw" if depthwise else "Conv" if module.groups == 1 else "Conv group"
        return kind, module.stride[0], _times(shape) + (" dw" if depthwise else ""), y.numel() * height * width * inputs
    if isinstance(module, nn.Linear):
        return "FC", 1, _times((module.in_features, module.out_features)), y.numel() * module.in_features
    for pool, kind in POOLS.items():
        if isinstance(module, pool):
            window, stride = _window(module, x, y)
            return kind, stride, f"Pool {_times(window)}", 0
    return type(module).__name__, 1, "", 0


def _window(module: nn.Module, x: Tensor, y: Tensor) -> tuple[tuple[int, int], int]:
    """What a pooling layer looks at, and its stride; global pooling looks at the whole map once."""
    if isinstance(module, nn.MaxPool2d | nn.AvgPool2d):
        kernel, stride = module.kernel_size, module.stride
        pair = (kernel, kernel) if isinstance(kernel, int) else (kernel[0], kernel[1])
        return pair, stride if isinstance(stride, int) else stride[0]
    window = (math.ceil(x.shape[-2] / y.shape[-2]), math.ceil(x.shape[-1] / y.shape[-1]))
    return window, 1 if y.shape[-1] == 1 else x.shape[-1] // y.shape[-1]


def _shape(x: Tensor) -> Shape:
    """(1, C, H, W) -> (H, W, C); (1, C) -> (1, 1, C)."""
    if x.dim() == 4:
        return x.shape[2], x.shape[3], x.shape[1]
    return 1, 1, x.shape[-1]


def _repeat(layers: Sequence[Layer], start: int) -> tuple[int, int]:
    """The group at ``start``: how many layers long, and how often it comes in a row."""
    roles = [layer.role for layer in layers[start:]]
    for length in range(1, LONGEST_REPEAT + 1):
        count = 1
        while roles[:length] == roles[count * length : (count + 1) * length]:
            count += 1
        if count > 1:
            return length, count
    return 1, 1


def _times(numbers: Sequence[int]) -> str:
    return " x ".join(map(str, numbers))


def _cells(layer: Layer) -> tuple[str, ...]:
    sizes = (_times(layer.input), _times(layer.output))
    return layer.type, layer.filter, *sizes, f"{layer.parameters:,}", f"{layer.multiply_adds:,}", layer.name


def _aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    """Columns as wide as their widest cell, a Chinese character counted as two."""
    widths = [max(_width(cell) for cell in column) for column in zip(*rows, strict=True)]
    return [
        "  ".join(cell + " " * (width - _width(cell)) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]


def _width(text: str) -> int:
    return sum(2 if unicodedata.east_asian_width(letter) in "WF" else 1 for letter in text)
