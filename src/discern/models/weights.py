"""Weights in and out of a network: safetensors, and the official .pth files of torchvision, which are read as data."""

from __future__ import annotations

import os
import pickle
from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from discern.errors import ModelError
from discern.files import replacing
from discern.i18n import _
from discern.models.keras_layout import from_keras, is_keras

NAMED = 3  # how many tensors of each kind of mismatch a message names
COUNTER = "num_batches_tracked"  # of batch normalisation; older official files leave it out, and it changes no output


def save_weights(network: nn.Module, path: str | os.PathLike[str], metadata: Mapping[str, str] | None = None) -> None:
    """Write every parameter and buffer to a .safetensors file, whole or not at all.

    Raises
    ------
    DiskError
        When the disk is full or the folder may not be written.
    """
    state = {name: tensor.detach().cpu().contiguous() for name, tensor in network.state_dict().items()}
    with replacing(path) as temporary:
        save_file(state, temporary, dict(metadata or {}))


def read_weights(path: str | os.PathLike[str]) -> dict[str, Tensor]:
    """Every tensor of a .safetensors file, or of a .pth file that holds nothing but tensors.

    Raises
    ------
    ModelError
        When the file is missing, cut short, or holds anything but tensors.
    """
    path = Path(path)
    if not path.is_file():
        raise ModelError(_("There is no weights file {path}: check the path.").format(path=path))
    broken = _("{path} is not a whole weights file: fetch or make it again.").format(path=path)
    if path.suffix not in (".pth", ".pt"):
        try:
            return load_file(path)
        except SafetensorError as error:
            raise ModelError(broken) from error
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise ModelError(
            _(
                "{path} holds more than tensors and is not opened: convert it to .safetensors where you trust it."
            ).format(path=path)
        ) from error
    except (RuntimeError, EOFError, OSError) as error:
        raise ModelError(broken) from error
    if not isinstance(state, dict) or not all(isinstance(value, Tensor) for value in state.values()):
        raise ModelError(broken)
    return dict(state)


def load_weights(
    network: nn.Module,
    weights: str | os.PathLike[str] | Mapping[str, Tensor],
    source: str = "",
    new: Sequence[str] = (),
) -> None:
    """Put the tensors of a file into ``network``, by name, all of them.

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
    source, found = (source, weights) if isinstance(weights, Mapping) else (str(weights), read_weights(weights))
    own = network.state_dict()
    if is_keras(found):
        found = from_keras(found, getattr(network, "keras_layers", {}), own)
    prefixes = tuple(f"{name}." for name in new)
    kept = {name: tensor for name, tensor in own.items() if name.startswith(prefixes) or name.endswith(COUNTER)}
    state = {**kept, **{name: tensor for name, tensor in found.items() if not name.startswith(prefixes)}}
    differences = _differences(own, state)
    if differences:
        raise ModelError(
            _("{path} does not fit the network ({differences}): build the network the weights were made with.").format(
                path=source, differences="; ".join(differences)
            )
        )
    network.load_state_dict(state)


def _differences(own: Mapping[str, Tensor], state: Mapping[str, Tensor]) -> list[str]:
    """What keeps ``state`` from being the network's: a phrase for each kind."""
    missing = [name for name in own if name not in state]
    unexpected = [name for name in state if name not in own]
    misshapen = [
        _("{name} is {found}, not {wanted}").format(name=name, found=_shape(state[name]), wanted=_shape(tensor))
        for name, tensor in own.items()
        if name in state and state[name].shape != tensor.shape
    ]
    phrases = []
    if missing:
        phrases.append(_("missing: {names}").format(names=_first(missing)))
    if unexpected:
        phrases.append(_("unexpected: {names}").format(names=_first(unexpected)))
    if misshapen:
        phrases.append(_("of another shape: {names}").format(names=_first(misshapen)))
    return phrases


def _shape(tensor: Tensor) -> str:
    return "x".join(map(str, tensor.shape)) or "1"


def _first(names: list[str]) -> str:
    rest = len(names) - NAMED
    named = ", ".join(names[:NAMED])
    return _("{names} and {rest} more").format(names=named, rest=rest) if rest > 0 else named
