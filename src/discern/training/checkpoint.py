"""Everything needed to resume bit for bit, in one safetensors file that is complete or absent."""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.optim import Optimizer

from discern.errors import RunError
from discern.files import atomic_write, disk_errors, read_errors
from discern.i18n import _

LAST, PREVIOUS, BEST = "last.safetensors", "previous.safetensors", "best.safetensors"


@dataclass
class TrainingState:
    """How far a training has come; no random state, for randomness follows from the seed, the epoch and the step."""

    epoch: int = 0  # completed epochs
    step: int = 0  # completed steps of the current epoch
    seconds: float = 0.0
    sums: list[float] = field(default_factory=lambda: [0.0] * 3)  # of the current epoch: loss * n, correct, n
    history: list[dict[str, Any]] = field(default_factory=list)  # one record per completed epoch
    best_epoch: int = 0  # counted from 1; 0 before the first
    is_finished: bool = False

    @property
    def has_started(self) -> bool:
        """Whether a step was completed."""
        return self.epoch + self.step > 0

    def is_best(self, record: dict[str, Any], by_loss: bool = False) -> bool:
        """Return whether ``record`` validated better than every epoch so far: in accuracy, then in loss.

        ``by_loss`` compares the loss alone, which still distinguishes epochs where few images validate.
        """
        if not self.best_epoch:
            return True
        new, old = record["validation"], self.history[self.best_epoch - 1]["validation"]
        if by_loss:
            return bool(new["loss"] < old["loss"])
        return bool((new["top1"], -new["loss"]) > (old["top1"], -old["loss"]))

    def end_epoch(self, record: dict[str, Any]) -> None:
        """Add the record of the epoch that ended, and stand at the start of the next."""
        self.history.append(record)
        self.seconds += record["seconds"]
        self.epoch, self.step, self.sums = self.epoch + 1, 0, [0.0, 0.0, 0.0]


def save_checkpoint(
    folder: Path, state: TrainingState, model: nn.Module, optimizer: Optimizer, average: nn.Module | None
) -> None:
    """Write ``last.safetensors``: weights, optimizer state, averaged weights and `TrainingState`.

    The one before stays as ``previous.safetensors``.
    """
    tensors = {f"model.{name}": tensor for name, tensor in model.state_dict().items()}
    if average is not None:
        tensors |= {f"average.{name}": tensor for name, tensor in average.state_dict().items()}
    for index, parameter in enumerate(_parameters(optimizer)):
        for name, value in optimizer.state.get(parameter, {}).items():
            tensors[f"optimizer.{index}.{name}"] = value
    _keep_previous(folder)
    _write(folder / LAST, tensors, {"progress": json.dumps(asdict(state))})


def load_checkpoint(folder: Path, model: nn.Module, optimizer: Optimizer, average: nn.Module | None) -> TrainingState:
    """Restore what `save_checkpoint` wrote, in place; without a checkpoint, training starts at its beginning.

    Raises `RunError` when the checkpoint is damaged, if by a bit, or belongs to another network.
    """
    path = folder / LAST
    if not path.exists():
        return TrainingState()
    try:
        tensors, metadata = _read(path)
        model.load_state_dict(_select(tensors, "model."))
        if average is not None:
            average.load_state_dict(_select(tensors, "average."))
        for index, parameter in enumerate(_parameters(optimizer)):
            for name, tensor in _select(tensors, f"optimizer.{index}.").items():
                optimizer.state[parameter][name] = _match_strides(tensor, parameter)
        return TrainingState(**json.loads(metadata["progress"]))
    except (SafetensorError, KeyError, ValueError, TypeError, RuntimeError) as error:
        raise RunError(_damaged(path)) from error


def read_state(folder: Path) -> TrainingState:
    """Read the training state of the checkpoint in ``folder``, without its tensors, as `load_checkpoint` does."""
    path = folder / LAST
    if not path.exists():
        return TrainingState()
    try:
        with read_errors(path), safe_open(path, "pt") as file:
            return TrainingState(**json.loads((file.metadata() or {})["progress"]))
    except (SafetensorError, KeyError, ValueError, TypeError) as error:
        raise RunError(_damaged(path)) from error


def save_best(folder: Path, weights: dict[str, Tensor]) -> None:
    """Write ``best.safetensors``: the weights that validated best so far."""
    _write(folder / BEST, weights, {})


def load_best(folder: Path) -> dict[str, Tensor]:
    """Read the weights that validated best. Raises `RunError` when the file is missing or damaged."""
    try:
        return _read(folder / BEST)[0]
    except (SafetensorError, OSError, ValueError) as error:
        raise RunError(_("{path} is missing, truncated or corrupt: train again.").format(path=folder / BEST)) from error


def _damaged(path: Path) -> str:
    previous = path.with_name(PREVIOUS)
    if previous.exists():
        message = _("{path} is truncated or corrupt: rename {previous}, the checkpoint before, to {name}, and resume.")
        return message.format(path=path, previous=previous, name=path.name)
    message = _("{path} is truncated or corrupt, or belongs to another network: train again into another run.")
    return message.format(path=path)


def _parameters(optimizer: Optimizer) -> list[Tensor]:
    return [parameter for group in optimizer.param_groups for parameter in group["params"]]


def _match_strides(tensor: Tensor, parameter: Tensor) -> Tensor:
    """Return ``tensor`` in the memory layout of ``parameter``: fused optimizers walk both as flat memory."""
    if tensor.shape != parameter.shape:
        return tensor
    return torch.empty_like(parameter).copy_(tensor).detach()


def _select(tensors: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): t for name, t in tensors.items() if name.startswith(prefix)}


def _keep_previous(folder: Path) -> None:
    """Give the checkpoint there is a second name, which stays when the next one takes the first."""
    last, previous = folder / LAST, folder / PREVIOUS
    if not last.exists():
        return
    with disk_errors(previous), atomic_write(previous) as temporary:
        try:
            os.link(last, temporary)  # no copy; ``last`` is there at any time
        except OSError:  # a disk without links
            temporary.write_bytes(last.read_bytes())


def _write(path: Path, tensors: dict[str, Tensor], metadata: dict[str, str]) -> None:
    plain = {name: tensor.detach().cpu().contiguous().clone() for name, tensor in tensors.items()}
    with atomic_write(path, durable=True) as temporary:
        save_file(plain, temporary, {**metadata, "digest": _compute_digest(plain, metadata)})


def _read(path: Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    """Read tensors and metadata; raise a `ValueError` where they are not as they were written."""
    with read_errors(path), safe_open(path, "pt") as file:
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        metadata = dict(file.metadata() or {})
    digest = metadata.pop("digest", None)  # earlier versions wrote none
    if digest is not None and digest != _compute_digest(tensors, metadata):
        raise ValueError("the digest differs")
    return tensors, metadata


def _compute_digest(tensors: dict[str, Tensor], metadata: dict[str, str]) -> str:
    """Return the digest of all that a checkpoint holds: a second for a gigabyte."""
    digest = hashlib.blake2b(json.dumps(metadata, sort_keys=True).encode(), digest_size=16)
    for name, tensor in sorted(tensors.items()):
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode())
        digest.update(tensor.reshape(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()
