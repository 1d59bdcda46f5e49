"""discern's training loop on pictures of noise, with a clock at the place where it asks for the next batch."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from discern.models.table import build
from discern.preprocess.augment import Targets
from discern.preprocess.spec import Preprocess
from discern.runtime import Ranks
from discern.training.config import Config
from discern.training.cpu_convolutions import cpu_convolutions
from discern.training.loop import Trainer
from discern.training.probe import choose
from discern.training.recipes import Subject, complete
from discern.training.sources import Data, Pictures, Source

CPU = torch.device("cpu")
FIRST = 3  # steps that warm up


class Clocked(Source):
    """Another source's batches, ``most`` of them an epoch, and how long each was waited for and worked on.

    Attributes
    ----------
    waited, worked : list of float
        Seconds a step.
    pictures : int
        In all steps.
    """

    def __init__(self, source: Source, most: int) -> None:
        self.source, self.most = source, most
        self.data, self.batches = source.data, source.batches
        self.waited: list[float] = []
        self.worked: list[float] = []
        self.pictures = 0

    def epoch(self, number: int, start: int = 0) -> Iterator[tuple[Tensor, Targets]]:
        batches = self.source.epoch(number, start)
        for _ in range(self.most):
            asked = time.perf_counter()
            batch = next(batches, None)
            if batch is None:
                return
            given = time.perf_counter()
            yield batch
            self.waited.append(given - asked)
            self.worked.append(time.perf_counter() - given)
            self.pictures += len(batch[0])

    def validation(self) -> Iterator[tuple[Tensor, Tensor]]:
        return self.source.validation()


def configured(model: str, pixels: np.ndarray, names: list[str], **asked: Any) -> Config:
    """The recipe's settings for ``model`` on these pictures, precision and layout as the probe finds them."""
    channels, side = pixels.shape[3], pixels.shape[1]
    counts = dict.fromkeys(names, 50_000 // len(names))
    config, _notes = complete({"model": model, **asked}, Subject(counts, side, channels == 1, "cpu"))
    network = build(config.model, len(names), channels, side)
    with cpu_convolutions(network):
        choice = choose(network, config, CPU)
    return config.model_copy(update={"epochs": 1, "precision": choice.precision, "layout": choice.layout})


def train(config: Config, pixels: np.ndarray, labels: np.ndarray, most: int) -> Clocked:
    """One epoch of the training loop, ``most`` steps of it."""
    classes, channels = int(labels.max()) + 1, pixels.shape[3]
    rows = np.arange(len(pixels))
    data = Data(pixels, labels, rows[10:], rows[:10], classes)
    spec = Preprocess(size=config.size, channels=channels, mean=(0.5,) * channels, std=(0.25,) * channels)
    source = Clocked(Pictures(data, config, spec, CPU, Ranks()), most)
    with tempfile.TemporaryDirectory() as folder:
        network = build(config.model, classes, channels, config.size)
        Trainer(network, config, source, Path(folder), CPU, Ranks(), lambda _event, _record: None).train()
    return source


def noise(shape: tuple[int, ...]) -> np.ndarray:
    """Random bytes."""
    return np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
