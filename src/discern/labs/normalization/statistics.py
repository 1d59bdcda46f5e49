"""Which values of a tensor share a mean in each kind of normalization, and the running statistics of a batch.

Sources: see `discern.labs.normalization.lab`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from discern.i18n import _

Kind = Literal["batch", "layer", "instance", "group"]
KINDS: tuple[Kind, ...] = ("batch", "layer", "instance", "group")


@dataclass(frozen=True)
class Statistics:
    """The statistics of one group of values that share a mean."""

    members: str  # its examples and channels, counted from 1
    n: int  # number of values
    mean: float
    variance: float  # divided by n
    deviation: float  # sqrt(variance + eps), by which the values are divided


@dataclass(frozen=True)
class RunningStatistics:
    """The running statistics of every channel, (C,), after ``step`` batches."""

    step: int
    mean: np.ndarray
    variance: np.ndarray


def assign_groups(kind: str, examples: int, channels: int, groups: int) -> np.ndarray:
    """Return the group of values of every map: (N, C)."""
    example, channel = np.indices((examples, channels))
    if kind == "batch":
        return channel
    # Layer normalization is one group of channels, instance normalization as many groups as channels.
    per_example = {"layer": 1, "instance": channels, "group": math.gcd(groups, channels)}[kind]
    return example * per_example + channel * per_example // channels


def describe_members(mask: np.ndarray) -> str:
    """Name the examples and channels that are set in a mask (N, C)."""
    examples, channels = (
        f"{indices[0] + 1}" if len(indices) == 1 else f"{indices[0] + 1}-{indices[-1] + 1}"
        for indices in (np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0)))
    )
    return _("example {examples}, channel {channels}").format(examples=examples, channels=channels)


def update_running(statistics: Sequence[Statistics], steps: int, momentum: float) -> tuple[RunningStatistics, ...]:
    """Compute the running statistics while the same batch is repeated."""
    mean = np.array([one.mean for one in statistics])
    unbiased = np.array([one.variance * one.n / (one.n - 1) for one in statistics])  # as in PyTorch
    states = [RunningStatistics(0, np.zeros_like(mean), np.ones_like(mean))]
    for step in range(1, steps + 1):
        last = states[-1]
        new_mean = (1 - momentum) * last.mean + momentum * mean
        states.append(RunningStatistics(step, new_mean, (1 - momentum) * last.variance + momentum * unbiased))
    return tuple(states)


def normalize_with(
    x: np.ndarray, state: RunningStatistics, scale: np.ndarray, shift: np.ndarray, eps: float
) -> np.ndarray:
    """Apply batch normalization in evaluation mode, (N, C, H, W) -> (N, C, H, W): a fixed line for each channel."""
    slope = scale / np.sqrt(state.variance + eps)
    return (x - state.mean[:, None, None]) * slope[:, None, None] + shift[:, None, None]
