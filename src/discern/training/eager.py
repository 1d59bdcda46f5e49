"""torch's optimizers without the compiler that they load at their first use."""

from __future__ import annotations

import functools
import inspect
from typing import TypeVar

import torch
from torch.optim import Optimizer

Kind = TypeVar("Kind", bound=Optimizer)


@functools.cache
def eager(kind: type[Kind]) -> type[Kind]:
    """``kind``, the same to the bit, for a loop that does not compile its steps.

    torch wraps three methods of every optimizer to keep torch.compile out of them, and what that takes (torch._dynamo,
    900 modules) is imported at the first call, in about the time of importing torch itself. Outside of a compiled
    function the methods underneath are all that is needed; where a torch wraps none, they are the methods themselves.

    Examples
    --------
    >>> weight = torch.nn.Parameter(torch.ones(2))
    >>> optimizer = eager(torch.optim.SGD)([weight], lr=0.5)
    >>> weight.sum().backward()
    >>> optimizer.step()
    >>> weight.tolist()
    [0.5, 0.5]
    """
    own = {name: inspect.unwrap(getattr(kind, name)) for name in ("add_param_group", "zero_grad")}
    own["step"] = torch.no_grad()(inspect.unwrap(kind.step))
    return type(kind.__name__, (kind,), own)
