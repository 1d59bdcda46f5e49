"""The learning rate as a pure function of the epoch: nothing to store, nothing to restore."""

from __future__ import annotations

import math

from discern.training.config import TrainConfig


def lr_multiplier(config: TrainConfig, epoch: float) -> float:
    """Return what the learning rate is multiplied by at ``epoch`` (a fraction inside an epoch).

    ``triangular`` falls to zero along a straight line (Smith 2017, "Cyclical Learning Rates", with one long cycle).
    ``cosine``: Loshchilov & Hutter 2017, "SGDR", eq. 5, without restarts. ``onecycle``: up for 30 % of the run, down to
    zero for the rest, both along a cosine (Smith & Topin 2018, "Super-Convergence"). ``step`` and ``multistep``
    multiply by gamma. All but onecycle begin with ``warmup`` epochs of linear warm-up (Goyal et al. 2017, 2.2).

    Examples
    --------
    >>> from discern.training.config import make_config
    >>> config = make_config(epochs=10, warmup=1, schedule="cosine")
    >>> [round(lr_multiplier(config, e), 3) for e in (0.5, 1, 5.5, 10)]
    [0.5, 1.0, 0.5, 0.0]
    """
    optim, total = config.optim, float(config.optim.epochs)
    if optim.schedule == "onecycle":
        peak = 0.3 * total
        if epoch < peak:
            return _cosine(0.04, 1.0, epoch / peak)
        return _cosine(1.0, 0.0, (epoch - peak) / (total - peak))
    warmup = min(optim.warmup, 0.5 * total)
    if epoch < warmup:
        return epoch / warmup
    match optim.schedule:
        case "cosine":
            return _cosine(1.0, 0.0, (epoch - warmup) / (total - warmup))
        case "triangular":
            return max(0.0, (total - epoch) / (total - warmup))
        case "step":
            return optim.gamma ** int(epoch // optim.step_epochs)
        case "multistep":
            return optim.gamma ** sum(epoch >= milestone for milestone in optim.milestones)
    return 1.0


def _cosine(start: float, end: float, t: float) -> float:
    return end + (start - end) * 0.5 * (1 + math.cos(math.pi * min(max(t, 0.0), 1.0)))
