"""Transfer learning: a head trained on features that a frozen backbone makes once, then perhaps everything fine-tuned.

The backbone is in evaluation mode while it makes features, so its running statistics stay what they were.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from discern.data.batches import Pixels, at_once
from discern.files import replacing
from discern.i18n import _
from discern.models.fold import folded
from discern.models.network import Model
from discern.preprocess.augment import Augmentation, augment
from discern.preprocess.normalise import normalise, to_float
from discern.preprocess.spec import Preprocess
from discern.progress import Progress
from discern.runtime import generator
from discern.training.config import Config
from discern.training.sources import Data

HEAD: dict[str, Any] = {  # a convex problem with few numbers: small steps, enough of them, and the rate down to nothing
    "optimizer": "adamw",
    "batch": 64,
    "lr": 3e-3,
    "weight_decay": 0.1,
    "schedule": "cosine",
    "warmup": 0.0,
    "precision": "fp32",
    "layout": "contiguous",
    "compile": "no",
}
MOST_IN_MEMORY = 1 << 30  # bytes of features; more are read from disk as they are needed


def phases(config: Config) -> list[Config]:
    """What ``config.tune`` asks for, one after the other, each with the settings it trains with.

    Examples
    --------
    >>> [(phase.tune, phase.epochs) for phase in phases(Config(tune="head+all", epochs=9, head_epochs=50))]
    [('head', 50), ('all', 9)]
    """
    if config.tune != "head+all":
        return [config]
    first = {**HEAD, "tune": "head", "epochs": config.head_epochs, "ema": 0.0, "clip": 0.0, "early_rate": 1.0}
    return [config.model_copy(update=first), config.model_copy(update={"tune": "all"})]


def seen(config: Config) -> Augmentation:
    """What happens to training pictures: all that was asked for, but where features are made once, no mixing."""
    if config.tune != "head":
        return config.augmentation
    return config.augmentation.model_copy(update={"mixup": 0.0, "cutmix": 0.0})  # a feature has one label


class Head(nn.Module):
    """The head of a model by itself: features in, logits out; the rest of the model is not its own."""

    def __init__(self, model: Model) -> None:
        super().__init__()
        self.head = model.head
        self.answer: Callable[[Tensor], Tensor] = model.answer

    def forward(self, features: Tensor) -> Tensor:
        """(n, F) -> logits (n, classes)."""
        return self.answer(features)

    def answers(self, features: Tensor) -> tuple[Tensor, ...]:
        """As `discern.models.network.Model.answers`."""
        return (self.answer(features),)


def make_features(
    model: Model,
    data: Data,
    config: Config,
    spec: Preprocess,
    path: Path,
    device: torch.device,
    progress: Progress,
) -> None:
    """Run the backbone of ``model`` over the pictures and write what its head would read to ``path``, a .npy file.

    The rows are those that `discern.training.sources.Features` takes: the training part, the validation part, and
    ``config.passes`` times the training part, augmented.
    """
    held = Pixels(data.pixels, device)
    some = normalise(to_float(held.take(torch.from_numpy(data.train[:2]))), spec)
    backbone = folded(model.to(device), some)
    if backbone is model:  # whose layout decides the bits of what is trained after
        backbone = copy.deepcopy(model)
    backbone.to(memory_format=torch.channels_last)
    turns = list(_turns(data, config))
    total, done = sum(len(rows) for rows, _augmentation in turns), 0
    with replacing(path) as temporary, temporary.open("wb") as file, torch.inference_mode():
        for turn, (rows, augmentation) in enumerate(turns):
            batches = torch.from_numpy(rows).split(at_once(spec.size, device))
            for part, pixels in zip(batches, held.each(batches), strict=True):
                random = generator(config.seed, "features", turn, done)
                x, _targets = augment(pixels, part, augmentation, random)
                made = backbone.encode(normalise(x, spec)).float().cpu().numpy()
                if not done:
                    header = {"descr": made.dtype.str, "fortran_order": False, "shape": (total, *made.shape[1:])}
                    np.lib.format.write_array_header_1_0(file, header)
                file.write(made.tobytes())
                done += len(part)
                progress(_("features"), done, total)


def read_features(path: Path) -> np.ndarray:
    """What `make_features` wrote: in memory where that is easy, else mapped from disk."""
    mapped: np.ndarray = np.load(path, mmap_mode="r", allow_pickle=False)
    return mapped if mapped.nbytes > MOST_IN_MEMORY else np.load(path, allow_pickle=False)


def _turns(data: Data, config: Config) -> Iterator[tuple[np.ndarray, Augmentation]]:
    """The rows of each pass, and how they are augmented."""
    yield data.train, Augmentation()
    yield data.validation, Augmentation()
    if config.augment:
        for _pass in range(config.passes):
            yield data.train, seen(config)
