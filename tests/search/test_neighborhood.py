"""Small steps stay in the space and change one thing."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from discern.search import Choice, Float, Int, Permutation, Space
from discern.search.genetic import cross_orders
from discern.search.neighborhood import pick_two_positions, reflect, sample_neighbors

MIXED = Space({"x": Float(0, 1), "n": Int(0, 9), "c": Choice("abc"), "p": Permutation(5), "q": Permutation(3)})


@given(st.integers(0, 10_000))
@settings(max_examples=30, deadline=None)
def test_a_step_changes_one_dimension(seed: int) -> None:
    rng = np.random.default_rng(seed)
    points = MIXED.sample(rng, 8)
    moved, moves = sample_neighbors(points, rng)
    assert ((moved.cells >= 0) & (moved.cells <= 1)).all()
    for before, after, (changed, *ends) in zip(points, moved, moves, strict=True):
        different = [name for name in MIXED.dimensions if before[name] != after[name]]
        name = list(MIXED.dimensions)[changed]
        assert different == [name]
        if name in "pq":
            assert sorted(after[name]) == list(range(len(before[name])))
            assert (ends[0], ends[1]) == tuple(sorted(ends))


def test_every_dimension_has_its_turn() -> None:
    rng = np.random.default_rng(0)
    _points, moves = sample_neighbors(MIXED.sample(rng, 2_200), rng)
    counts = np.bincount([move[0] for move in moves])
    np.testing.assert_allclose(counts / 2_200, np.array([1, 1, 1, 5, 3]) / 11, atol=0.04)


def test_reflection_and_pairs() -> None:
    np.testing.assert_allclose(reflect(np.array([-0.2, 0.3, 1.1, 1.9])), [0.2, 0.3, 0.9, 0.1])
    rng = np.random.default_rng(1)
    pairs, counts = np.unique([pick_two_positions(4, rng) for _ in range(6_000)], axis=0, return_counts=True)
    assert len(pairs) == 6
    assert (pairs[:, 0] < pairs[:, 1]).all()
    np.testing.assert_allclose(counts, 1_000, atol=150)


@given(st.integers(2, 12), st.integers(0, 1_000))
@settings(max_examples=40, deadline=None)
def test_order_crossover_keeps_a_stretch_and_the_order_of_the_rest(n: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    mother, father = rng.permutation(n), rng.permutation(n)
    i, j = pick_two_positions(n, np.random.default_rng(seed + 1))
    child = cross_orders(mother, father, np.random.default_rng(seed + 1))
    assert sorted(child) == list(range(n))
    np.testing.assert_array_equal(child[i : j + 1], mother[i : j + 1])
    after = np.roll(child, -(j + 1))[: n - (j - i + 1)]
    rest = [city for city in np.roll(father, -(j + 1)) if city not in mother[i : j + 1]]
    np.testing.assert_array_equal(after, rest)
