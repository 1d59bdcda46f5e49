"""Where the training loop's batches come from: augmented pictures, or features a frozen backbone made of them.

Every random number of a batch follows from (seed, epoch, step).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from discern.arrays import Rows
from discern.data.batches import Batches, at_once
from discern.preprocess.augment import Targets, augment
from discern.preprocess.normalise import normalise, to_float
from discern.preprocess.spec import Preprocess
from discern.runtime import Ranks, generator, seed_for
from discern.training.config import Config
from discern.training.probe import memory_format


@dataclass(frozen=True)
class Data:
    """Decoded pictures and which of them to train and to validate on."""

    pixels: Rows  # uint8 (N, H, W, C)
    labels: np.ndarray  # int64 (N,)
    train: np.ndarray  # int64 rows
    validation: np.ndarray  # int64 rows
    classes: int


class Source(ABC):
    """Batches of inputs for a model, and what they should come out as.

    Attributes
    ----------
    data : Data
        The pictures behind it.
    batches : Batches
        Their order.
    """

    data: Data
    batches: Batches

    @abstractmethod
    def epoch(self, number: int, start: int = 0) -> Iterator[tuple[Tensor, Targets]]:
        """Inputs (n, ...) and targets of each step of epoch ``number``, from step ``start`` on."""

    @abstractmethod
    def validation(self) -> Iterator[tuple[Tensor, Tensor]]:
        """Inputs (n, ...) and labels int64 (n,) of this process's share of the validation part."""

    def some(self, n: int) -> Tensor:
        """The first ``n`` inputs of the first epoch or a few more (fewer, where there are fewer)."""
        found: list[Tensor] = []
        batches = self.epoch(0)
        while sum(map(len, found)) < n and (batch := next(batches, None)):
            found.append(batch[0])
        return torch.cat(found) if found else torch.empty(0)

    def _shares(self, size: int) -> Iterator[Tensor]:
        """Positions in the validation part, ``size`` at a time."""
        ranks = self.batches.ranks
        yield from torch.arange(len(self.data.validation))[ranks.rank :: ranks.size].split(size)


def step_size(config: Config, n: int) -> int:
    """Pictures a step; plain gradient descent takes all ``n``."""
    return n if config.optimizer == "gd" else config.batch


class Pictures(Source):
    """Decoded pictures, augmented anew in every epoch and normalised on the device."""

    def __init__(self, data: Data, config: Config, spec: Preprocess, device: torch.device, ranks: Ranks) -> None:
        self.data, self.config, self.spec = data, config, spec
        size = step_size(config, len(data.train))
        self.batches = Batches(data.pixels, data.labels, data.train, size, config.seed, device, ranks)
        self.format = memory_format(config.layout)

    def epoch(self, number: int, start: int = 0) -> Iterator[tuple[Tensor, Targets]]:
        """float32 (n, C, H, W), normalised, and targets, mixed where the pictures are."""
        rank = self.batches.ranks.rank
        order = self.batches.order(number)[start:]
        for step, (rows, (pixels, labels)) in enumerate(zip(order, self.batches.each(order), strict=True), start):
            random = generator(self.config.seed, "augment", number, step, rank)
            mirrored = alternating(rows, self.config.seed, number)
            x, targets = augment(pixels, labels, self.config.augmentation, random, mirrored)
            yield normalise(x, self.spec).contiguous(memory_format=self.format), targets

    def validation(self) -> Iterator[tuple[Tensor, Tensor]]:
        """float32 (n, C, H, W), normalised, and labels."""
        rows = torch.from_numpy(self.data.validation)
        for pixels, labels in self.batches.each(
            [rows[places] for places in self._shares(at_once(self.spec.size, self.batches.device))]
        ):
            yield normalise(to_float(pixels), self.spec).contiguous(memory_format=self.format), labels


def alternating(rows: Tensor, seed: int, epoch: int) -> Tensor:
    """Which pictures are mirrored: each in every second epoch, half of all in the first. int64 (n,) -> bool (n,)

    Two epochs then show both sides of every picture, where chance would show one of them twice to every second
    (Jordan 2024, arXiv:2404.00498, section 3.6).

    Examples
    --------
    >>> rows = torch.arange(1000)
    >>> bool((alternating(rows, 0, epoch=0) ^ alternating(rows, 0, epoch=1)).all())
    True
    """
    x = rows.numpy().astype(np.uint64) + np.uint64(seed_for(seed, "mirror"))
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB), (31, 1)):  # splitmix64 (Steele 2014)
        x = (x ^ (x >> np.uint64(shift))) * np.uint64(factor)
    return torch.from_numpy((x + np.uint64(epoch)) % 2 == 1)


class Features(Source):
    """What a frozen backbone made of the pictures; each epoch takes the next of the passes over the training part.

    Parameters
    ----------
    data : Data
        The pictures the features are of.
    config : Config
        Batch and seed of the head's training.
    values : numpy.ndarray
        float32 (n train + n validation + passes * n train, ...): training and validation part as they are, then
        each augmented pass over the training part.
    """

    def __init__(self, data: Data, config: Config, values: np.ndarray, device: torch.device, ranks: Ranks) -> None:
        self.data = data
        n = len(data.train)
        size = step_size(config, n)
        self.batches = Batches(values, data.labels[data.train], np.arange(n), size, config.seed, device, ranks)
        self.passes = (len(values) - len(data.validation)) // n

    def epoch(self, number: int, start: int = 0) -> Iterator[tuple[Tensor, Targets]]:
        """float32 (n, F) and targets."""
        turn, n = number % self.passes, len(self.data.train)
        first = 0 if turn == 0 else len(self.data.validation) + turn * n
        order = self.batches.order(number)[start:]
        for rows, values in zip(order, self.batches.pixels.each([rows + first for rows in order]), strict=True):
            yield values, Targets(self.batches.label(rows))

    def validation(self) -> Iterator[tuple[Tensor, Tensor]]:
        """float32 (n, F) and labels."""
        labels = torch.from_numpy(self.data.labels[self.data.validation])
        for places in self._shares(1024):
            yield self.batches.pixels.take(places + len(self.data.train)), labels[places].to(self.batches.device)
