"""Weights that Keras names and lays out, as torch names and lays them out.

Keras keeps channels last: a convolution is (height, width, inputs, filters), a dense layer (inputs, outputs).
"""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor

ORDERS = {  # Keras' variable -> torch's tensor, and the axes of the one in the order of the other
    "kernel": ("weight", (3, 2, 0, 1)),
    "depthwise_kernel": ("weight", (2, 3, 0, 1)),
    "gamma": ("weight", None),
    "beta": ("bias", None),
    "bias": ("bias", None),
    "moving_mean": ("running_mean", None),
    "moving_variance": ("running_var", None),
}


def is_keras(state: Mapping[str, Tensor]) -> bool:
    """Whether the tensors are named as Keras names them, ``layer/variable``."""
    return bool(state) and all("/" in name for name in state)


def from_keras(state: Mapping[str, Tensor], layers: Mapping[str, str], own: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The tensors of ``state`` under torch's names and in its layout.

    Parameters
    ----------
    state : mapping
        ``layer/variable`` -> tensor.
    layers : mapping
        Keras' layer name -> dotted module name.
    own : mapping
        The network's own tensors: a 1x1 convolution may stand for a linear layer of the same numbers.

    Returns
    -------
    dict
        A layer that ``layers`` does not name keeps its name, so that it is noticed.

    Examples
    --------
    >>> import torch
    >>> from_keras({"a/kernel": torch.zeros(3, 3, 8, 16)}, {"a": "conv"}, {})["conv.weight"].shape
    torch.Size([16, 8, 3, 3])
    """
    named = {}
    for name, tensor in state.items():
        layer, _slash, variable = name.rpartition("/")
        if layer not in layers or variable not in ORDERS:
            named[name] = tensor
            continue
        ours, order = ORDERS[variable]
        target = f"{layers[layer]}.{ours}"
        if order is not None:
            tensor = tensor.permute(order) if tensor.dim() == 4 else tensor.T
        if target in own and own[target].dim() == 2 and tensor.dim() == 4:
            tensor = tensor.flatten(1)  # (outputs, inputs, 1, 1) -> (outputs, inputs)
        named[target] = tensor.contiguous()
    return named
