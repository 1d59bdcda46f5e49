"""Which pixels move the logit of a class: methods that follow the gradient down to the image."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from discern.errors import ModelError
from discern.explanations.capture import NoInplace, Rectify
from discern.explanations.explain_input import ExplainInput
from discern.i18n import _

STEPS = 50  # of the path of integrated gradients
BATCH_SIZE = 10  # of these steps


def saliency(inputs: ExplainInput) -> Tensor:
    """Compute how much the logit changes with each value of the image: |gradient|, (C, H, W).

    K. Simonyan, A. Vedaldi, A. Zisserman, "Deep Inside Convolutional Networks", 2014, arXiv:1312.6034 (section 3.1).
    """
    return _input_gradient(inputs, inputs.x)[0].abs()


def integrated_gradients(inputs: ExplainInput, steps: int = STEPS) -> Tensor:
    """Compute what each value adds to the logit on the straight path from the mean color to the image.

    (C, H, W), signed. M. Sundararajan, A. Taly, Q. Yan, "Axiomatic Attribution for Deep Networks", ICML 2017,
    arXiv:1703.01365 (section 3). The integral is taken by the Gauss-Legendre rule, ``steps`` points; its sum is the
    difference of the logits.
    """
    nodes, node_weights = np.polynomial.legendre.leggauss(steps)
    positions = torch.from_numpy((nodes + 1) / 2).to(inputs.x)  # on the path: from [-1, 1] to [0, 1]
    weights = torch.from_numpy(node_weights / 2).to(inputs.x)
    total = torch.zeros_like(inputs.x[0])
    for position, weight in zip(positions.split(BATCH_SIZE), weights.split(BATCH_SIZE), strict=True):
        gradients = _input_gradient(inputs, inputs.x * position.view(-1, 1, 1, 1))  # (n, C, H, W)
        total += (gradients * weight.view(-1, 1, 1, 1)).sum(dim=0)
    return total * inputs.x[0]


def guided_backprop(inputs: ExplainInput) -> Tensor:
    """Compute the gradient where every ReLU on the way back lets only what is positive through: (C, H, W), signed.

    J. T. Springenberg et al., "Striving for Simplicity: The All Convolutional Net", 2015, arXiv:1412.6806 (3.4).
    A `ModelError` says that the network has no ReLU.
    """
    return _input_gradient(inputs, inputs.x, guided_relu)[0]


def guided_relu(x: Tensor, max_value: float) -> Tensor:
    """Rectify; backwards, pass what is positive where the input was positive, too."""
    out: Tensor = _GuidedReLU.apply(x, max_value, True)
    return out


def deconvolution_relu(x: Tensor, max_value: float) -> Tensor:
    """Rectify; backwards, pass what is positive wherever the input was."""
    out: Tensor = _GuidedReLU.apply(x, max_value, False)
    return out


class _GuidedReLU(torch.autograd.Function):
    """ReLU (ReLU6 where ``max_value`` is 6) whose gradient is rectified; ``masked``: and 0 where the ReLU was shut."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, max_value: float, masked: bool) -> Tensor:
        ctx.masked, ctx.max_value = masked, max_value
        ctx.save_for_backward(x)
        return x.clamp(0, max_value)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Any:
        (x,) = ctx.saved_tensors
        gradient = gradient.relu()
        return (gradient * ((x > 0) & (x < ctx.max_value)) if ctx.masked else gradient), None, None


def _input_gradient(inputs: ExplainInput, x: Tensor, rectify: Rectify | None = None) -> Tensor:
    """Differentiate the class's logit with respect to images ``x``: (N, C, H, W)."""
    x = x.detach().clone().requires_grad_()
    with NoInplace(rectify) as counts:
        logits = inputs.network(x)
    if rectify is not None and not counts.rectified:
        message = _("{name} has no ReLU to guide the gradient with: use saliency or integrated-gradients.")
        raise ModelError(message.format(name=inputs.name))
    (gradient,) = torch.autograd.grad(logits[:, inputs.target].sum(), x)
    return gradient
