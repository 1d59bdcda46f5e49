"""discern's training loop on images of noise, with a clock at the place where it asks for the next batch."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from discern.models.registry import build_model
from discern.preprocess.augment import Targets
from discern.preprocess.spec import Preprocess
from discern.runtime import Ranks
from discern.training.config import TrainConfig
from discern.training.cpu_convolutions import cpu_convolutions
from discern.training.loop import Trainer
from discern.training.probe import plan_compute
from discern.training.recipes import DataProfile, resolve
from discern.training.sources import BatchSource, ImageBatches, TrainingData

CPU = torch.device("cpu")
FIRST = 3  # steps that warm up


class Clocked(BatchSource):
    """Another source's batches, ``most`` of them an epoch, and how long each was waited for and worked on.

    Attributes
    ----------
    waited, worked : list of float
        Seconds a step.
    images : int
        In all steps.
    """

    def __init__(self, source: BatchSource, most: int) -> None:
        self.source, self.most = source, most
        self.data, self.batches = source.data, source.batches
        self.waited: list[float] = []
        self.worked: list[float] = []
        self.images = 0

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
            self.images += len(batch[0])

    def validation(self) -> Iterator[tuple[Tensor, Tensor]]:
        return self.source.validation()


def configured(model: str, pixels: np.ndarray, names: list[str], **asked: Any) -> TrainConfig:
    """The recipe's settings for ``model`` on these images, precision and layout as the probe finds them."""
    channels, side = pixels.shape[3], pixels.shape[1]
    counts = dict.fromkeys(names, 50_000 // len(names))
    config, _notes = resolve({"model": model, **asked}, DataProfile(counts, side, channels == 1, "cpu"))
    network = build_model(config.model, len(names), channels, side)
    with cpu_convolutions(network):
        choice = plan_compute(network, config, CPU)
    return config.replace(epochs=1, precision=choice.precision, memory_format=choice.memory_format)


def train(config: TrainConfig, pixels: np.ndarray, labels: np.ndarray, most: int) -> Clocked:
    """One epoch of the training loop, ``most`` steps of it."""
    classes, channels = int(labels.max()) + 1, pixels.shape[3]
    rows = np.arange(len(pixels))
    data = TrainingData(pixels, labels, rows[10:], rows[:10], classes)
    spec = Preprocess(size=config.preprocess.size, channels=channels, mean=(0.5,) * channels, std=(0.25,) * channels)
    source = Clocked(ImageBatches(data, config, spec, CPU, Ranks()), most)
    with tempfile.TemporaryDirectory() as folder:
        network = build_model(config.model, classes, channels, config.preprocess.size)
        Trainer(network, config, source, Path(folder), CPU, Ranks(), lambda _event, _record: None).train()
    return source


def noise(shape: tuple[int, ...]) -> np.ndarray:
    """Random bytes."""
    return np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
