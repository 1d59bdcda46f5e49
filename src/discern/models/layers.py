"""What three or more networks are built with."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence

from torch import Tensor, nn

from discern.models.network import Body


def body_of(network: nn.Module, stages: Mapping[str, Sequence[str]]) -> Body:
    """The body of a network whose stages are runs of its own layers.

    Parameters
    ----------
    network : torch.nn.Module
        Has the layers.
    stages : mapping
        Name of a stage -> dotted names of the layers it passes, in order.

    Examples
    --------
    >>> import torch
    >>> network = nn.Sequential(nn.Flatten(), nn.Linear(4, 3), nn.Linear(3, 2))
    >>> body = body_of(network, {"first": ("0", "1"), "second": ("2",)})
    >>> body["first"](torch.zeros(5, 2, 2)).shape
    torch.Size([5, 3])
    """
    return {name: functools.partial(_run, network, layers) for name, layers in stages.items()}


def _run(network: nn.Module, layers: Sequence[str], x: Tensor) -> Tensor:
    for layer in layers:
        x = network.get_submodule(layer)(x)
    return x
