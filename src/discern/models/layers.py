"""What three or more networks are built with."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence

from torch import Tensor, nn

from discern.models.network import Body, Network


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


def draw_he(network: Network, score: float = 0.0) -> None:
    """Draw the weights of a network of convolutions and ReLU so that no layer makes its input larger or smaller.

    K. He, X. Zhang, S. Ren, J. Sun, "Delving Deep into Rectifiers", ICCV 2015, arXiv:1502.01852 (section 2.2). The head
    starts small (a deviation of 0.01), so that no class is preferred, and biases at 0.

    Parameters
    ----------
    network : Network
        Its convolutions and fully connected layers are drawn anew.
    score : float
        The head's biases. Where scores are rectified, far enough above 0 that no early step takes a class below, where
        it gets no gradient and stays; softmax does not see what all classes share.
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
