"""Which part of the picture drives a channel: its strongest place, run back to the pixels.

M. D. Zeiler, R. Fergus, "Visualizing and Understanding Convolutional Networks", ECCV 2014, arXiv:1311.2901 (section
2.1). Backwards, max pooling puts a value where the maximum was (the switches), a ReLU keeps what is positive, and a
convolution is transposed: but for the ReLU that is what a gradient does (Springenberg et al., arXiv:1412.6806, section
3.4), so it is done as one. Contrast normalisation, which the paper passes over, is followed by its gradient.
"""

from __future__ import annotations

import torch

from discern.errors import ModelError
from discern.explain.channels import Channels
from discern.explain.gradients import deconvolved
from discern.explain.passes import look
from discern.explain.subject import Subject
from discern.i18n import _

TOP = 9  # channels, as in the paper's figure 2


def deconv(subject: Subject, top: int = TOP) -> Channels:
    """The channels of a layer with the strongest single places, each run back to the picture: (K, H, W[, 3]).

    Raises
    ------
    ModelError
        When the network has no max pooling, or joins maps, so that there is no single way back.
    """
    layer = subject.layer()
    x = subject.x.detach().clone().requires_grad_()
    found = look(subject.network, x, layer, deconvolved)
    if not found.watch.pooled:
        sentence = _("{name} has no max pooling whose places deconv could follow back: use guided-backprop.")
        raise ModelError(sentence.format(name=subject.name))
    if found.watch.joined:
        sentence = _("{name} joins several maps into one, so deconv has no single way back: use guided-backprop.")
        raise ModelError(sentence.format(name=subject.name))
    map = found.map[0]  # (C, h, w)
    peaks, places = map.detach().flatten(1).max(dim=1)
    chosen = peaks.argsort(descending=True, stable=True)[:top]
    pictures = []
    for channel in chosen.tolist():
        (back,) = torch.autograd.grad(map[channel].flatten()[places[channel]], x, peaks[channel], retain_graph=True)
        pictures.append(back[0])  # (C, H, W)
    shown = torch.stack(pictures).cpu()
    shown = shown.permute(0, 2, 3, 1) if shown.shape[1] == 3 else shown.mean(dim=1)
    return Channels("deconv", layer, chosen.cpu().numpy(), shown.numpy(), peaks[chosen].cpu().numpy(), subject.pixels)
