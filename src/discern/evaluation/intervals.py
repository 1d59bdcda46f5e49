"""How far a number may be off: Wilson's interval for a rate, the bootstrap for everything else."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

RESAMPLES = 1000
LEAST = 10  # pictures; a bootstrap of fewer says nothing
_AT_ONCE = 2_000_000  # weights held at a time


def wilson(successes: float, n: float, z: float = 1.959963984540054) -> tuple[float, float]:
    """The Wilson score interval of a rate (Wilson 1927, JASA 22:209), 95 % unless ``z`` says otherwise.

    Examples
    --------
    >>> [round(x, 3) for x in wilson(9, 10)]
    [0.596, 0.982]
    """
    rate = successes / n
    middle = (rate + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * math.sqrt(rate * (1 - rate) / n + z * z / (4 * n * n))
    low = 0.0 if successes == 0 else max(0.0, middle - half)
    high = 1.0 if successes == n else min(1.0, middle + half)
    return low, high


def resamples(n: int, count: int, seed: int = 0) -> Iterator[np.ndarray]:
    """How often each of ``n`` pictures was drawn in each of ``count`` draws with replacement: float (some, n), in turn.

    Examples
    --------
    >>> [w.sum(axis=1).tolist() for w in resamples(5, 2)]
    [[5.0, 5.0]]
    """
    random = np.random.default_rng(seed)
    rows = max(1, _AT_ONCE // n)
    for start in range(0, count, rows):
        drawn = random.integers(0, n, (min(rows, count - start), n))
        yield np.stack([np.bincount(row, minlength=n) for row in drawn]).astype(np.float64)


def percentiles(values: np.ndarray) -> tuple[float, float] | None:
    """The middle 95 % of what resamples gave; None where they gave nothing, or all the same.

    Examples
    --------
    >>> percentiles(np.linspace(0, 1, 201))
    (0.025, 0.975)
    """
    known = values[np.isfinite(values)]
    if len(known) < len(values) / 2 or not len(known) or np.ptp(known) == 0:
        return None
    low, high = np.quantile(known, (0.025, 0.975)).tolist()
    return low, high
