"""Which part of the image drives a channel: its strongest place, projected back to the pixels.

M. D. Zeiler, R. Fergus, "Visualizing and Understanding Convolutional Networks", ECCV 2014, arXiv:1311.2901 (section
2.1). Backwards, max pooling puts a value where the maximum was (the switches), a ReLU keeps what is positive, and a
convolution is transposed: but for the ReLU that is what a gradient does (Springenberg et al., arXiv:1412.6806, section
3.4), so it is computed as one. Contrast normalization, which the paper passes over, is followed by its gradient.
"""

from __future__ import annotations

import torch

from discern.errors import ModelError
from discern.explanations.capture import capture_layer
from discern.explanations.channels import ChannelMaps
from discern.explanations.explain_input import ExplainInput
from discern.explanations.gradients import deconvolution_relu
from discern.i18n import _

TOP_K = 9  # channels, as in the paper's figure 2


def project_channels(inputs: ExplainInput, top_k: int = TOP_K) -> ChannelMaps:
    """Project the channels of a layer with the strongest single places back to the image: (K, H, W[, 3]).

    A `ModelError` says that the network has no max pooling, or joins maps, so that there is no single way back.
    """
    layer = inputs.layer()
    x = inputs.x.detach().clone().requires_grad_()
    capture = capture_layer(inputs.network, x, layer, deconvolution_relu)
    if not capture.counts.pooled:
        message = _("{name} has no max pooling whose switches deconv could follow back: use guided-backprop.")
        raise ModelError(message.format(name=inputs.name))
    if capture.counts.joined:
        message = _("{name} joins several maps into one, so deconv has no single way back: use guided-backprop.")
        raise ModelError(message.format(name=inputs.name))
    map = capture.map[0]  # (C, h, w)
    peaks, places = map.detach().flatten(1).max(dim=1)
    channels = peaks.argsort(descending=True, stable=True)[:top_k]
    projections = []
    for channel in channels.tolist():
        peak = map[channel].flatten()[places[channel]]
        (projection,) = torch.autograd.grad(peak, x, peaks[channel], retain_graph=True)
        projections.append(projection[0])  # (C, H, W)
    maps = torch.stack(projections).cpu()
    maps = maps.permute(0, 2, 3, 1) if maps.shape[1] == 3 else maps.mean(dim=1)
    strength = peaks[channels].cpu().numpy()
    return ChannelMaps("deconv", layer, channels.cpu().numpy(), maps.numpy(), strength, inputs.image.pixels)
