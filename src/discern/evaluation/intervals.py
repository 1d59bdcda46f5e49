"""How far a number may be off: Wilson's interval for a rate, the bootstrap for everything else."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping

import numpy as np

from discern.i18n import _

Interval = tuple[float, float] | None  # 95 %, low and high; None where it is not known

N_RESAMPLES = 1000
MIN_EXAMPLES = 10  # a bootstrap of fewer says nothing
_MAX_WEIGHTS = 2_000_000  # in memory at a time: 16 MB


def wilson(successes: float, n: float, z: float = 1.959963984540054) -> tuple[float, float]:
    """Return the Wilson score interval of a rate (Wilson 1927, JASA 22:209), 95 % unless ``z`` says otherwise.

    The plain interval, rate ± z sqrt(rate (1 - rate) / n), has no width at a rate of 0 or 1 and reaches beyond them.
    Wilson's asks instead which true rates would give the observed one within z standard errors.

    Examples
    --------
    >>> [round(x, 3) for x in wilson(9, 10)]
    [0.596, 0.982]
    """
    rate = successes / n
    centre = (rate + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * math.sqrt(rate * (1 - rate) / n + z * z / (4 * n * n))
    low = 0.0 if successes == 0 else max(0.0, centre - half)
    high = 1.0 if successes == n else min(1.0, centre + half)
    return low, high


def iter_resamples(n: int, count: int, seed: int = 0, groups: np.ndarray | None = None) -> Iterator[np.ndarray]:
    """Draw ``n`` examples with replacement ``count`` times; yield how often each was drawn, float (some resamples, n).

    A metric computed with these counts as weights is the metric of the resample: nothing is copied. With ``groups``,
    int (n,), whole groups are drawn, as many as there are (the cluster bootstrap: Davison and Hinkley 1997, "Bootstrap
    Methods and their Application", section 3.8).

    Examples
    --------
    >>> [w.sum(axis=1).tolist() for w in iter_resamples(5, 2)]
    [[5.0, 5.0]]
    """
    random = np.random.default_rng(seed)
    step = max(1, _MAX_WEIGHTS // n)
    member = np.arange(n) if groups is None else np.unique(groups, return_inverse=True)[1]
    n_groups = int(member.max(initial=-1)) + 1
    for start in range(0, count, step):
        drawn = random.integers(0, n_groups, (min(step, count - start), n_groups))
        weights = np.stack([np.bincount(row, minlength=n_groups) for row in drawn]).astype(np.float64)
        yield weights if groups is None else weights[:, member]


def grouped_rate(successes: np.ndarray, groups: np.ndarray, seed: int = 0) -> tuple[float, float]:
    """Return the 95 % interval of a rate whose examples come in groups: the cluster bootstrap over the groups.

    ``successes`` are bool (n,), ``groups`` int (n,). Of fewer than 10 groups, or where all groups have the same rate,
    it is Wilson's interval with the groups as its examples.

    Examples
    --------
    >>> [round(x, 2) for x in grouped_rate(np.array([True] * 30 + [False] * 10), np.repeat(np.arange(4), 10))]
    [0.3, 0.95]
    """
    member = np.unique(groups, return_inverse=True)[1]
    sizes, correct = np.bincount(member), np.bincount(member, weights=successes)
    n_groups, rate = len(sizes), float(successes.mean())
    if n_groups >= MIN_EXAMPLES:
        drawn = np.concatenate([w @ correct / (w @ sizes) for w in iter_resamples(n_groups, N_RESAMPLES, seed)])
        bounds = percentile_interval(drawn)
        if bounds:
            return bounds
    return wilson(rate * n_groups, n_groups)


def bootstrap_intervals(resampled: Iterable[Mapping[str, np.ndarray]]) -> dict[str, Interval]:
    """Return the interval of each metric, given its values on some resamples, (B,), then on others."""
    drawn: dict[str, list[np.ndarray]] = {}
    for metrics in resampled:
        for name, values in metrics.items():
            drawn.setdefault(name, []).append(values)
    return {name: percentile_interval(np.concatenate(values)) for name, values in drawn.items()}


def percentile_interval(values: np.ndarray) -> Interval:
    """Return the middle 95 % of a metric over the resamples; None where it has no value, or always the same.

    Examples
    --------
    >>> percentile_interval(np.linspace(0, 1, 201))
    (0.025, 0.975)
    """
    known = values[np.isfinite(values)]
    if len(known) < len(values) / 2 or not len(known) or np.ptp(known) == 0:
        return None
    low, high = np.quantile(known, (0.025, 0.975)).tolist()
    return low, high


def rate_text(rate: float | None, digits: int = 4) -> str:
    """Format an accuracy or another fraction as the reader's language writes it: a decimal, or per cent.

    Examples
    --------
    >>> rate_text(0.99721), rate_text(0.99721, 3), rate_text(None)
    ('0.9972', '0.997', '–')
    """
    return "–" if rate is None else _("{rate:.{digits}f}").format(rate=rate, digits=digits)


def rate_interval_text(bounds: Interval, digits: int = 4) -> str:
    """Format the interval of a fraction; a dash where it is not known.

    Examples
    --------
    >>> rate_interval_text((0.98441, 0.99951), 3)
    '0.984–1.000'
    """
    return "–" if bounds is None else "–".join(rate_text(bound, digits) for bound in bounds)


def interval_text(bounds: Interval, kind: str = ".4f") -> str:
    """Format an interval; a dash where it is not known.

    Examples
    --------
    >>> interval_text((0.98441, 0.99951)), interval_text(None)
    ('0.9844–0.9995', '–')
    """
    return "–" if bounds is None else f"{bounds[0]:{kind}}–{bounds[1]:{kind}}"


def number_text(value: float | None, kind: str = ".4f") -> str:
    """Format a number; a dash where there is none.

    Examples
    --------
    >>> number_text(0.99721), number_text(None)
    ('0.9972', '–')
    """
    return "–" if value is None else f"{value:{kind}}"
