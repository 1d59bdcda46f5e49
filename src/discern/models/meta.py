"""Networks without memory and without numbers: for shapes and counts."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch.overrides import TorchFunctionMode

DRAWS = ("normal_", "uniform_")  # of a tensor: what some functions of torch.nn.init call without a word before


@contextmanager
def on_meta() -> Iterator[None]:
    """Build on the meta device, and draw no first weights: there, drawing loads torch's compiler, which takes seconds.

    Examples
    --------
    >>> with on_meta():
    ...     layer = torch.nn.Linear(2, 3)
    >>> layer.weight.device
    device(type='meta')
    """
    with torch.device("meta"), Undrawn():
        yield


class Undrawn(TorchFunctionMode):
    """Inside the block, networks are built without first weights: their memory holds what it held."""

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        named = dict(kwargs or {})
        if getattr(func, "__module__", None) == "torch.nn.init" or getattr(func, "__name__", None) in DRAWS:
            return args[0] if args else named["tensor"]
        return func(*args, **named)
