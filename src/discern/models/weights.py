"""Weights in and out of a network: safetensors, torch's own files read as data, and Keras' names and layout."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from discern.errors import ModelError
from discern.files import atomic_write, read_errors
from discern.i18n import _
from discern.models.torch_file import is_torch_file, read_torch_file, strip_prefix

MAX_NAMED = 3  # tensors of each kind of mismatch that a message names
KERAS_AXES = {  # Keras' variable -> torch's tensor, and the axes of the one in the order of the other
    "kernel": ("weight", (3, 2, 0, 1)),
    "depthwise_kernel": ("weight", (2, 3, 0, 1)),
    "gamma": ("weight", None),
    "beta": ("bias", None),
    "bias": ("bias", None),
    "moving_mean": ("running_mean", None),
    "moving_variance": ("running_var", None),
}
COUNTER = "num_batches_tracked"  # of batch normalization; older official files leave it out, and it changes no output


def save_weights(network: nn.Module, path: str | os.PathLike[str], metadata: Mapping[str, str] | None = None) -> None:
    """Write every parameter and buffer to a .safetensors file, complete or not at all.

    Raises
    ------
    DiskError
        When the disk is full or the folder is not writable.
    """
    state = {name: tensor.detach().cpu().contiguous() for name, tensor in network.state_dict().items()}
    with atomic_write(path) as temporary:
        save_file(state, temporary, dict(metadata or {}))


def read_weights(path: str | os.PathLike[str]) -> dict[str, Tensor]:
    """Read every tensor of a .safetensors file, or the weights in a file that torch.save wrote.

    Raises
    ------
    ModelError
        When the file is missing, cut short, holds a whole network, which is code, or no weights.
    """
    return locate_state(path)[0]


def locate_state(path: str | os.PathLike[str]) -> tuple[dict[str, Tensor], str]:
    """Read as `read_weights` does; say under which name the weights lie where the file holds more than them."""
    path = Path(path)
    if not path.is_file():
        raise ModelError(_("The weights file {path} does not exist: check the path.").format(path=path))
    if is_torch_file(path):
        return read_torch_file(path)
    try:
        with read_errors(path):
            return load_file(path), ""
    except SafetensorError as error:
        message = _("{path} is truncated or corrupt: download or create the weights file again.")
        raise ModelError(message.format(path=path)) from error


def load_weights(
    network: nn.Module,
    weights: str | os.PathLike[str] | Mapping[str, Tensor],
    source: str = "",
    new: Sequence[str] = (),
) -> None:
    """Load all tensors of a file into ``network``, by name.

    Parameters
    ----------
    network : torch.nn.Module
        Its own names decide; a file in Keras' layout is translated where the network has ``keras_layers``.
    weights : path or mapping
        A file, or tensors by name.
    source : str
        Where the tensors are from, for messages; a path speaks for itself.
    new : sequence of str
        Modules that keep the tensors they have, such as a head for other classes.

    Raises
    ------
    ModelError
        When the file cannot be read, or its tensors are not the network's; the first of each kind are named.
    """
    source, loaded = (source, weights) if isinstance(weights, Mapping) else (str(weights), read_weights(weights))
    own = network.state_dict()
    if is_keras_state(loaded):
        loaded = convert_keras_state(loaded, getattr(network, "keras_layers", {}), own)
    else:
        loaded = strip_prefix(loaded, own)
    prefixes = tuple(f"{name}." for name in new)
    unchanged = {name: tensor for name, tensor in own.items() if name.startswith(prefixes) or name.endswith(COUNTER)}
    state = {**unchanged, **{name: tensor for name, tensor in loaded.items() if not name.startswith(prefixes)}}
    differences = _describe_differences(own, state)
    if differences:
        message = _("{path} does not fit the network ({differences}): build the network the weights were made with.")
        raise ModelError(message.format(path=source, differences="; ".join(differences)))
    network.load_state_dict(state)


def is_keras_state(state: Mapping[str, Tensor]) -> bool:
    """Return whether the tensors are named as Keras names them, ``layer/variable``."""
    return bool(state) and all("/" in name for name in state)


def convert_keras_state(
    state: Mapping[str, Tensor], layers: Mapping[str, str], own: Mapping[str, Tensor]
) -> dict[str, Tensor]:
    """Return the tensors of ``state`` under torch's names and in its layout.

    Keras keeps channels last: a convolution is (height, width, inputs, filters), a dense layer (inputs, outputs).

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
    >>> convert_keras_state({"a/kernel": torch.zeros(3, 3, 8, 16)}, {"a": "conv"}, {})["conv.weight"].shape
    torch.Size([16, 8, 3, 3])
    """
    converted = {}
    for name, tensor in state.items():
        layer, _slash, variable = name.rpartition("/")
        if layer not in layers or variable not in KERAS_AXES:
            converted[name] = tensor
            continue
        ours, order = KERAS_AXES[variable]
        target = f"{layers[layer]}.{ours}"
        if order is not None:
            tensor = tensor.permute(order) if tensor.dim() == 4 else tensor.T
        if target in own and own[target].dim() == 2 and tensor.dim() == 4:
            tensor = tensor.flatten(1)  # (outputs, inputs, 1, 1) -> (outputs, inputs)
        converted[target] = tensor.contiguous()
    return converted


def _describe_differences(own: Mapping[str, Tensor], state: Mapping[str, Tensor]) -> list[str]:
    """Describe what keeps ``state`` from being the network's: a phrase for each kind."""
    missing = [name for name in own if name not in state]
    unexpected = [name for name in state if name not in own]
    misshapen = [
        _("{name} is {actual}, expected {expected}").format(
            name=name, actual=_format_shape(state[name]), expected=_format_shape(tensor)
        )
        for name, tensor in own.items()
        if name in state and state[name].shape != tensor.shape
    ]
    kinds = {
        _("missing: {names}"): missing,
        _("unexpected: {names}"): unexpected,
        _("wrong shape: {names}"): misshapen,
    }
    return [phrase.format(names=_join_names(names)) for phrase, names in kinds.items() if names]


def _format_shape(tensor: Tensor) -> str:
    return "x".join(map(str, tensor.shape)) or "1"


def _join_names(names: list[str]) -> str:
    hidden = len(names) - MAX_NAMED
    first = ", ".join(names[:MAX_NAMED])
    return _("{names} and {rest} more").format(names=first, rest=hidden) if hidden > 0 else first
