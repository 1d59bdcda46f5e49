"""How much the class loses when a patch of the image is covered.

M. D. Zeiler, R. Fergus, "Visualizing and Understanding Convolutional Networks", ECCV 2014, arXiv:1311.2901 (4.2).
"""

from __future__ import annotations

import torch
from torch import Tensor

from discern.explanations.explain_input import ExplainInput

WINDOWS = 8  # side by side across the image; neighbours overlap by half
BATCH_SIZE = 32


@torch.no_grad()
def occlusion(inputs: ExplainInput, window: int | None = None, stride: int | None = None) -> Tensor:
    """Compute how far the logit falls with each pixel covered by the mean color, averaged over its windows: (H, W).

    ``window`` pixels a side are covered, and it is ``stride`` pixels from one to the next: an eighth and a sixteenth of
    the image unless given.
    """
    height, width = inputs.size
    window = min(window or max(2, height // WINDOWS), height, width)
    stride = stride or max(1, window // 2)
    corners = [(top, left) for top in _starts(height, window, stride) for left in _starts(width, window, stride)]
    uncovered = inputs.network(inputs.x)[0, inputs.target]
    drop, times = inputs.x.new_zeros(height, width), inputs.x.new_zeros(height, width)
    for first in range(0, len(corners), BATCH_SIZE):
        batch = corners[first : first + BATCH_SIZE]
        covered = inputs.x.repeat(len(batch), 1, 1, 1)
        for image, (top, left) in zip(covered, batch, strict=True):
            image[:, top : top + window, left : left + window] = 0  # the mean color, as x is normalized
        for logit, (top, left) in zip(inputs.network(covered)[:, inputs.target], batch, strict=True):
            drop[top : top + window, left : left + window] += uncovered - logit
            times[top : top + window, left : left + window] += 1
    return drop / times


def _starts(side: int, window: int, stride: int) -> list[int]:
    """Return where windows begin; the last ends at the far edge."""
    return [*range(0, side - window, stride), side - window]
