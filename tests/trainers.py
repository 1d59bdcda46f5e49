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

from discern.models.registry import build_model
from discern.preprocess.normalize import compute_mean_std
from discern.preprocess.spec import Preprocess
from discern.runtime import Ranks, seed_for
from discern.training.config import TrainConfig, make_config
from discern.training.loop import Report, Trainer
from discern.training.sources import ImageBatches, TrainingData

CPU = torch.device("cpu")
TRAIN, VALIDATION, CLASSES, SIDE = 80, 20, 3, 28
BASE = {
    "batch_size": 16,
    "epochs": 3,
    "warmup": 0.5,
    "precision": "fp32",
    "memory_format": "contiguous",
    "size": SIDE,
}  # 5 steps
RANDOM = {
    "flip": True,
    "translate": 0.1,
    "rotation": 10,
    "color_jitter": 0.2,
    "random_erasing": 0.3,
    "mixup": 0.2,
    "cutmix": 1.0,
}
NETWORK = {"model": "mlp-course", "model_args": {"hidden": [16], "dropout": 0.0}}
WAYS: dict[str, dict[str, Any]] = {
    "nesterov, average, every augmentation": {
        "model": "cnn-course",
        "lr": 0.05,
        "ema": 0.9,
        "grad_clip_norm": 1.0,
        **RANDOM,
    },
    "adamw, dropout, class weights": {
        "model": "mlp-course",
        "model_args": {"hidden": [32], "dropout": 0.5},
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
        "memory_format": "channels_last",
        "flip": True,
    },
    "fast": {
        "model": "fastnet",
        "model_args": {"width": 0.05},
        "optimizer": "muon",
        "lr": 0.24,
        "momentum": 0.6,
        "schedule": "triangular",
        "label_smoothing": 0.2,
        "flip": True,
        "translate": 0.072,
        "precision": "bf16",
        "memory_format": "channels_last",
    },
    "adam": {**NETWORK, "optimizer": "adam", "lr": 1e-3},
    "sgd without momentum": {**NETWORK, "momentum": 0.0, "ema": 0.5},
}


def base_config(settings: dict[str, Any]) -> TrainConfig:
    return make_config(**{**BASE, **settings})


def make_data(seed: int = 0) -> TrainingData:
    """Noisy images whose brightest channel tells the class; three classes of 50, 30 and 20 %."""
    random = np.random.default_rng(seed)
    labels = random.choice(CLASSES, TRAIN + VALIDATION, p=[0.5, 0.3, 0.2])
    pixels = random.integers(0, 200, (len(labels), SIDE, SIDE, CLASSES), dtype=np.uint8)
    pixels[np.arange(len(labels)), :, :, labels] += 40
    order = random.permutation(len(labels))
    return TrainingData(pixels, labels, order[:TRAIN], order[TRAIN:], CLASSES)


def spec_of(data: TrainingData) -> Preprocess:
    mean, std = compute_mean_std(data.pixels, data.train)
    return Preprocess(size=SIDE, mean=mean, std=std)


def ignore(kind: str, fields: dict[str, Any]) -> None:
    pass


def make_trainer(config: TrainConfig, folder: Path, listen: Report = ignore, ranks: Ranks | None = None) -> Trainer:
    data = make_data()
    torch.manual_seed(seed_for(config.seed, "network"))
    model = build_model(config.model, CLASSES, 3, SIDE, config.model_args)
    ranks = ranks or Ranks()
    return Trainer(
        model, config, ImageBatches(data, config, spec_of(data), CPU, ranks), folder / "checkpoint", CPU, ranks, listen
    )


def after(steps: int, act: Callable[[], None]) -> Report:
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
    return [{name: value for name, value in r.items() if name not in timed} for r in trainer.state.history]


def train(settings: dict[str, Any], folder: Path, listen: Report = ignore) -> Trainer:
    trainer = make_trainer(base_config(settings), folder, listen)
    trainer.train()
    return trainer
