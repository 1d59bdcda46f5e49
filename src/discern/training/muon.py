"""Muon for the filters, Nesterov's momentum for the rest.

Source: K. Jordan and others, "Muon: An optimizer for hidden layers in neural networks", 2024; torch.optim.Muon takes
matrices only. Filters (O, I, H, W) are matrices (O, I H W) here, and are kept at the length sqrt(O), as in Jordan's
CIFAR-10 record ("airbench94_muon"): batch normalisation behind them makes their scale no matter.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor
from torch.optim import Optimizer
from torch.optim.sgd import sgd

QUINTIC = (3.4445, -4.7750, 2.0315)  # of Jordan: slope at zero as steep as goes
STEPS = 3


class Muon(Optimizer):
    """Groups with ``orthogonal=True`` take orthogonalised steps, the others those of Nesterov's SGD.

    Parameters
    ----------
    groups : iterable of dict
        With ``params``, and perhaps ``lr``, ``momentum``, ``weight_decay`` and ``orthogonal`` of their own.
    lr : float
        Length of a step, where a filter has length 1.
    momentum : float
        Of both.
    fused : bool
        Whether SGD moves all parameters in one kernel.
    """

    def __init__(self, groups: Iterable[dict[str, Any]], lr: float, momentum: float = 0.6, fused: bool = False) -> None:
        own = {"weight_decay": 0.0, "orthogonal": False}
        super().__init__(groups, {"lr": lr, "momentum": momentum, "fused": fused, **own})

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # type: ignore[override]
        """Move every parameter by its gradient."""
        for group in self.param_groups:
            moved = [p for p in group["params"] if p.grad is not None]
            (_muon if group["orthogonal"] else _nesterov)(self, group, moved)


def _muon(optimizer: Muon, group: dict[str, Any], parameters: list[Tensor]) -> None:
    for p in parameters:
        assert p.grad is not None
        average = _momentum(optimizer, p).mul_(group["momentum"]).add_(p.grad)
        direction = p.grad.add(average, alpha=group["momentum"])
        p.mul_(len(p) ** 0.5 / p.norm())
        p.add_(orthogonal(direction.flatten(1)).view_as(p), alpha=-group["lr"])


def _nesterov(optimizer: Muon, group: dict[str, Any], parameters: list[Tensor]) -> None:
    sgd(
        parameters,
        [p.grad for p in parameters if p.grad is not None],
        [_momentum(optimizer, p) for p in parameters],
        weight_decay=group["weight_decay"],
        momentum=group["momentum"],
        lr=group["lr"],
        dampening=0.0,
        nesterov=True,
        maximize=False,
        fused=group["fused"],
    )


def _momentum(optimizer: Muon, p: Tensor) -> Tensor:
    state = optimizer.state[p]
    if "momentum_buffer" not in state:
        state["momentum_buffer"] = torch.zeros_like(p)
    found: Tensor = state["momentum_buffer"]
    return found


def orthogonal(matrix: Tensor) -> Tensor:
    """Nearly the orthogonal matrix nearest to ``matrix``: U V' of its U S V'. float (M, N) -> the same

    Newton-Schulz iteration in bfloat16, which this is meant to be rough for (Jordan 2024): singular values come
    between 0.7 and 1.2.

    Examples
    --------
    >>> values = torch.linalg.svdvals(orthogonal(torch.randn(8, 20)))
    >>> bool(values.min() > 0.3), bool(values.max() < 1.5)
    (True, True)
    """
    a, b, c = QUINTIC
    x = matrix.bfloat16() / (matrix.norm() + 1e-7)
    tall = len(matrix) > matrix.shape[1]
    x = x.T if tall else x
    for _ in range(STEPS):
        gram = x @ x.T
        x = a * x + (b * gram + c * gram @ gram) @ x
    return (x.T if tall else x).to(matrix.dtype)
