"""Averaged weights: an exponential moving average of those that training goes through."""

from __future__ import annotations

from itertools import chain

import torch
from torch import nn
from torch.optim.swa_utils import AveragedModel

from discern.runtime import lerp_tensors


@torch.no_grad()
def update_ema(average: AveragedModel, model: nn.Module, decay: float) -> None:
    """Move the averaged weights and statistics towards those of ``model``: a = decay a + (1 - decay) w; a = w at first.

    The sums are those of ``AveragedModel.update_parameters``, which waits for a GPU in every step to send it a count.

    Examples
    --------
    >>> model = nn.Linear(1, 1, bias=False)
    >>> average = AveragedModel(model)
    >>> for value in (1.0, 2.0):
    ...     _ = nn.init.constant_(model.weight, value)
    ...     update_ema(average, model, decay=0.9)
    >>> round(average.module.weight.item(), 3)
    1.1
    """
    weight = 1.0 - decay if average.n_averaged > 0 else 1.0
    averaged, current = (chain(m.parameters(), m.buffers()) for m in (average.module, model))
    pairs = list(zip(averaged, current, strict=True))
    floats = [pair for pair in pairs if pair[0].is_floating_point()]
    lerp_tensors([a for a, _w in floats], [w for _a, w in floats], weight)
    for average_count, count in pairs:
        if not average_count.is_floating_point():
            average_count.copy_(count)
    average.n_averaged += 1
