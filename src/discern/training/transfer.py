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

from discern.data.batches import PixelReader, eval_batch_size
from discern.errors import RunError
from discern.files import atomic_write, read_errors
from discern.i18n import _
from discern.models.fuse import fuse_conv_bn
from discern.models.network import Model
from discern.preprocess.augment import Augmentation, augment
from discern.preprocess.normalize import normalize, to_float
from discern.preprocess.spec import Preprocess
from discern.progress import Progress
from discern.runtime import make_generator
from discern.training.config import TrainConfig
from discern.training.sources import TrainingData

HEAD_DEFAULTS: dict[str, Any] = {  # a convex problem with few numbers: enough small steps, the rate down to nothing
    "optimizer": "adamw",
    "batch_size": 64,
    "lr": 3e-3,
    "weight_decay": 0.1,
    "schedule": "cosine",
    "warmup": 0.0,
    "precision": "fp32",
    "memory_format": "contiguous",
    "compile": "no",
}
MAX_IN_MEMORY = 1 << 30  # bytes of features; more are read from disk as they are needed


def plan_phases(config: TrainConfig) -> list[TrainConfig]:
    """Return the phases of a training, one after the other, each with the settings it trains with.

    Examples
    --------
    >>> from discern.training.config import make_config
    >>> phases = plan_phases(make_config(finetune="head+all", epochs=9, head_epochs=50))
    >>> [(phase.finetune.finetune, phase.optim.epochs) for phase in phases]
    [('head', 50), ('all', 9)]
    """
    if config.finetune.finetune != "head+all":
        return [config]
    head = {**HEAD_DEFAULTS, "epochs": config.finetune.head_epochs, "ema": 0.0, "grad_clip_norm": 0.0}
    return [config.replace(**head, finetune="head", first_layer_lr_scale=1.0), config.replace(finetune="all")]


def get_training_augmentation(config: TrainConfig) -> Augmentation:
    """Return the augmentation of the training images: as set, but no mixing where features are made once."""
    if config.finetune.finetune != "head":
        return config.augmentation.effective
    return config.augmentation.effective.model_copy(update={"mixup": 0.0, "cutmix": 0.0})  # a feature has one label


class Head(nn.Module):
    """The head of a model by itself: features in, logits out; the rest of the model is not its own."""

    def __init__(self, model: Model) -> None:
        super().__init__()
        self.head = model.head
        self.forward_head: Callable[[Tensor], Tensor] = model.forward_head

    def forward(self, features: Tensor) -> Tensor:
        """Compute logits. (n, F) -> (n, classes)"""
        return self.forward_head(features)

    def forward_train(self, features: Tensor) -> tuple[Tensor, ...]:
        """Compute the logits of every head, as `discern.models.network.Model.forward_train`: of this one."""
        return (self.forward_head(features),)


def save_features(
    model: Model,
    data: TrainingData,
    config: TrainConfig,
    spec: Preprocess,
    path: Path,
    device: torch.device,
    progress: Progress,
) -> None:
    """Run the backbone of ``model`` over the images and write what its head would read to ``path``, a .npy file.

    The rows are those that `discern.training.sources.FeatureBatches` takes: the training split, the validation split,
    and ``augmented_copies`` times the training split, augmented.
    """
    reader = PixelReader(data.pixels, device)
    sample = normalize(to_float(reader.take(torch.from_numpy(data.train[:2]))), spec)
    backbone = fuse_conv_bn(model.to(device), sample)
    if backbone is model:  # whose memory format decides the bits of what is trained after
        backbone = copy.deepcopy(model)
    backbone.to(memory_format=torch.channels_last)
    passes = list(feature_passes(data, config))
    total, done = sum(len(indices) for indices, _augmentation in passes), 0
    with atomic_write(path) as temporary, temporary.open("wb") as file, torch.inference_mode():
        for number, (indices, augmentation) in enumerate(passes):
            batches = torch.from_numpy(indices).split(eval_batch_size(spec.size, device))
            for batch, pixels in zip(batches, reader.iter_batches(batches), strict=True):
                random = make_generator(config.seed, "features", number, done)
                x, _targets = augment(pixels, batch, augmentation, random)
                features = backbone.forward_features(normalize(x, spec)).float().cpu().numpy()
                if not done:
                    shape = (total, *features.shape[1:])
                    header = {"descr": features.dtype.str, "fortran_order": False, "shape": shape}
                    np.lib.format.write_array_header_1_0(file, header)
                file.write(features.tobytes())
                done += len(batch)
                progress(_("features"), done, total)


def load_features(path: Path) -> np.ndarray:
    """Read what `save_features` wrote: into memory where they fit easily, else mapped from disk."""
    try:
        with read_errors(path):
            mapped: np.ndarray = np.load(path, mmap_mode="r", allow_pickle=False)
            return mapped if mapped.nbytes > MAX_IN_MEMORY else np.load(path, allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        message = _("{path} is truncated or corrupt: move it away, and resume again.")
        raise RunError(message.format(path=path)) from error


def feature_passes(data: TrainingData, config: TrainConfig) -> Iterator[tuple[np.ndarray, Augmentation]]:
    """Yield the indices of each pass over the images, and how they are augmented."""
    yield data.train, Augmentation()
    yield data.validation, Augmentation()
    if config.augmentation.augment:
        for _pass in range(config.finetune.augmented_copies):
            yield data.train, get_training_augmentation(config)
