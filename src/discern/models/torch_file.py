"""Files that torch.save wrote, by whatever name (.pth, .ckpt, .bin, .pth.tar), read as data: no code of theirs runs.

Trainers save more than weights: epochs, optimizers, settings of classes of their own. Torch reads tensors and plain
values alone; every other class is read here as an `Unread`, which holds nothing.
"""

from __future__ import annotations

import pickle
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from discern.errors import ModelError
from discern.files import read_errors
from discern.i18n import _

BEGINNINGS = (b"PK", b"\x80")  # of a zip file, as torch writes since 1.6, and of a pickle, as it did before
# Where trainers put the weights, the most usual first; averaged ones come last.
PLACES = ("state_dict", "model_state_dict", "model", "module", "net", "network", "params", "weights", "ema")
PREFIXES = ("module.", "_orig_mod.", "model.", "net.", "network.", "backbone.")  # of wrappers around a network
DEPTH = 3  # dictionaries inside each other that are looked into
MAX_CLASSES = 1000  # of their own in one file


class Unread:
    """What stands for an object of a class that is not read; of a dict or list of its own, torch reads none."""

    def __init__(self, *_arguments: Any) -> None: ...

    def __setstate__(self, _state: Any) -> None: ...


def is_torch_file(path: Path) -> bool:
    """Return whether the file begins as one of torch's, or of its older ones, and not as a .safetensors file."""
    with read_errors(path), path.open("rb") as file:
        start = file.read(9)
    return start.startswith(BEGINNINGS) and (start[8:] != b"{" or start.startswith(b"PK\x03\x04"))


def read_torch_file(path: Path) -> tuple[dict[str, Tensor], str]:
    """Return the weights in a file and under which names they lie: empty where the file holds nothing else.

    A `ModelError` says where the file is damaged, holds a whole network, which is code, or no weights.
    """
    content = _load(path)
    found = list(_iter_states(content))
    if not found:
        if isinstance(content, Mapping) and any(isinstance(name, int) for name in content):
            message = _("{path} names its tensors by numbers, not by layers: save the state_dict of the network.")
            raise ModelError(message.format(path=path))
        if not isinstance(content, Mapping) or any(isinstance(value, Unread) for value in content.values()):
            raise _refuse(path)
        message = _("{path} holds no weights ({names}): save the state_dict of the network.")
        raise ModelError(message.format(path=path, names=", ".join(map(str, list(content)[:5])) or "-"))
    place, state = min(found, key=lambda pair: _rank(pair[0]))
    return {name: value for name, value in state.items() if isinstance(value, Tensor)}, ".".join(place)


def strip_prefix(state: Mapping[str, Tensor], own: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
    """Return the tensors by the network's own names, which wrappers (DataParallel, Lightning, compile) lengthen.

    Examples
    --------
    >>> weight = torch.zeros(1)
    >>> list(strip_prefix({"model.module.fc.weight": weight, "loss.weight": weight}, {"fc.weight": weight}))
    ['fc.weight']
    """
    best, current = state, state
    while current:
        if len(own.keys() & current.keys()) > len(own.keys() & best.keys()):
            best = current
        prefix = max(PREFIXES, key=lambda each: sum(name.startswith(each) for name in current))
        current = {name.removeprefix(prefix): each for name, each in current.items() if name.startswith(prefix)}
    return best


def _load(path: Path) -> Any:
    broken = _("{path} is truncated or corrupt: download or create the weights file again.").format(path=path)
    try:
        with read_errors(path):
            return torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError:
        pass  # classes that torch does not read, or damaged bytes
    except (RuntimeError, EOFError, OSError, ValueError, LookupError, TypeError, AttributeError) as error:
        raise ModelError(broken) from error  # damaged bytes make the reader raise nearly everything
    try:
        names = torch.serialization.get_unsafe_globals_in_checkpoint(path)
        if not names or len(names) > MAX_CLASSES:
            raise _refuse(path)
        stubs: list[Any] = [(type("Unread", (Unread,), {}), name) for name in names]
        with torch.serialization.safe_globals(stubs):
            return torch.load(path, map_location="cpu", weights_only=True)
    except ModelError:
        raise
    except Exception as error:  # a file of the older format, a dict or list of a class of its own, or a damaged one
        raise _refuse(path) from error


def _refuse(path: Path) -> ModelError:
    message = _("{path} contains more than tensors and is not opened: convert it to .safetensors where you trust it.")
    return ModelError(message.format(path=path))


def _iter_states(value: Any, place: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Mapping[str, Any]]]:
    """Yield the dictionaries of tensors in ``value``, but those of optimizers, and where each stands."""
    if not isinstance(value, Mapping) or not all(isinstance(name, str) for name in value):
        return
    if any(isinstance(inner, Tensor) for inner in value.values()):
        yield place, value
    elif len(place) < DEPTH:
        for name, inner in value.items():
            if "optim" not in name.lower():
                yield from _iter_states(inner, (*place, name))


def _rank(place: tuple[str, ...]) -> tuple[int, int]:
    """Order places of weights: the usual name first, then the least deep."""
    return PLACES.index(place[-1]) if place and place[-1] in PLACES else len(PLACES) * bool(place), len(place)
