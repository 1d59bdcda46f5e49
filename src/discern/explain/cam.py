"""Class-activation maps: which places of the last map speak for a class."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from discern.errors import ModelError
from discern.explain.passes import Careful, look
from discern.explain.subject import Subject
from discern.i18n import _
from discern.models.network import Model

CLOSE = 1e-4  # of the largest feature: an average may be rounded differently


def gradcam(subject: Subject) -> Tensor:
    """Channels of a map, weighted by how much the class's logit grows with each, and rectified: (h, w).

    R. R. Selvaraju et al., "Grad-CAM", ICCV 2017, arXiv:1610.02391 (equations 1 and 2).
    """
    found = look(subject.network, subject.x.clone().requires_grad_(), subject.layer())
    weights = found.gradient(subject.target).mean(dim=(2, 3), keepdim=True)  # (1, C, h, w) -> (1, C, 1, 1)
    return (weights * found.map.detach()).sum(dim=1)[0].relu()


def gradcam_plus_plus(subject: Subject) -> Tensor:
    """As `gradcam`, where each place of a channel has a weight of its own, so that several objects all show: (h, w).

    A. Chattopadhyay et al., "Grad-CAM++", WACV 2018, arXiv:1710.11063 (equations 10 and 19, for the exponential of the
    logit, whose higher derivatives are powers of the first).
    """
    found = look(subject.network, subject.x.clone().requires_grad_(), subject.layer())
    slope, map = found.gradient(subject.target), found.map.detach()
    below = 2 * slope**2 + map.sum(dim=(2, 3), keepdim=True) * slope**3
    shares = torch.where(below == 0, torch.zeros_like(below), slope**2 / below)
    weights = (shares * slope.relu()).sum(dim=(2, 3), keepdim=True)
    return (weights * map).sum(dim=1)[0].relu()


@torch.no_grad()
def cam(subject: Subject) -> Tensor:
    """The head applied to each place of the last map instead of to their average: (h, w).

    B. Zhou et al., "Learning Deep Features for Discriminative Localization", CVPR 2016, arXiv:1512.04150 (equation 2).

    Raises
    ------
    ModelError
        When the network does not average its last map before a linear head.
    """
    network, head = subject.network, subject.network.head
    with Careful():
        features = network.encode(subject.x)
    if isinstance(head, nn.Conv2d) and features.dim() == 4:
        return head(features)[0, subject.target].relu()
    map = _averaged(network, subject.x, features) if isinstance(head, nn.Linear) else None
    if map is None:
        sentence = _("{name} does not average its last map before a linear head, so it has no cam: use gradcam.")
        raise ModelError(sentence.format(name=subject.name))
    assert isinstance(head, nn.Linear)
    return torch.einsum("chw,c->hw", map[0], head.weight[subject.target]).relu()


def _averaged(network: Model, x: Tensor, features: Tensor) -> Tensor | None:
    """The last map, rectified or not, if its average is what the head reads."""
    with Careful():
        *_others, last = network.stages(x).values()
    if last.dim() != 4:
        return None
    for map in (last, F.relu(last)):
        means = map.mean(dim=(2, 3))
        if means.shape == features.shape and (means - features).abs().max() <= CLOSE * features.abs().max():
            return map
    return None
