"""Everything needed to go on bit for bit, in one safetensors file that is whole or absent."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.optim import Optimizer

from discern.errors import RunError
from discern.files import replacing
from discern.i18n import _

LAST, BEST = "last.safetensors", "best.safetensors"


@dataclass
class Progress:
    """Where a training run stands. Randomness needs no place here: it follows from the seed, the epoch and the step."""

    epoch: int = 0  # epochs done
    step: int = 0  # steps done of the epoch under way
    seconds: float = 0.0
    sums: list[float] = field(default_factory=lambda: [0.0, 0.0, 0.0])  # of the epoch under way: loss * n, correct, n
    history: list[dict[str, Any]] = field(default_factory=list)  # one record an epoch done
    best_epoch: int = 0  # counted from 1; 0 before the first
    finished: bool = False

    @property
    def started(self) -> bool:
        """Whether a step was done."""
        return self.epoch + self.step > 0

    def is_best(self, record: dict[str, Any], by_loss: bool = False) -> bool:
        """Whether ``record`` validated better than every epoch so far: in accuracy, and in loss where that is equal.

        ``by_loss`` asks the loss alone, which goes on telling epochs apart where few pictures validate.
        """
        if not self.best_epoch:
            return True
        new, old = record["validation"], self.history[self.best_epoch - 1]["validation"]
        if by_loss:
            return bool(new["loss"] < old["loss"])
        return bool((new["top1"], -new["loss"]) > (old["top1"], -old["loss"]))

    def close_epoch(self, record: dict[str, Any]) -> None:
        """Note the epoch that ended and stand at the start of the next."""
        self.history.append(record)
        self.seconds += record["seconds"]
        self.epoch, self.step, self.sums = self.epoch + 1, 0, [0.0, 0.0, 0.0]


def save_checkpoint(
    folder: Path, progress: Progress, model: nn.Module, optimizer: Optimizer, average: nn.Module | None
) -> None:
    """Write ``last.safetensors``: weights, optimizer state, averaged weights and `Progress`."""
    tensors = {f"model.{name}": tensor for name, tensor in model.state_dict().items()}
    if average is not None:
        tensors |= {f"average.{name}": tensor for name, tensor in average.state_dict().items()}
    for index, parameter in enumerate(_parameters(optimizer)):
        for name, value in optimizer.state.get(parameter, {}).items():
            tensors[f"optimizer.{index}.{name}"] = value
    _write(folder / LAST, tensors, {"progress": json.dumps(asdict(progress))})


def load_checkpoint(folder: Path, model: nn.Module, optimizer: Optimizer, average: nn.Module | None) -> Progress:
    """Restore what `save_checkpoint` wrote, in place; a run that has no checkpoint yet starts at its beginning.

    Raises
    ------
    RunError
        When the checkpoint is damaged or belongs to another network.
    """
    path = folder / LAST
    if not path.exists():
        return Progress()
    try:
        tensors, metadata = _read(path)
        _restore(model, tensors, "model.")
        if average is not None:
            _restore(average, tensors, "average.")
        for index, parameter in enumerate(_parameters(optimizer)):
            prefix = f"optimizer.{index}."
            names = [name for name in tensors if name.startswith(prefix)]
            for name in names:
                optimizer.state[parameter][name.removeprefix(prefix)] = _alike(tensors[name], parameter)
        return Progress(**json.loads(metadata["progress"]))
    except (SafetensorError, KeyError, ValueError, TypeError, RuntimeError) as error:
        sentence = _("{path} is damaged or belongs to another network: train again into another run.")
        raise RunError(sentence.format(path=path)) from error


def read_progress(folder: Path) -> Progress:
    """Where the run whose checkpoint lies in ``folder`` stands, without its tensors.

    Raises
    ------
    RunError
        When the checkpoint is damaged.
    """
    path = folder / LAST
    if not path.exists():
        return Progress()
    try:
        with safe_open(path, "pt") as file:
            return Progress(**json.loads((file.metadata() or {})["progress"]))
    except (SafetensorError, KeyError, ValueError, TypeError) as error:
        sentence = _("{path} is damaged or belongs to another network: train again into another run.")
        raise RunError(sentence.format(path=path)) from error


def save_best(folder: Path, weights: dict[str, Tensor]) -> None:
    """Write ``best.safetensors``: the weights that validated best so far."""
    _write(folder / BEST, weights, {})


def load_best(folder: Path) -> dict[str, Tensor]:
    """The weights that validated best.

    Raises
    ------
    RunError
        When the file is missing or damaged.
    """
    try:
        return _read(folder / BEST)[0]
    except (SafetensorError, OSError) as error:
        raise RunError(_("{path} is missing or damaged: train again.").format(path=folder / BEST)) from error


def _parameters(optimizer: Optimizer) -> list[Tensor]:
    return [parameter for group in optimizer.param_groups for parameter in group["params"]]


def _alike(tensor: Tensor, parameter: Tensor) -> Tensor:
    """``tensor`` in the memory layout of ``parameter``: fused optimizers walk both as flat memory."""
    if tensor.shape != parameter.shape:
        return tensor
    return torch.empty_like(parameter).copy_(tensor).detach()


def _restore(module: nn.Module, tensors: dict[str, Tensor], prefix: str) -> None:
    own = {name.removeprefix(prefix): t for name, t in tensors.items() if name.startswith(prefix)}
    module.load_state_dict(own)


def _write(path: Path, tensors: dict[str, Tensor], metadata: dict[str, str]) -> None:
    plain = {name: tensor.detach().cpu().contiguous().clone() for name, tensor in tensors.items()}
    with replacing(path) as temporary:
        save_file(plain, temporary, metadata)


def _read(path: Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    with safe_open(path, "pt") as file:
        return {name: file.get_tensor(name) for name in file.keys()}, dict(file.metadata() or {})  # noqa: SIM118
