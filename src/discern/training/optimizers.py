"""Optimizers from settings, with decay where it belongs."""

from __future__ import annotations

import torch
from torch import nn
from torch.optim import SGD, Adam, AdamW, Optimizer, RMSprop

from discern.training.config import Config


def make_optimizer(model: nn.Module, config: Config) -> Optimizer:
    """The optimizer ``config`` names over the parameters of ``model``.

    Weight decay acts on weights of two dimensions and more; biases and the scales of norms are left alone
    (He et al. 2019, "Bag of Tricks", section 3.1).

    Examples
    --------
    >>> type(make_optimizer(nn.Linear(2, 1), Config(optimizer="adamw"))).__name__
    'AdamW'
    """
    parameters = [p for p in model.parameters() if p.requires_grad]
    groups = [
        {"params": [p for p in parameters if p.ndim > 1], "weight_decay": config.weight_decay},
        {"params": [p for p in parameters if p.ndim <= 1], "weight_decay": 0.0},
    ]
    groups = [group for group in groups if group["params"]]
    lr = config.lr
    match config.optimizer:
        case "sgd":
            return SGD(groups, lr=lr, momentum=config.momentum, nesterov=config.momentum > 0, fused=_fused(parameters))
        case "adamw":
            return AdamW(groups, lr=lr, fused=_fused(parameters))
        case "adam":
            return Adam(groups, lr=lr, fused=_fused(parameters))
        case "rmsprop":
            return RMSprop(groups, lr=lr)
    return SGD(groups, lr=lr)


def _fused(parameters: list[torch.nn.Parameter]) -> bool:
    """One kernel over all parameters: torch has it for CPU and CUDA."""
    return all(p.device.type in ("cpu", "cuda") for p in parameters)
