"""Dimensions, points, and what is not a space."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from discern.errors import ConfigError
from discern.search import Choice, Float, Int, Permutation, Space
from discern.search.space import join_points

MIXED = Space(
    {
        "lr": Float(1e-5, 1e-1, log=True),
        "order": Permutation(6),
        "layers": Int(1, 4),
        "optimizer": Choice(("sgd", "adam", None)),
        "dropout": Float(0.0, 0.5),
    }
)


def test_a_point_is_a_value_a_name() -> None:
    points = MIXED.from_keys(np.array([[0.0, 0.0, 0.0, 1.0, *range(6)], [1.0, 1.0, 0.99, 0.0, *range(6, 0, -1)]]))
    low = {"lr": 1e-5, "order": [0, 1, 2, 3, 4, 5], "layers": 1, "optimizer": "sgd", "dropout": 0.5}
    high = {"lr": 1e-1, "order": [5, 4, 3, 2, 1, 0], "layers": 4, "optimizer": None, "dropout": 0.0}
    assert list(points) == [low, high]
    assert all(type(value) in (float, list, int, str) for value in points[0].values())


def test_the_middle_of_a_logarithmic_range_is_the_geometric_mean() -> None:
    assert Float(1e-4, 1.0, log=True).values(np.array([0.5])) == pytest.approx(1e-2)


@given(st.integers(-50, 50), st.integers(0, 100))
@settings(max_examples=20, deadline=None)
def test_every_whole_number_is_as_likely(low: int, span: int) -> None:
    grid = (np.arange(10 * (span + 1)) + 0.5) / (10 * (span + 1))
    found, counts = np.unique(Int(low, low + span).values(grid), return_counts=True)
    np.testing.assert_array_equal(found, np.arange(low, low + span + 1))
    assert (counts == 10).all()


@given(st.floats(-1e6, 1e6), st.floats(1e-3, 1e6), st.floats(0, 1))
@settings(max_examples=50, deadline=None)
def test_rounding_never_leaves_the_range(low: float, span: float, cell: float) -> None:
    for kind in (Float(low, low + span), Float(span, span * 3, log=True)):
        value = kind.values(np.array([cell]))[0]
        assert kind.low <= value <= kind.high


def test_take_replace_and_join() -> None:
    points = MIXED.sample(np.random.default_rng(0), 4)
    changed = points.replace(np.array([False, True, False, True]), points.take([0, 0]))
    assert [changed[i] for i in range(4)] == [points[0], points[0], points[2], points[0]]
    assert points[1] != points[0], "the original keeps its own"
    assert list(join_points(points[:1], points[2:])) == [points[0], points[2], points[3]]


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (lambda: Float(1.0, 1.0), "from 1.0 to 1.0"),
        (lambda: Float(0.0, float("nan")), "larger"),
        (lambda: Float(0.0, 1.0, log=True), "above 0"),
        (lambda: Int(3, 2), "from 3 to 2"),
        (lambda: Choice(()), "one option"),
        (lambda: Permutation(1), "not 1"),
        (lambda: Space({}), "one dimension"),
    ],
)
def test_what_is_no_space_is_refused(wrong: Any, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        wrong()
