"""What the class loses when a part of the picture is covered.

M. D. Zeiler, R. Fergus, "Visualizing and Understanding Convolutional Networks", ECCV 2014, arXiv:1311.2901 (4.2).
"""

from __future__ import annotations

import torch
from torch import Tensor

from discern.explain.subject import Subject

PARTS = 8  # windows side by side across the picture; neighbours overlap by half
AT_ONCE = 32


@torch.no_grad()
def occlusion(subject: Subject, window: int | None = None, stride: int | None = None) -> Tensor:
    """How much lower the logit is with each pixel covered by the mean colour, averaged over the windows on it: (H, W).

    Parameters
    ----------
    subject : Subject
        What is explained.
    window, stride : int, optional
        Pixels a side that are covered, and from one window to the next; an eighth and a sixteenth of the picture.
    """
    height, width = subject.size
    window = min(window or max(2, height // PARTS), height, width)
    stride = stride or max(1, window // 2)
    places = [(top, left) for top in _starts(height, window, stride) for left in _starts(width, window, stride)]
    whole = subject.network(subject.x)[0, subject.target]
    lost, times = subject.x.new_zeros(height, width), subject.x.new_zeros(height, width)
    for first in range(0, len(places), AT_ONCE):
        some = places[first : first + AT_ONCE]
        covered = subject.x.repeat(len(some), 1, 1, 1)
        for picture, (top, left) in zip(covered, some, strict=True):
            picture[:, top : top + window, left : left + window] = 0
        for logit, (top, left) in zip(subject.network(covered)[:, subject.target], some, strict=True):
            lost[top : top + window, left : left + window] += whole - logit
            times[top : top + window, left : left + window] += 1
    return lost / times


def _starts(side: int, window: int, stride: int) -> list[int]:
    """Where windows begin; the last ends at the far edge."""
    return [*range(0, side - window, stride), side - window]
