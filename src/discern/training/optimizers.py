"""Optimizers from settings, with decay where it belongs; and Muon, which torch has for matrices only."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Iterable
from typing import Any, TypeVar

import torch
from torch import Tensor, nn
from torch.optim import SGD, Adam, AdamW, Optimizer, RMSprop
from torch.optim.sgd import sgd

from discern.training.config import TrainConfig

Kind = TypeVar("Kind", bound=Optimizer)

# Of Jordan's recipe for CIFAR-10 (2024, arXiv:2404.00498), beside Muon: rates for a mean loss, per image.
HEAD_LR = 11.5 / 7850
NORM_BIAS_SCALE = 64.0  # times the head's rate (Page 2019, "How to Train Your ResNet", part 8)
REST_MOMENTUM = 0.85
FROZEN_FILTER_BIAS_UNTIL = 3 / 8  # of the run: then the biases behind fixed filters are fixed, too
NEWTON_SCHULZ = (3.4445, -4.7750, 2.0315)  # of Jordan: the steepest slope at zero
NEWTON_SCHULZ_STEPS = 3


def make_optimizer(model: nn.Module, config: TrainConfig) -> Optimizer:
    """Build the optimizer that ``config`` names over the parameters of ``model``.

    Weight decay acts on weights of two dimensions and more; biases and the scales of norms are left alone
    (He et al. 2019, "Bag of Tricks", section 3.1). Each group's ``lr_scale`` is its factor on the learning rate:
    with ``first_layer_lr_scale`` below 1 it grows geometrically from that, in the first layer, to 1 in the head
    (discriminative fine-tuning: Howard and Ruder 2018, arXiv:1801.06146, section 3.2).

    Examples
    --------
    >>> from discern.training.config import make_config
    >>> type(make_optimizer(nn.Linear(2, 1), make_config(optimizer="adamw"))).__name__
    'AdamW'
    """
    optim, parameters = config.optim, [p for p in model.parameters() if p.requires_grad]
    fused = {"fused": all(p.device.type in ("cpu", "cuda") for p in parameters)}  # one kernel over all parameters
    kinds: dict[str, tuple[Any, dict[str, Any]]] = {
        "sgd": (SGD, {"momentum": optim.momentum, "nesterov": optim.momentum > 0, **fused}),
        "adamw": (AdamW, fused),
        "adam": (Adam, fused),
        "rmsprop": (RMSprop, {}),
        "gd": (SGD, {}),
        "muon": (Muon, {"momentum": optim.momentum, **fused}),
    }
    kind, arguments = kinds[optim.optimizer]
    groups = _group_for_muon(model, config) if kind is Muon else _group_by_decay(model, config)
    return without_dynamo(kind)(groups, lr=optim.lr, **arguments)


@functools.cache
def without_dynamo(kind: type[Kind]) -> type[Kind]:
    """Return the optimizer ``kind``, the same to the bit, without the compiler that torch loads at its first use.

    torch wraps three methods of every optimizer to keep torch.compile out of them, and what that takes (torch._dynamo,
    900 modules) is imported at the first call, in about the time of importing torch itself. Outside of a compiled
    function the methods underneath are all that is needed; where a torch wraps none, they are the methods themselves.

    Examples
    --------
    >>> weight = torch.nn.Parameter(torch.ones(2))
    >>> optimizer = without_dynamo(torch.optim.SGD)([weight], lr=0.5)
    >>> weight.sum().backward()
    >>> optimizer.step()
    >>> weight.tolist()
    [0.5, 0.5]
    """
    own = {name: inspect.unwrap(getattr(kind, name)) for name in ("add_param_group", "zero_grad")}
    own["step"] = torch.no_grad()(inspect.unwrap(kind.step))
    return type(kind.__name__, (kind,), own)


class Muon(Optimizer):
    """Groups with ``orthogonal=True`` take orthogonalized steps, the others those of Nesterov's SGD.

    Source: K. Jordan and others, "Muon: An optimizer for hidden layers in neural networks", 2024. Filters (O, I, H, W)
    are matrices (O, I H W) here, and are kept at the length sqrt(O), as in Jordan's CIFAR-10 record
    ("airbench94_muon"): the batch normalization behind them makes their scale irrelevant.

    ``groups`` have ``params``, and perhaps ``lr``, ``momentum``, ``weight_decay`` and ``orthogonal`` of their own;
    ``lr`` is the length of a step where a filter has length 1; with ``fused`` SGD moves all parameters in one kernel.
    """

    def __init__(self, groups: Iterable[dict[str, Any]], lr: float, momentum: float = 0.6, fused: bool = False) -> None:
        own = {"weight_decay": 0.0, "orthogonal": False}
        super().__init__(groups, {"lr": lr, "momentum": momentum, "fused": fused, **own})

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # type: ignore[override]
        """Move every parameter by its gradient."""
        for group in self.param_groups:
            moving = [p for p in group["params"] if p.grad is not None]
            (self._step_orthogonal if group["orthogonal"] else self._step_nesterov)(group, moving)

    def _step_orthogonal(self, group: dict[str, Any], parameters: list[Tensor]) -> None:
        for p in parameters:
            assert p.grad is not None
            average = self._momentum(p).mul_(group["momentum"]).add_(p.grad)
            direction = p.grad.add(average, alpha=group["momentum"])
            p.mul_(len(p) ** 0.5 / p.norm())
            p.add_(orthogonalize(direction.flatten(1)).view_as(p), alpha=-group["lr"])

    def _step_nesterov(self, group: dict[str, Any], parameters: list[Tensor]) -> None:
        sgd(
            parameters,
            [p.grad for p in parameters if p.grad is not None],
            [self._momentum(p) for p in parameters],
            weight_decay=group["weight_decay"],
            momentum=group["momentum"],
            lr=group["lr"],
            dampening=0.0,
            nesterov=True,
            maximize=False,
            fused=group["fused"],
        )

    def _momentum(self, p: Tensor) -> Tensor:
        state = self.state[p]
        if "momentum_buffer" not in state:
            state["momentum_buffer"] = torch.zeros_like(p)
        buffer: Tensor = state["momentum_buffer"]
        return buffer


def orthogonalize(matrix: Tensor) -> Tensor:
    """Return nearly the orthogonal matrix nearest to ``matrix``: U V' of its U S V'. float (M, N) -> the same

    Newton-Schulz iteration in bfloat16, which is meant to be rough (Jordan 2024): singular values come between 0.7
    and 1.2.

    Examples
    --------
    >>> values = torch.linalg.svdvals(orthogonalize(torch.randn(8, 20)))
    >>> bool(values.min() > 0.3), bool(values.max() < 1.5)
    (True, True)
    """
    a, b, c = NEWTON_SCHULZ
    x = matrix.bfloat16() / (matrix.norm() + 1e-7)
    is_tall = len(matrix) > matrix.shape[1]
    x = x.T if is_tall else x
    for _ in range(NEWTON_SCHULZ_STEPS):
        gram = x @ x.T
        x = a * x + (b * gram + c * gram @ gram) @ x
    return (x.T if is_tall else x).to(matrix.dtype)


def _group_by_decay(model: nn.Module, config: TrainConfig) -> list[dict[str, Any]]:
    groups = []
    for lr_scale, members in _scale_layers(model, config.finetune.first_layer_lr_scale).items():
        matrices, vectors = [p for p in members if p.ndim > 1], [p for p in members if p.ndim <= 1]
        for decay, chosen in ((config.optim.weight_decay, matrices), (0.0, vectors)):
            if chosen:
                groups.append({"params": chosen, "weight_decay": decay, "lr_scale": lr_scale})
    return groups


def _group_for_muon(model: nn.Module, config: TrainConfig) -> list[dict[str, Any]]:
    """Group filters for Muon; head, biases of normalizations and other biases for SGD, each at a rate of its own."""
    filters, rest, norm_biases, filter_biases = [], [], [], []
    visited: set[nn.Parameter] = set()
    for module in model.modules():
        for name, p in module.named_parameters(recurse=False):
            if p in visited or not p.requires_grad:
                continue
            visited.add(p)
            if p.ndim == 4:
                filters.append(p)
            elif name == "bias" and isinstance(module, nn.modules.batchnorm._BatchNorm):
                norm_biases.append(p)
            elif name == "bias" and "weight" in dict(module.named_buffers(recurse=False)):
                filter_biases.append(p)
            else:
                rest.append(p)
    decay = config.optim.weight_decay
    lr_scale = HEAD_LR * config.optim.batch_size / config.optim.lr
    slow = {"momentum": REST_MOMENTUM, "weight_decay": decay, "lr_scale": lr_scale}
    fast = {**slow, "weight_decay": decay / NORM_BIAS_SCALE, "lr_scale": lr_scale * NORM_BIAS_SCALE}
    groups = [
        {"params": filters, "orthogonal": True, "lr_scale": 1.0},
        {"params": rest, **slow},
        {"params": norm_biases, **fast},
        {"params": filter_biases, **slow, "until": FROZEN_FILTER_BIAS_UNTIL},
    ]
    return [group for group in groups if group["params"]]


def _scale_layers(model: nn.Module, first_scale: float) -> dict[float, list[nn.Parameter]]:
    """Return the parameters by their factor on the learning rate; layers in the order in which the model has them."""
    layers: list[list[nn.Parameter]] = []
    visited: set[nn.Parameter] = set()
    for module in model.modules():
        own = [p for p in module.parameters(recurse=False) if p.requires_grad and p not in visited]
        visited.update(own)
        if own:
            layers.append(own)
    scales: dict[float, list[nn.Parameter]] = {}
    for i, own in enumerate(layers, start=1):
        scales.setdefault(first_scale ** ((len(layers) - i) / max(1, len(layers) - 1)), []).extend(own)
    return scales
