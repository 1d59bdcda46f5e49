"""Small networks with random weights before a random image."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import nn

from discern.classifier.bundle import ModelCard
from discern.classifier.classifier import Classifier
from discern.explanations.explain_input import ExplainInput, prepare_input
from discern.models.registry import build_model
from discern.preprocess.spec import Preprocess

CLASSES = ("ant", "bee", "cat", "dog", "螞蟻")


def classifier(name: str, size: int = 64, channels: int = 3, **settings: Any) -> Classifier:
    """Random weights, with statistics of normalization as training leaves them."""
    torch.manual_seed(0)
    network = build_model(name, len(CLASSES), channels, size, settings)
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.running_mean.uniform_(-0.2, 0.2)
            module.running_var.uniform_(0.5, 1.5)
            module.weight.data.uniform_(0.5, 1.5)
            module.bias.data.uniform_(-0.2, 0.2)
        if isinstance(module, nn.Linear):  # a head that starts near 0 has slopes near 0
            nn.init.normal_(module.weight, 0.0, 0.1)
    statistics = {"mean": (0.5,) * channels, "std": (0.25,) * channels}
    spec = Preprocess(size=size, channels=channels, **statistics)
    return Classifier(ModelCard(model=name, model_args=settings, classes=CLASSES, preprocess=spec), network)


def image(size: int = 64) -> np.ndarray:
    """Colours that change slowly, and noise: uint8 (size, size, 3)."""
    random = np.random.default_rng(0)
    slow = np.kron(random.uniform(40, 215, (8, 8, 3)), np.ones((-(-size // 8), -(-size // 8), 1)))[:size, :size]
    return np.clip(slow + random.normal(0, 20, (size, size, 3)), 0, 255).astype(np.uint8)


def explain_input(
    name: str, size: int = 64, layer: str | None = None, class_: str | None = None, channels: int = 3
) -> ExplainInput:
    return prepare_input(classifier(name, size, channels), image(size), layer, class_)
