"""Optimizers from settings, with decay where it belongs."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn
from torch.optim import SGD, Adam, AdamW, Optimizer, RMSprop

from discern.training.config import Config
from discern.training.eager import eager
from discern.training.muon import Muon

# Of Jordan's recipe for CIFAR-10 (2024, arXiv:2404.00498), beside Muon: rates for a mean loss, a picture.
HEAD_RATE = 11.5 / 7850
SHIFTS = 64.0  # times the head's rate: the biases of normalisations (Page 2019, "How to Train Your ResNet", part 8)
REST_MOMENTUM = 0.85
EARLY = 3 / 8  # of the run: then the biases behind fixed filters are fixed, too


def make_optimizer(model: nn.Module, config: Config) -> Optimizer:
    """The optimizer ``config`` names over the parameters of ``model``.

    Weight decay acts on weights of two dimensions and more; biases and the scales of norms are left alone
    (He et al. 2019, "Bag of Tricks", section 3.1). Each group's ``share`` is the part of the learning rate it gets:
    with ``early_rate`` below 1 it grows geometrically from that, in the first layer, to 1 in the head (discriminative
    fine-tuning: Howard and Ruder 2018, arXiv:1801.06146, section 3.2).

    Examples
    --------
    >>> type(make_optimizer(nn.Linear(2, 1), Config(optimizer="adamw"))).__name__
    'AdamW'
    """
    parameters = [p for p in model.parameters() if p.requires_grad]
    if config.optimizer == "muon":
        groups = _muon_groups(model, config)
        return eager(Muon)(groups, lr=config.lr, momentum=config.momentum, fused=_fused(parameters))
    groups = []
    for share, members in _shares(model, config.early_rate).items():
        for decay, chosen in (
            (config.weight_decay, [p for p in members if p.ndim > 1]),
            (0.0, [p for p in members if p.ndim <= 1]),
        ):
            if chosen:
                groups.append({"params": chosen, "weight_decay": decay, "share": share})
    lr = config.lr
    match config.optimizer:
        case "sgd":
            return eager(SGD)(
                groups, lr=lr, momentum=config.momentum, nesterov=config.momentum > 0, fused=_fused(parameters)
            )
        case "adamw":
            return eager(AdamW)(groups, lr=lr, fused=_fused(parameters))
        case "adam":
            return eager(Adam)(groups, lr=lr, fused=_fused(parameters))
        case "rmsprop":
            return eager(RMSprop)(groups, lr=lr)
    return eager(SGD)(groups, lr=lr)


def _muon_groups(model: nn.Module, config: Config) -> list[dict[str, Any]]:
    """Filters by Muon; head, shifts of normalisations and other biases by SGD, each at a rate of its own."""
    filters, rest, shifts, early = [], [], [], []
    seen: set[nn.Parameter] = set()
    for module in model.modules():
        for name, p in module.named_parameters(recurse=False):
            if p in seen or not p.requires_grad:
                continue
            seen.add(p)
            if p.ndim == 4:
                filters.append(p)
            elif name == "bias" and isinstance(module, nn.modules.batchnorm._BatchNorm):
                shifts.append(p)
            elif name == "bias" and "weight" in dict(module.named_buffers(recurse=False)):
                early.append(p)
            else:
                rest.append(p)
    rate = HEAD_RATE * config.batch / config.lr
    slow = {"momentum": REST_MOMENTUM, "weight_decay": config.weight_decay, "share": rate}
    fast = {"momentum": REST_MOMENTUM, "weight_decay": config.weight_decay / SHIFTS, "share": rate * SHIFTS}
    groups = [
        {"params": filters, "orthogonal": True, "share": 1.0},
        {"params": rest, **slow},
        {"params": shifts, **fast},
        {"params": early, **slow, "until": EARLY},
    ]
    return [group for group in groups if group["params"]]


def _shares(model: nn.Module, early_rate: float) -> dict[float, list[nn.Parameter]]:
    """Share of the learning rate -> the parameters that get it; layers in the order in which the model has them."""
    layers: list[list[nn.Parameter]] = []
    seen: set[nn.Parameter] = set()
    for module in model.modules():
        own = [p for p in module.parameters(recurse=False) if p.requires_grad and p not in seen]
        seen.update(own)
        if own:
            layers.append(own)
    shares: dict[float, list[nn.Parameter]] = {}
    for i, own in enumerate(layers, start=1):
        shares.setdefault(early_rate ** ((len(layers) - i) / max(1, len(layers) - 1)), []).extend(own)
    return shares


def _fused(parameters: list[torch.nn.Parameter]) -> bool:
    """One kernel over all parameters: torch has it for CPU and CUDA."""
    return all(p.device.type in ("cpu", "cuda") for p in parameters)
