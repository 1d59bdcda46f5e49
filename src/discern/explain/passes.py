"""One pass through a network during which nothing is overwritten, with the map of one layer kept.

Watched where torch's functions are called: a rectifier is found whether it is a module or a function.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.overrides import TorchFunctionMode

from discern.models.foreign import Foreign
from discern.models.network import Model, Network

OUT_OF_PLACE = {
    Tensor.relu_: torch.relu,
    torch.relu_: torch.relu,
    Tensor.__iadd__: torch.add,
    Tensor.add_: torch.add,
    Tensor.__imul__: torch.mul,
    Tensor.mul_: torch.mul,
}
RECTIFIERS = {F.relu, torch.relu, Tensor.relu}
CLIPPED = {F.relu6, F.hardtanh}  # ReLU6: a rectifier that ends at 6
Rectify = Callable[[Tensor, float], Tensor]  # (what comes in, where it ends) -> what comes out


class Careful(TorchFunctionMode):
    """While it is entered, no layer writes over what another made, and rectifiers may be exchanged.

    Parameters
    ----------
    rectify : callable, optional
        Stands in for every ReLU and ReLU6.

    Attributes
    ----------
    rectified, pooled, joined : int
        How many rectifiers and max poolings ran, and how often two maps became one.

    Examples
    --------
    >>> x = torch.tensor([-1.0, 2.0])
    >>> with Careful():
    ...     y = nn.ReLU(inplace=True)(x)
    >>> x
    tensor([-1.,  2.])
    """

    def __init__(self, rectify: Rectify | None = None) -> None:
        super().__init__()
        self.rectify = rectify
        self.rectified = self.pooled = self.joined = 0

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        settings = dict(kwargs or {})
        if settings.get("inplace"):
            settings["inplace"] = False
        func = OUT_OF_PLACE.get(func, func)
        self.pooled += getattr(func, "__name__", "") == "max_pool2d"
        self.joined += _joins(args)
        if func in RECTIFIERS:
            end = float("inf")
        elif func in CLIPPED and settings.get("min_val", 0.0) == 0:
            end = settings.get("max_val", 6.0)
        else:
            return func(*args, **settings)
        self.rectified += 1
        return func(*args, **settings) if self.rectify is None else self.rectify(args[0], end)


@dataclass(frozen=True)
class Look:
    """What one pass gave: the logits, and a layer's map with a graph between them.

    Attributes
    ----------
    source : Tensor
        As the layer gave it.
    logits : Tensor
        (N, classes)
    channels_last : bool
        Whether ``source`` is (N, H, W, C).
    watch : Careful
        What was counted on the way.
    """

    source: Tensor
    logits: Tensor
    watch: Careful
    channels_last: bool = False

    @property
    def map(self) -> Tensor:
        """(N, C, H, W)"""
        return self.source.permute(0, 3, 1, 2) if self.channels_last else self.source

    def gradient(self, target: int) -> Tensor:
        """Of the logit ``target`` with respect to `map`: (N, C, H, W)."""
        (found,) = torch.autograd.grad(self.logits[:, target].sum(), self.source)
        return found.permute(0, 3, 1, 2) if self.channels_last else found


def look(network: Model, x: Tensor, layer: str, rectify: Rectify | None = None) -> Look:
    """Run pictures ``x`` (N, C, H, W) and keep the map of ``layer``: a stage, or the dotted name of a module.

    Examples
    --------
    >>> from discern.models.table import build
    >>> found = look(build("lenet", 10, 1, 28).eval(), torch.zeros(1, 1, 28, 28), "stage2")
    >>> found.map.shape, found.logits.shape
    (torch.Size([1, 16, 5, 5]), torch.Size([1, 10]))
    """
    with Careful(rectify) as watch:
        if isinstance(network, Network) and layer in network.body():
            maps = network.stages(x)
            *_others, last = maps.values()
            logits = network.answer(network.embed(last))
            return Look(maps[layer], logits, watch)
        if isinstance(network, Foreign) and layer in (tapped := network.tapped(x)):
            tap, _map = tapped[layer]
            seen: list[Tensor] = []
            with network.watched(lambda name, output: seen.append(output) if name == tap.layer else None):
                logits = network(x)
            return Look(seen[tap.turn - 1], logits, watch, tap.channels_last)
        kept: list[Tensor] = []
        handle = network.get_submodule(layer).register_forward_hook(lambda _m, _x, output: kept.append(output))
        try:
            logits = network(x)
        finally:
            handle.remove()
        return Look(kept[-1], logits, watch)


@torch.no_grad()
def maps(network: Model, x: Tensor) -> dict[str, tuple[int, ...]]:
    """The layers that give a map of more than one place, stages first, with its shape (C, H, W)."""
    with Careful():
        found = {name: tuple(map.shape[1:]) for name, map in network.stages(x).items() if _is_map(map, x)}

        def keep(name: str) -> Callable[..., None]:
            def hook(_module: nn.Module, _inputs: Any, output: Any) -> None:
                if _is_map(output, x):
                    found.setdefault(name, tuple(output.shape[1:]))

            return hook

        handles = [module.register_forward_hook(keep(name)) for name, module in network.named_modules() if name]
        try:
            network(x)
        finally:
            for handle in handles:
                handle.remove()
    return found


@torch.no_grad()
def last_stage(network: Model, x: Tensor) -> str | None:
    """The last stage whose map has more than one place; None where no stage has one.

    Examples
    --------
    >>> from discern.models.table import build
    >>> last_stage(build("lenet", 10, 1, 28), torch.zeros(1, 1, 28, 28))
    'stage2'
    """
    with Careful():
        found = [name for name, map in network.stages(x).items() if _is_map(map, x)]
    return found[-1] if found else None


def convolutions(network: Model) -> dict[str, nn.Conv2d]:
    """Dotted name -> convolution."""
    return {name: module for name, module in network.named_modules() if isinstance(module, nn.Conv2d)}


def _joins(args: tuple[Any, ...]) -> bool:
    """Whether a function reads two maps or more: a sum, or a list of maps to be put side by side."""
    inputs = args[0] if args and isinstance(args[0], list | tuple) else args
    return sum(isinstance(x, Tensor) and x.dim() == 4 and not isinstance(x, nn.Parameter) for x in inputs) > 1


def _is_map(output: Any, x: Tensor) -> bool:
    return isinstance(output, Tensor) and output.dim() == 4 and len(output) == len(x) and max(output.shape[2:]) > 1
