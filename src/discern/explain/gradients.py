"""Which pixels move the logit of a class: methods that follow the gradient down to the picture."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from discern.errors import ModelError
from discern.explain.passes import Careful, Rectify
from discern.explain.subject import Subject
from discern.i18n import _

STEPS = 50  # of the path of integrated gradients
AT_ONCE = 10  # of them


def saliency(subject: Subject) -> Tensor:
    """How much the logit changes with each value of the picture: |gradient|, (C, H, W).

    K. Simonyan, A. Vedaldi, A. Zisserman, "Deep Inside Convolutional Networks", 2014, arXiv:1312.6034 (section 3.1).
    """
    return _gradient(subject, subject.x)[0].abs()


def integrated_gradients(subject: Subject, steps: int = STEPS) -> Tensor:
    """What each value adds to the logit on the straight way from the mean colour to the picture: (C, H, W), signed.

    M. Sundararajan, A. Taly, Q. Yan, "Axiomatic Attribution for Deep Networks", ICML 2017, arXiv:1703.01365 (section
    3). The integral is taken by Gauss and Legendre's rule, ``steps`` points; its sum is the difference of the logits.
    """
    places, weights = np.polynomial.legendre.leggauss(steps)
    shares = torch.from_numpy((places + 1) / 2).to(subject.x)
    parts = torch.from_numpy(weights / 2).to(subject.x)
    total = torch.zeros_like(subject.x[0])
    for share, part in zip(shares.split(AT_ONCE), parts.split(AT_ONCE), strict=True):
        slopes = _gradient(subject, subject.x * share.view(-1, 1, 1, 1))  # (n, C, H, W)
        total += (slopes * part.view(-1, 1, 1, 1)).sum(dim=0)
    return total * subject.x[0]


def guided_backprop(subject: Subject) -> Tensor:
    """The gradient, where every ReLU on the way back lets only what is positive through: (C, H, W), signed.

    J. T. Springenberg et al., "Striving for Simplicity: The All Convolutional Net", 2015, arXiv:1412.6806 (3.4).

    Raises
    ------
    ModelError
        When the network has no ReLU.
    """
    return _gradient(subject, subject.x, _Rectified.guided)[0]


class _Rectified(torch.autograd.Function):
    """ReLU, or ReLU6 where ``end`` is 6, whose gradient is rectified; ``masked``: and is 0 where the ReLU was shut."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, end: float, masked: bool) -> Tensor:
        ctx.masked, ctx.end = masked, end
        ctx.save_for_backward(x)
        return x.clamp(0, end)

    @staticmethod
    def backward(ctx: Any, slope: Tensor) -> Any:
        (x,) = ctx.saved_tensors
        slope = slope.relu()
        return (slope * ((x > 0) & (x < ctx.end)) if ctx.masked else slope), None, None

    @staticmethod
    def guided(x: Tensor, end: float) -> Tensor:
        return _Rectified.apply(x, end, True)

    @staticmethod
    def deconvolved(x: Tensor, end: float) -> Tensor:
        return _Rectified.apply(x, end, False)


deconvolved: Rectify = _Rectified.deconvolved


def _gradient(subject: Subject, x: Tensor, rectify: Rectify | None = None) -> Tensor:
    """Of the class's logit with respect to pictures ``x``: (N, C, H, W)."""
    x = x.detach().clone().requires_grad_()
    with Careful(rectify) as watch:
        logits = subject.network(x)
    if rectify is not None and not watch.rectified:
        sentence = _("{name} has no ReLU to guide the gradient with: use saliency or integrated-gradients.")
        raise ModelError(sentence.format(name=subject.name))
    (found,) = torch.autograd.grad(logits[:, subject.target].sum(), x)
    return found
