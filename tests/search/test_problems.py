"""The problems: their least value, where it lies, and the tour."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from scipy import optimize  # type: ignore[import-untyped]

from discern.errors import ConfigError
from discern.search.problems import FUNCTIONS, PROBLEMS, Problem, build_problem, build_tour, rosenbrock
from discern.search.space import Float, Points


def at(found: Problem, place: np.ndarray) -> float:
    low, high = np.array([(kind.low, kind.high) for kind in found.space.cells if isinstance(kind, Float)]).T
    return float(found.value(Points(found.space, ((place - low) / (high - low))[None], ()))[0])


@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.parametrize("dimensions", [2, 10])
def test_the_solution_is_least_and_not_in_the_middle(name: str, dimensions: int) -> None:
    found = build_problem(name, dimensions)
    assert found.solution is not None
    solution = np.array(list(found.solution.values()))
    assert at(found, solution) == pytest.approx(0, abs=1e-12)
    assert np.abs(solution).min() > 1e-3
    around = solution + np.random.default_rng(0).normal(scale=0.1, size=(50, dimensions))
    assert min(at(found, place) for place in around) > 1e-6
    drawn = found.space.sample(np.random.default_rng(1), 500)
    assert found.value(drawn).min() > 0
    assert [at(found, np.array(list(point.values()))) for point in drawn[:3]] == pytest.approx(found.value(drawn[:3]))


def test_rosenbrock_is_scipys() -> None:
    drawn = np.random.default_rng(0).normal(size=(20, 6))
    np.testing.assert_allclose(rosenbrock(drawn - 1), [optimize.rosen(row) for row in drawn])


def test_a_tour_is_closed_and_has_no_start() -> None:
    found = build_tour(cities=6)
    assert found.cities is not None
    order = np.array([2, 0, 5, 1, 4, 3])
    length = sum(np.linalg.norm(found.cities[a] - found.cities[b]) for a, b in itertools.pairwise([*order, 2]))
    same = np.stack([order, np.roll(order, 2), order[::-1]])
    np.testing.assert_allclose(found.value(Points(found.space, np.empty((3, 0)), (same,))), length)


def test_unknown_names_are_refused() -> None:
    with pytest.raises(ConfigError, match="did you mean rastrigin"):
        build_problem("rastrigan")
    with pytest.raises(ConfigError, match=f"choose one of {', '.join(PROBLEMS)}"):
        build_problem("xyz")
