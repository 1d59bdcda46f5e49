"""Small trainers, alike in every test: their data, their settings, and what two of them are compared by."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from discern.models.table import build
from discern.preprocess.normalise import statistics
from discern.preprocess.spec import Preprocess
from discern.runtime import Ranks, seed_for
from discern.training.config import Config
from discern.training.loop import Listener, Trainer
from discern.training.sources import Data, Pictures

CPU = torch.device("cpu")
TRAIN, VALIDATION, CLASSES, SIDE = 80, 20, 3, 28
BASE = {"batch": 16, "epochs": 3, "warmup": 0.5, "precision": "fp32", "layout": "contiguous", "size": SIDE}  # 5 steps
RANDOM = {"flip": True, "shift": 0.1, "rotation": 10, "jitter": 0.2, "erase": 0.3, "mixup": 0.2, "cutmix": 1.0}
NETWORK = {"model": "mlp-course", "network": {"hidden": [16], "dropout": 0.0}}
WAYS: dict[str, dict[str, Any]] = {
    "nesterov, average, every augmentation": {"model": "cnn-course", "lr": 0.05, "ema": 0.9, "clip": 1.0, **RANDOM},
    "adamw, dropout, class weights": {
        "model": "mlp-course",
        "network": {"hidden": [32], "dropout": 0.5},
        "optimizer": "adamw",
        "lr": 1e-3,
        "class_weights": True,
        "label_smoothing": 0.1,
        "schedule": "onecycle",
    },
    "rmsprop in bf16, channels last": {
        "model": "cnn-course",
        "optimizer": "rmsprop",
        "lr": 1e-3,
        "precision": "bf16",
        "layout": "channels_last",
        "flip": True,
    },
    "fast": {
        "model": "fastnet",
        "network": {"width": 0.05},
        "optimizer": "muon",
        "lr": 0.24,
        "momentum": 0.6,
        "schedule": "triangular",
        "label_smoothing": 0.2,
        "flip": True,
        "shift": 0.072,
        "precision": "bf16",
        "layout": "channels_last",
    },
    "adam": {**NETWORK, "optimizer": "adam", "lr": 1e-3},
    "sgd without momentum": {**NETWORK, "momentum": 0.0, "ema": 0.5},
}


def make_config(settings: dict[str, Any]) -> Config:
    return Config.model_validate({**BASE, **settings})


def make_data(seed: int = 0) -> Data:
    """Noisy pictures whose brightest channel tells the class; three classes of 50, 30 and 20 %."""
    random = np.random.default_rng(seed)
    labels = random.choice(CLASSES, TRAIN + VALIDATION, p=[0.5, 0.3, 0.2])
    pixels = random.integers(0, 200, (len(labels), SIDE, SIDE, CLASSES), dtype=np.uint8)
    pixels[np.arange(len(labels)), :, :, labels] += 40
    order = random.permutation(len(labels))
    return Data(pixels, labels, order[:TRAIN], order[TRAIN:], CLASSES)


def spec_of(data: Data) -> Preprocess:
    mean, std = statistics(data.pixels, data.train)
    return Preprocess(size=SIDE, mean=mean, std=std)


def ignore(kind: str, fields: dict[str, Any]) -> None:
    pass


def make_trainer(config: Config, folder: Path, listen: Listener = ignore, ranks: Ranks | None = None) -> Trainer:
    data = make_data()
    torch.manual_seed(seed_for(config.seed, "network"))
    model = build(config.model, CLASSES, 3, SIDE, config.network)
    ranks = ranks or Ranks()
    return Trainer(
        model, config, Pictures(data, config, spec_of(data), CPU, ranks), folder / "checkpoint", CPU, ranks, listen
    )


def after(steps: int, act: Callable[[], None]) -> Listener:
    """A listener that acts once, after so many steps of its trainer."""
    seen = 0

    def listen(kind: str, fields: dict[str, Any]) -> None:
        nonlocal seen
        seen += kind == "step"
        if kind == "step" and seen == steps:
            act()

    return listen


def ctrl_c() -> None:
    os.kill(os.getpid(), signal.SIGINT)


def die() -> None:
    raise SystemExit


def assert_same(one: dict[str, Tensor], other: dict[str, Tensor]) -> None:
    """Bit for bit."""
    assert one.keys() == other.keys()
    for name, tensor in one.items():
        assert torch.equal(tensor, other[name]), name


def assert_same_outcome(one: Trainer, other: Trainer) -> None:
    assert_same(one.best, other.best)
    assert_same(dict(one.model.state_dict()), dict(other.model.state_dict()))
    if one.average is not None and other.average is not None:
        assert_same(dict(one.average.state_dict()), dict(other.average.state_dict()))
    assert told(one) == told(other)


def told(trainer: Trainer) -> list[dict[str, Any]]:
    """The epoch records without their times."""
    timed = {"seconds", "images_per_second"}
    return [{name: value for name, value in r.items() if name not in timed} for r in trainer.progress.history]


def train(settings: dict[str, Any], folder: Path, listen: Listener = ignore) -> Trainer:
    trainer = make_trainer(make_config(settings), folder, listen)
    trainer.train()
    return trainer
