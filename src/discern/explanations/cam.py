"""Class-activation maps: which places of a feature map speak for a class."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from discern.errors import ModelError
from discern.explanations.capture import NoInplace, capture_layer
from discern.explanations.explain_input import ExplainInput
from discern.i18n import _
from discern.models.network import Model

TOLERANCE = 1e-4  # of the largest feature: an average may be rounded differently


def gradcam(inputs: ExplainInput) -> Tensor:
    """Weight the channels of a map by how much the class's logit grows with each, and rectify the sum: (h, w).

    R. R. Selvaraju et al., "Grad-CAM", ICCV 2017, arXiv:1610.02391 (equations 1 and 2).
    """
    capture = capture_layer(inputs.network, inputs.x.clone().requires_grad_(), inputs.layer())
    weights = capture.gradient(inputs.target).mean(dim=(2, 3), keepdim=True)  # (1, C, h, w) -> (1, C, 1, 1)
    return (weights * capture.map.detach()).sum(dim=1)[0].relu()


def gradcam_plus_plus(inputs: ExplainInput) -> Tensor:
    """Compute `gradcam` with a weight for each place of a channel, so that several objects all show: (h, w).

    A. Chattopadhyay et al., "Grad-CAM++", WACV 2018, arXiv:1710.11063 (equations 10 and 19, for the exponential of the
    logit, whose higher derivatives are powers of the first).
    """
    capture = capture_layer(inputs.network, inputs.x.clone().requires_grad_(), inputs.layer())
    gradient, map = capture.gradient(inputs.target), capture.map.detach()
    denominator = 2 * gradient**2 + map.sum(dim=(2, 3), keepdim=True) * gradient**3
    alpha = torch.where(denominator == 0, torch.zeros_like(denominator), gradient**2 / denominator)
    weights = (alpha * gradient.relu()).sum(dim=(2, 3), keepdim=True)
    return (weights * map).sum(dim=1)[0].relu()


@torch.no_grad()
def cam(inputs: ExplainInput) -> Tensor:
    """Apply the head to each place of the last map instead of to their average: (h, w).

    B. Zhou et al., "Learning Deep Features for Discriminative Localization", CVPR 2016, arXiv:1512.04150 (equation 2).
    A `ModelError` says that the network does not average its last map before a linear head.
    """
    network, head = inputs.network, inputs.network.head
    with NoInplace():
        features = network.forward_features(inputs.x)
    if isinstance(head, nn.Conv2d) and features.dim() == 4:
        return head(features)[0, inputs.target].relu()
    map = _find_averaged_map(network, inputs.x, features) if isinstance(head, nn.Linear) else None
    if map is None:
        message = _("{name} does not average its last map before a linear head, so it has no cam: use gradcam.")
        raise ModelError(message.format(name=inputs.name))
    assert isinstance(head, nn.Linear)
    return torch.einsum("chw,c->hw", map[0], head.weight[inputs.target]).relu()


def _find_averaged_map(network: Model, x: Tensor, features: Tensor) -> Tensor | None:
    """Return the last map, rectified or not, if its average is what the head reads."""
    with NoInplace():
        *_others, last = network.stages(x).values()
    if last.dim() != 4:
        return None
    for map in (last, F.relu(last)):
        means = map.mean(dim=(2, 3))
        if means.shape == features.shape and (means - features).abs().max() <= TOLERANCE * features.abs().max():
            return map
    return None
