"""Capture the map of one layer, in a pass through a network during which nothing is overwritten.

The pass is followed where torch's functions are called: a rectifier is found whether it is a module or a function.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.overrides import TorchFunctionMode

from discern.models.network import Model, Network
from discern.models.wrapped import WrappedModel

OUT_OF_PLACE = {
    Tensor.relu_: torch.relu,
    torch.relu_: torch.relu,
    Tensor.__iadd__: torch.add,
    Tensor.add_: torch.add,
    Tensor.__imul__: torch.mul,
    Tensor.mul_: torch.mul,
}
RELUS = {F.relu, torch.relu, Tensor.relu}
CLIPPED_RELUS = {F.relu6, F.hardtanh}  # ReLU6: a rectifier that ends at 6
Rectify = Callable[[Tensor, float], Tensor]  # (x, largest value) -> rectified x


class NoInplace(TorchFunctionMode):
    """Context in which no layer writes over the output of another; ``rectify`` stands in for every ReLU and ReLU6.

    Examples
    --------
    >>> x = torch.tensor([-1.0, 2.0])
    >>> with NoInplace():
    ...     y = nn.ReLU(inplace=True)(x)
    >>> x
    tensor([-1.,  2.])
    """

    def __init__(self, rectify: Rectify | None = None) -> None:
        super().__init__()
        self.rectify = rectify
        # How many rectifiers and max poolings ran, and how often two maps became one.
        self.rectified = self.pooled = self.joined = 0

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        settings = dict(kwargs or {})
        if settings.get("inplace"):
            settings["inplace"] = False
        func = OUT_OF_PLACE.get(func, func)
        self.pooled += getattr(func, "__name__", "") == "max_pool2d"
        self.joined += _is_join(args)
        if func in RELUS:
            max_value = float("inf")
        elif func in CLIPPED_RELUS and settings.get("min_val", 0.0) == 0:
            max_value = settings.get("max_val", 6.0)
        else:
            return func(*args, **settings)
        self.rectified += 1
        return func(*args, **settings) if self.rectify is None else self.rectify(args[0], max_value)


@dataclass(frozen=True)
class LayerCapture:
    """The logits of one pass and a layer's map, with a graph between them."""

    source: Tensor  # the layer's output as it is
    logits: Tensor  # (N, classes)
    counts: NoInplace  # what was counted on the way
    channels_last: bool = False  # whether the source is (N, H, W, C)

    @property
    def map(self) -> Tensor:
        """The layer's map: (N, C, H, W)."""
        return self.source.permute(0, 3, 1, 2) if self.channels_last else self.source

    def gradient(self, target: int) -> Tensor:
        """Differentiate the logit ``target`` with respect to `map`: (N, C, H, W)."""
        (gradient,) = torch.autograd.grad(self.logits[:, target].sum(), self.source)
        return gradient.permute(0, 3, 1, 2) if self.channels_last else gradient


def capture_layer(network: Model, x: Tensor, layer: str, rectify: Rectify | None = None) -> LayerCapture:
    """Run images ``x`` (N, C, H, W) and keep the map of ``layer``: a stage, or the dotted name of a module.

    Examples
    --------
    >>> from discern.models.registry import build_model
    >>> capture = capture_layer(build_model("lenet", 10, 1, 28).eval(), torch.zeros(1, 1, 28, 28), "stage2")
    >>> capture.map.shape, capture.logits.shape
    (torch.Size([1, 16, 5, 5]), torch.Size([1, 10]))
    """
    with NoInplace(rectify) as counts:
        if isinstance(network, Network) and layer in network.body():
            maps = network.stages(x)
            *_others, last = maps.values()
            logits = network.forward_head(network.pool(last))
            return LayerCapture(maps[layer], logits, counts)
        if isinstance(network, WrappedModel) and layer in (taps := network.tap_stages(x)):
            tap, _map = taps[layer]
            outputs: list[Tensor] = []
            with network.hook_layers(lambda name, output: outputs.append(output) if name == tap.layer else None):
                logits = network(x)
            return LayerCapture(outputs[tap.call_index - 1], logits, counts, tap.channels_last)
        outputs = []
        with network.get_submodule(layer).register_forward_hook(lambda _m, _x, output: outputs.append(output)):
            logits = network(x)
        return LayerCapture(outputs[-1], logits, counts)


@torch.no_grad()
def list_map_layers(network: Model, x: Tensor) -> dict[str, tuple[int, ...]]:
    """List the layers that give a map of more than one place, stages first, with its shape (C, H, W)."""

    def record_shape(name: str, _module: nn.Module, _inputs: Any, output: Any) -> None:
        if _is_map(output, x):
            shapes.setdefault(name, tuple(output.shape[1:]))

    with NoInplace(), ExitStack() as hooks:
        shapes = {name: tuple(map.shape[1:]) for name, map in network.stages(x).items() if _is_map(map, x)}
        for name, module in network.named_modules():
            if name:
                hooks.enter_context(module.register_forward_hook(partial(record_shape, name)))
        network(x)
    return shapes


@torch.no_grad()
def find_last_stage(network: Model, x: Tensor) -> str | None:
    """Find the last stage whose map has more than one place; None where no stage has one.

    Examples
    --------
    >>> from discern.models.registry import build_model
    >>> find_last_stage(build_model("lenet", 10, 1, 28), torch.zeros(1, 1, 28, 28))
    'stage2'
    """
    with NoInplace():
        stages = [name for name, map in network.stages(x).items() if _is_map(map, x)]
    return stages[-1] if stages else None


def list_convolutions(network: Model) -> dict[str, nn.Conv2d]:
    """List the convolutions by their dotted names."""
    return {name: module for name, module in network.named_modules() if isinstance(module, nn.Conv2d)}


def _is_join(args: tuple[Any, ...]) -> bool:
    """Return whether a function reads two maps or more: a sum, or a list of maps to be put side by side."""
    inputs = args[0] if args and isinstance(args[0], list | tuple) else args
    return sum(isinstance(x, Tensor) and x.dim() == 4 and not isinstance(x, nn.Parameter) for x in inputs) > 1


def _is_map(output: Any, x: Tensor) -> bool:
    return isinstance(output, Tensor) and output.dim() == 4 and len(output) == len(x) and max(output.shape[2:]) > 1
