"""The race, and what it must show: every heuristic ahead of random search at an equal budget."""

from __future__ import annotations

import numpy as np
import pytest

from discern.errors import ConfigError
from discern.search import ALGORITHMS, Search
from discern.search.problems import build_problem
from discern.search.race import RACERS, race
from discern.search.scipy_baselines import SCIPY_BASELINES

HEURISTICS = [name for name in ALGORITHMS if name != "random"]
SHOWN = ("sphere", "rastrigin", "tour")


def test_a_race_holds_every_run() -> None:
    result = race(["tour", "ackley"], ["sa", "pso"], seeds=3, budget=120, dimensions=4, cities=8)
    assert result.curves.shape == (2, 2, 3, 120)
    assert (np.diff(result.curves, axis=-1) <= 0).all()
    again = Search(build_problem("ackley", 4).space, 120, "pso", seed=2)
    while not again.done:
        again.tell(build_problem("ackley", 4).value(again.ask()))
    np.testing.assert_array_equal(result.curves[1, 1, 2], again.curve)
    first, median, third = result.quartiles("ackley", "pso")
    assert (first, median, third) == tuple(np.percentile(result.best[1, 1], [25, 50, 75]))
    assert sorted(result.points["tour"]["sa"]["tour"]) == list(range(8))
    assert result.points["ackley"].keys() == {"sa", "pso"}


@pytest.mark.parametrize("name", SCIPY_BASELINES)
@pytest.mark.parametrize("on", ["sphere", "tour"])
def test_scipy_baselines_keep_the_budget(name: str, on: str, monkeypatch: pytest.MonkeyPatch) -> None:
    problem = build_problem(on, dimensions=3, cities=7)
    counted = 0

    def value(points: object) -> np.ndarray:
        nonlocal counted
        counted += 1
        return problem.value(points)  # type: ignore[arg-type]

    counting = type(problem)(problem.name, problem.space, value)
    curve, point = SCIPY_BASELINES[name](counting, 300, 0)
    assert curve.shape == (300,)
    assert counted <= 300
    assert (np.diff(curve) <= 0).all()
    again, _point = SCIPY_BASELINES[name](problem, 300, 0)
    np.testing.assert_array_equal(curve, again)
    assert point.keys() == problem.space.dimensions.keys()


def test_a_baseline_that_stops_early_holds_its_best() -> None:
    curve, _point = SCIPY_BASELINES["differential_evolution"](build_problem("sphere", dimensions=2), 8_000, 0)
    assert len(curve) == 8_000
    assert curve[-1] == curve[7_000] < 1e-6


@pytest.mark.parametrize("on", SHOWN)
def test_heuristics_are_ahead_of_random_search_soon(on: str) -> None:
    result = race([on], ["random", *HEURISTICS], seeds=5, budget=2_000)
    assert [name for name in HEURISTICS if not result.is_ahead(on, name)] == []


@pytest.mark.slow
def test_heuristics_are_ahead_of_random_search_and_baselines_stand_beside() -> None:
    result = race(SHOWN, RACERS, seeds=20, budget=5_000)
    assert result.curves.shape == (3, len(RACERS), 20, 5_000)
    assert [(on, name) for on in SHOWN for name in HEURISTICS if not result.is_ahead(on, name)] == []
    # Differential evolution does not get on with a tour's random keys.
    assert all(result.is_ahead(on, "dual_annealing") for on in SHOWN)
    assert all(result.is_ahead(on, "differential_evolution") for on in ("sphere", "rastrigin"))


def test_nothing_to_race_is_refused() -> None:
    for wrong in ({"problems": []}, {"algorithms": []}, {"seeds": 0}, {"budget": 0}):
        with pytest.raises(ConfigError, match="at least"):
            race(**wrong)  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match='Unknown algorithm "gaa"'):
        race(algorithms=["gaa"])
