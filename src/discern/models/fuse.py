"""Batch normalization fused into the convolution before it: the same numbers with a third less work to predict.

In evaluation mode y = gamma (w x + b - mean) / sqrt(var + eps) + beta is itself a convolution (Jacob et al. 2018,
arXiv:1712.05877, section 3.2).
"""

from __future__ import annotations

import copy
from contextlib import ExitStack
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from discern.models.network import Model

TOLERANCE = 1e-4  # of the largest logit: float32 rounds differently in another order


def fuse_conv_bn(model: Model, x: Tensor) -> Model:
    """Return a copy of ``model`` for prediction without batch normalization right after a convolution.

    Parameters
    ----------
    model : Model
        Left as it is, apart from being put into evaluation mode.
    x : torch.Tensor
        A few images (N, C, H, W): they show which layer reads which, and that the copy gives the model's logits.

    Returns
    -------
    Model
        ``model`` itself, where its layers are used in a way that does not let them be fused.

    Examples
    --------
    >>> from discern.models.registry import build_model
    >>> fused = fuse_conv_bn(build_model("cnn-course", classes=3), torch.rand(2, 3, 28, 28))
    >>> any(isinstance(module, nn.BatchNorm2d) for module in fused.modules())
    False
    """
    model.eval()
    with torch.no_grad():
        pairs = _find_pairs(model, x)
        if not pairs:
            return model
        fused = copy.deepcopy(model)
        for convolution, normalisation in pairs:
            conv, norm = fused.get_submodule(convolution), fused.get_submodule(normalisation)
            assert isinstance(conv, nn.Conv2d) and isinstance(norm, nn.BatchNorm2d)
            fused.set_submodule(convolution, fuse_conv_bn_eval(conv, norm))
            fused.set_submodule(normalisation, nn.Identity())
        expected, actual = model(x), fused(x)
    # A map that other layers read too, or a layer that runs twice, makes the copy differ: then nothing is fused.
    return fused if (expected - actual).abs().max() <= TOLERANCE * expected.abs().max() else model


def _find_pairs(model: Model, x: Tensor) -> list[tuple[str, str]]:
    """Run ``x`` and return each convolution whose map a normalization reads, with that normalization, by name.

    Which layer follows which is not written in a module: a map is recognised by its identity, as what a convolution
    gave when a normalization is called with it.
    """
    maps: dict[int, tuple[str, Tensor]] = {}  # id -> (convolution, its map); holding the map keeps its id its own
    pairs: list[tuple[str, str]] = []

    def after_convolution(name: str, _module: nn.Module, _inputs: Any, output: Tensor) -> None:
        maps[id(output)] = name, output

    def before_normalization(name: str, _module: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        if id(inputs[0]) in maps:
            pairs.append((maps[id(inputs[0])][0], name))

    with ExitStack() as hooks:
        for name, module in model.named_modules():
            if isinstance(module, nn.Conv2d):
                hooks.enter_context(module.register_forward_hook(partial(after_convolution, name)))
            elif isinstance(module, nn.BatchNorm2d):
                hooks.enter_context(module.register_forward_pre_hook(partial(before_normalization, name)))
        model(x)
    return list(dict.fromkeys(pairs))
