"""Where the training loop's batches come from: augmented images, or the features that a frozen backbone made of them.

Every random number of a batch follows from (seed, epoch, step).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from discern.arrays import ArrayLike
from discern.data.batches import Batches, eval_batch_size
from discern.preprocess.augment import Targets, augment
from discern.preprocess.normalize import normalize, to_float
from discern.preprocess.spec import Preprocess
from discern.runtime import Ranks, make_generator, seed_for
from discern.training.config import TrainConfig
from discern.training.probe import get_memory_format

FEATURES_AT_ONCE = 1024  # when a head is validated


@dataclass(frozen=True)
class TrainingData:
    """Decoded images and which of them to train and to validate on."""

    pixels: ArrayLike  # uint8 (N, H, W, C)
    labels: np.ndarray  # int64 (N,)
    train: np.ndarray  # int64 indices
    validation: np.ndarray  # int64 indices
    classes: int


class BatchSource(ABC):
    """Batches of inputs for a model, and their targets."""

    data: TrainingData  # the images behind it
    batches: Batches  # their order

    @abstractmethod
    def epoch(self, number: int, start: int = 0) -> Iterator[tuple[Tensor, Targets]]:
        """Yield inputs (n, ...) and targets of each step of epoch ``number``, from step ``start`` on."""

    @abstractmethod
    def validation(self) -> Iterator[tuple[Tensor, Tensor]]:
        """Yield inputs (n, ...) and labels int64 (n,) of this process's shard of the validation split."""

    def first_n(self, n: int) -> Tensor:
        """Return the first ``n`` inputs of the first epoch, rounded up to batches (fewer, where there are fewer)."""
        inputs: list[Tensor] = []
        batches = self.epoch(0)
        while sum(map(len, inputs)) < n and (batch := next(batches, None)):
            inputs.append(batch[0])
        return torch.cat(inputs) if inputs else torch.empty(0)

    def _shard_validation(self, size: int) -> Iterator[Tensor]:
        """Yield this process's positions in the validation split, ``size`` at a time."""
        ranks = self.batches.ranks
        yield from torch.arange(len(self.data.validation))[ranks.rank :: ranks.size].split(size)


def step_size(config: TrainConfig, n: int) -> int:
    """Return the images of a step; plain gradient descent takes all ``n``."""
    return n if config.optim.optimizer == "gd" else config.optim.batch_size


class ImageBatches(BatchSource):
    """Decoded images, augmented anew in every epoch and normalized on the device."""

    def __init__(
        self, data: TrainingData, config: TrainConfig, spec: Preprocess, device: torch.device, ranks: Ranks
    ) -> None:
        self.data, self.config, self.spec = data, config, spec
        size = step_size(config, len(data.train))
        self.batches = Batches(data.pixels, data.labels, data.train, size, config.seed, device, ranks)
        self.format = get_memory_format(config.runtime.memory_format)

    def epoch(self, number: int, start: int = 0) -> Iterator[tuple[Tensor, Targets]]:
        """Yield float32 (n, C, H, W), normalized, and targets, mixed where the images are."""
        seed, rank = self.config.seed, self.batches.ranks.rank
        order = self.batches.order(number)[start:]
        for step, (indices, (pixels, labels)) in enumerate(
            zip(order, self.batches.iter_batches(order), strict=True), start
        ):
            random = make_generator(seed, "augment", number, step, rank)
            flipped = alternate_flips(indices, seed, number)
            x, targets = augment(pixels, labels, self.config.augmentation.effective, random, flipped)
            yield normalize(x, self.spec).contiguous(memory_format=self.format), targets

    def validation(self) -> Iterator[tuple[Tensor, Tensor]]:
        """Yield float32 (n, C, H, W), normalized, and labels."""
        indices = torch.from_numpy(self.data.validation)
        size = eval_batch_size(self.spec.size, self.batches.device)
        for pixels, labels in self.batches.iter_batches([indices[places] for places in self._shard_validation(size)]):
            yield normalize(to_float(pixels), self.spec).contiguous(memory_format=self.format), labels


def alternate_flips(indices: Tensor, seed: int, epoch: int) -> Tensor:
    """Choose which images are flipped: each in every second epoch, half of all in the first. int64 (n,) -> bool (n,)

    Two epochs then show both sides of every image, where chance would show one of them twice to every second
    (Jordan 2024, arXiv:2404.00498, section 3.6).

    Examples
    --------
    >>> indices = torch.arange(1000)
    >>> bool((alternate_flips(indices, 0, epoch=0) ^ alternate_flips(indices, 0, epoch=1)).all())
    True
    """
    x = indices.numpy().astype(np.uint64) + np.uint64(seed_for(seed, "mirror"))
    for shift, multiplier in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB), (31, 1)):  # splitmix64 (Steele 2014)
        x = (x ^ (x >> np.uint64(shift))) * np.uint64(multiplier)
    return torch.from_numpy((x + np.uint64(epoch)) % 2 == 1)


class FeatureBatches(BatchSource):
    """The features that a frozen backbone made of the images; each epoch takes the next pass over the training split.

    ``values`` are float32 (n train + n validation + copies * n train, ...): the features of training and validation
    split as they are, then of each augmented pass over the training split.
    """

    def __init__(
        self, data: TrainingData, config: TrainConfig, values: np.ndarray, device: torch.device, ranks: Ranks
    ) -> None:
        self.data = data
        n = len(data.train)
        size = step_size(config, n)
        self.batches = Batches(values, data.labels[data.train], np.arange(n), size, config.seed, device, ranks)
        self.passes = (len(values) - len(data.validation)) // n

    def epoch(self, number: int, start: int = 0) -> Iterator[tuple[Tensor, Targets]]:
        """Yield float32 (n, F) and targets."""
        current, n = number % self.passes, len(self.data.train)
        offset = 0 if current == 0 else len(self.data.validation) + current * n
        order = self.batches.order(number)[start:]
        values = self.batches.pixels.iter_batches([indices + offset for indices in order])
        for indices, features in zip(order, values, strict=True):
            yield features, Targets(self.batches.label(indices))

    def validation(self) -> Iterator[tuple[Tensor, Tensor]]:
        """Yield float32 (n, F) and labels."""
        labels = torch.from_numpy(self.data.labels[self.data.validation])
        for places in self._shard_validation(FEATURES_AT_ONCE):
            yield self.batches.pixels.take(places + len(self.data.train)), labels[places].to(self.batches.device)
