"""First weights: drawn as He et al. do, or not drawn at all where only shapes and counts are wanted."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Literal

import torch
from torch import nn
from torch.overrides import TorchFunctionMode

from discern.models.network import Network

RANDOM_FILLS = ("normal_", "uniform_")  # methods of a tensor that some functions of torch.nn.init call directly


def init_he(network: Network, score: float = 0.0) -> None:
    """Draw the weights of a network of convolutions and ReLU so that no layer makes its input larger or smaller.

    K. He, X. Zhang, S. Ren, J. Sun, "Delving Deep into Rectifiers", ICCV 2015, arXiv:1502.01852 (section 2.2). The head
    starts small (a deviation of 0.01), so that no class is preferred, and other biases at 0.

    ``score`` is the head's biases: where scores are rectified, far enough above 0 that no early step takes a class
    below, where it gets no gradient and stays; softmax does not see what all classes share.
    """
    for module in network.modules():
        if isinstance(module, nn.Conv2d | nn.Linear):
            nn.init.kaiming_normal_(module.weight, mode="fan_in", nonlinearity="relu")
            if module.bias is not None:
                nn.init.zeros_(module.bias)
    head = network.head
    assert isinstance(head, nn.Conv2d | nn.Linear) and head.bias is not None
    nn.init.normal_(head.weight, 0.0, 0.01)
    nn.init.constant_(head.bias, score)


def init_convolutions(network: Network, mode: Literal["fan_in", "fan_out"] = "fan_out") -> None:
    """Draw the convolutions without bias, those that a normalization follows, by the same rule as `init_he`."""
    for module in network.modules():
        if isinstance(module, nn.Conv2d) and module.bias is None:
            nn.init.kaiming_normal_(module.weight, mode=mode, nonlinearity="relu")


class SkipInit(TorchFunctionMode):
    """Inside the block, networks are built without first weights: their memory holds what it held."""

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        named = dict(kwargs or {})
        if getattr(func, "__module__", None) == "torch.nn.init" or getattr(func, "__name__", None) in RANDOM_FILLS:
            return args[0] if args else named["tensor"]
        return func(*args, **named)


@contextmanager
def build_on_meta() -> Iterator[None]:
    """Build networks on the meta device inside the block: without memory and without first weights.

    Drawing weights there would load torch's compiler, which takes seconds.

    Examples
    --------
    >>> with build_on_meta():
    ...     layer = torch.nn.Linear(2, 3)
    >>> layer.weight.device
    device(type='meta')
    """
    with torch.device("meta"), SkipInit():
        yield
