"""Batch normalisation folded into the convolution before it: the same numbers with a third less work to predict.

In evaluation mode y = gamma (w x + b - mean) / sqrt(var + eps) + beta is itself a convolution (Jacob et al. 2018,
arXiv:1712.05877, section 3.2).
"""

from __future__ import annotations

import copy

import torch
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from discern.models.network import Model

CLOSE = 1e-4  # of the largest logit: float32 rounds differently in another order


def folded(model: Model, x: Tensor) -> Model:
    """A copy of ``model`` for prediction without batch normalisation where a convolution comes right before it.

    Parameters
    ----------
    model : Model
        Left as it is, apart from being put into evaluation mode.
    x : torch.Tensor
        A few pictures (N, C, H, W): they show which layer reads which, and that the copy answers as the model does.

    Returns
    -------
    Model
        ``model`` itself, where its layers are used in a way that does not let them be folded.

    Examples
    --------
    >>> from discern.models.table import build
    >>> copy = folded(build("cnn-course", classes=3), torch.rand(2, 3, 28, 28))
    >>> any(isinstance(module, nn.BatchNorm2d) for module in copy.modules())
    False
    """
    model.eval()
    with torch.no_grad():
        pairs = _pairs(model, x)
        if not pairs:
            return model
        copied = copy.deepcopy(model)
        for convolution, normalisation in pairs:
            own, norm = copied.get_submodule(convolution), copied.get_submodule(normalisation)
            assert isinstance(own, nn.Conv2d) and isinstance(norm, nn.BatchNorm2d)
            copied.set_submodule(convolution, fuse_conv_bn_eval(own, norm))
            copied.set_submodule(normalisation, nn.Identity())
        wanted, found = model(x), copied(x)
    return copied if (wanted - found).abs().max() <= CLOSE * wanted.abs().max() else model


def _pairs(model: Model, x: Tensor) -> list[tuple[str, str]]:
    """Names of the convolutions whose map a normalisation reads, and of that normalisation."""
    made: dict[int, tuple[str, Tensor]] = {}  # the map is kept, so that its id stays its own
    pairs: list[tuple[str, str]] = []
    handles = []
    for name, module in model.named_modules():
        if isinstance(module, nn.Conv2d):
            handles.append(module.register_forward_hook(lambda _m, _x, y, name=name: made.update({id(y): (name, y)})))
        elif isinstance(module, nn.BatchNorm2d):
            handles.append(
                module.register_forward_pre_hook(
                    lambda _m, x, name=name: pairs.append((made[id(x[0])][0], name)) if id(x[0]) in made else None
                )
            )
    try:
        model(x)
    finally:
        for handle in handles:
            handle.remove()
    return list(dict.fromkeys(pairs))
