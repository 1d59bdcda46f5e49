from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import brentq

from discern.evaluation.intervals import grouped_rate, iter_resamples, percentile_interval, wilson

Z = 1.959963984540054


@given(st.integers(1, 5000), st.data())
def test_the_interval_is_wilsons(n: int, data: st.DataObject) -> None:
    """Its ends are the rates p whose score test just fails: (k/n - p)^2 = z^2 p (1 - p) / n."""
    k = data.draw(st.integers(0, n))
    low, high = wilson(k, n)

    def score(p: float) -> float:
        return (k / n - p) ** 2 - Z * Z * p * (1 - p) / n

    assert low == pytest.approx(brentq(score, 0, min(k / n, 1 - 1e-9)) if k else 0.0, abs=1e-9)
    assert high == pytest.approx(brentq(score, max(k / n, 1e-9), 1) if k < n else 1.0, abs=1e-9)
    assert 0 <= low <= k / n <= high <= 1


@given(st.integers(1, 500), st.data())
def test_the_interval_has_no_favourite_side(n: int, data: st.DataObject) -> None:
    k = data.draw(st.integers(0, n))
    low, high = wilson(k, n)
    assert wilson(n - k, n) == pytest.approx((1 - high, 1 - low), abs=1e-9)


def test_the_interval_covers_as_often_as_it_says() -> None:
    random = np.random.default_rng(0)
    successes = random.binomial(100, 0.8, 2000)
    covered = np.mean([low <= 0.8 <= high for low, high in (wilson(int(k), 100) for k in successes)])
    assert 0.93 < covered < 0.97


@given(st.integers(1, 50), st.integers(1, 20))
def test_every_resample_has_as_many_images(n: int, count: int) -> None:
    drawn = np.concatenate(list(iter_resamples(n, count)))
    assert drawn.shape == (count, n)
    assert (drawn.sum(axis=1) == n).all()


def test_what_does_not_differ_has_no_interval() -> None:
    assert percentile_interval(np.ones(100)) is None
    assert percentile_interval(np.full(100, np.nan)) is None
    assert percentile_interval(np.array([])) is None


def test_whole_groups_are_drawn() -> None:
    groups = np.array([5, 5, 5, 9, 7, 7])
    drawn = np.concatenate(list(iter_resamples(6, 50, groups=groups)))
    assert (drawn[:, 0] == drawn[:, 2]).all()
    assert (drawn[:, 4] == drawn[:, 5]).all()
    assert (drawn[:, 0] + drawn[:, 3] + drawn[:, 4] == 3).all()


def test_a_rate_by_groups_covers_as_often_as_it_says() -> None:
    """Groups of 20 examples that are all alike: the plain interval would cover half as often."""
    random, covered, plain = np.random.default_rng(0), 0, 0
    for _ in range(100):
        correct = np.repeat(random.random(40) < 0.7, 20)
        low, high = grouped_rate(correct, np.repeat(np.arange(40), 20))
        covered += low <= 0.7 <= high
        low, high = wilson(correct.sum(), len(correct))
        plain += low <= 0.7 <= high
    assert covered >= 88 > 60 > plain


def test_few_groups_count_as_examples() -> None:
    correct, groups = np.ones(60, dtype=bool), np.repeat(np.arange(6), 10)
    assert grouped_rate(correct, groups) == wilson(6, 6)
    assert grouped_rate(np.ones(600, dtype=bool), np.repeat(np.arange(60), 10)) == wilson(60, 60)
