"""What every algorithm of the table promises."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from discern.errors import ConfigError
from discern.search import ALGORITHMS, Choice, Float, Int, Permutation, Points, Search, Space

NAMES = list(ALGORITHMS)
HEURISTICS = [name for name in NAMES if name != "random"]
SPACES = {
    "float": Space({"x": Float(-3, 3)}),
    "choice": Space({"c": Choice(("a", "b"))}),
    "one value": Space({"n": Int(7, 7)}),
    "tour": Space({"tour": Permutation(7)}),
    "two orders": Space({"p": Permutation(2), "q": Permutation(4)}),
    "mixed": Space(
        {
            "lr": Float(1e-5, 1e-1, log=True),
            "order": Permutation(5),
            "layers": Int(1, 6),
            "optimizer": Choice(("sgd", "adam", "rmsprop", "adamw")),
            "dropout": Float(0.0, 0.6),
        }
    ),
}
TRAINING = Space({name: kind for name, kind in SPACES["mixed"].dimensions.items() if name != "order"})


def loss(points: Points) -> list[float]:
    """Like the validation loss of a network: least (0) at lr 0.003, 4 layers, adam, dropout 0.2."""
    worse = {"sgd": 0.8, "adam": 0.0, "rmsprop": 0.4, "adamw": 0.2}
    return [
        (np.log10(p["lr"] / 3e-3)) ** 2
        + abs(p["layers"] - 4) / 3
        + worse[p["optimizer"]]
        + 10 * (p["dropout"] - 0.2) ** 2
        for p in points
    ]


def run(search: Search, value: Any) -> list[dict[str, Any]]:
    """Return all points that were proposed."""
    proposed = []
    while not search.done:
        points = search.ask()
        proposed += list(points)
        search.tell(value(points))
    return proposed


def inside(point: dict[str, Any], space: Space) -> bool:
    def fits(kind: Any, value: Any) -> bool:
        match kind:
            case Float() | Int():
                return kind.low <= value <= kind.high and isinstance(value, float if isinstance(kind, Float) else int)
            case Choice():
                return value in kind.options
            case _:
                return sorted(value) == list(range(kind.n))

    return point.keys() == space.dimensions.keys() and all(fits(space.dimensions[n], v) for n, v in point.items())


@pytest.mark.parametrize("space", SPACES)
@pytest.mark.parametrize("name", NAMES)
def test_proposed_points_lie_in_the_space_and_the_budget_holds(name: str, space: str) -> None:
    proposed: list[dict[str, Any]] = []
    rng = np.random.default_rng(0)
    search = Search(SPACES[space], 173, name)
    while not search.done:
        points = search.ask()
        assert list(points) == list(search.ask()), "asking again asks for the same"
        proposed += list(points)
        search.tell(rng.normal(size=len(points)))
    assert len(proposed) == len(search.curve) == 173
    assert all(inside(point, SPACES[space]) for point in proposed)
    with pytest.raises(ConfigError, match="173 evaluations is spent"):
        search.ask()


@pytest.mark.parametrize("name", NAMES)
def test_same_seed_same_run(name: str) -> None:
    first, again, other = (run(Search(TRAINING, 150, name, seed=seed), loss) for seed in (3, 3, 4))
    assert first == again
    assert first != other


@pytest.mark.parametrize("name", NAMES)
def test_the_best_is_the_minimum_and_never_rises(name: str) -> None:
    history: list[float] = []
    search = Search(SPACES["mixed"], 200, name, seed=1)
    while not search.done:
        points = search.ask()
        values = loss(points)
        history += values
        search.tell(values)
        if len(history) == len(values) or min(values) < min(history[: -len(values)]):
            expected = points[int(np.argmin(values))]
        assert (search.best, search.best_value) == (expected, min(history))
    np.testing.assert_array_equal(search.curve, np.minimum.accumulate(history))


@pytest.mark.parametrize("name", NAMES)
def test_values_that_are_no_numbers_count_as_the_worst(name: str) -> None:
    rng = np.random.default_rng(5)

    def broken(points: Points) -> np.ndarray:
        values = np.array(loss(points))
        values[rng.random(len(values)) < 0.4] = rng.choice([np.nan, np.inf, -np.inf])
        return values

    search = Search(TRAINING, 300, name, seed=2)
    run(search, broken)
    assert 0 <= search.best_value < 1
    assert loss([search.best]) == [search.best_value]  # type: ignore[arg-type]

    hopeless = Search(TRAINING, 60, name)
    run(hopeless, lambda points: [np.nan] * len(points))
    assert hopeless.best_value == np.inf
    assert inside(hopeless.best, TRAINING)


@pytest.mark.parametrize("name", NAMES)
def test_a_value_too_few_or_too_many_is_refused(name: str) -> None:
    search = Search(TRAINING, 100, name)
    n = len(search.ask())
    for wrong in ([0.0] * (n - 1), [0.0] * (n + 1), [[0.0]] * n):
        with pytest.raises(ConfigError, match=f"each of the {n} points"):
            search.tell(wrong)
    search.tell([0.0] * n)
    assert len(search.curve) == n


@pytest.mark.parametrize("name", HEURISTICS)
def test_tuning_beats_random_search(name: str) -> None:
    """On the median of nine seeds, within 300 evaluations of something like a training."""

    def median(algorithm: str) -> float:
        best = []
        for seed in range(9):
            search = Search(TRAINING, 300, algorithm, seed)
            run(search, loss)
            best.append(search.best_value)
        return float(np.median(best))

    assert median(name) < median("random")


@pytest.mark.parametrize("name", HEURISTICS)
def test_smaller_is_better_wherever_zero_is(name: str) -> None:
    """Minimization: a bowl that lies below 0, between large values, is descended too."""
    space = Space({"x": Float(-3, 3), "y": Float(-3, 3)})
    search = Search(space, 600, name, seed=0)
    run(search, lambda points: points.column("x") ** 2 + points.column("y") ** 2 - 1e4)
    assert search.best_value < -1e4 + 0.05


@pytest.mark.parametrize("name", NAMES)
def test_the_docstring_names_source_and_settings(name: str) -> None:
    algorithm = ALGORITHMS[name]
    text = algorithm.propose.__doc__ or ""
    assert "Source: " in text
    assert str(algorithm.year) in text
    assert algorithm.settings
    assert all(setting in text.partition("Parameters")[2] for setting in algorithm.settings)


@pytest.mark.parametrize(("name", "setting"), [(name, s) for name in NAMES for s in ALGORITHMS[name].settings])
def test_a_setting_runs_at_its_minimum_and_is_refused_below(name: str, setting: str) -> None:
    minimum = next(x for x in (0, 1, 2, 1e-3, 2.001) if allowed(name, setting, x))
    search = Search(SPACES["mixed"], 200, name, **{setting: minimum})
    run(search, loss)
    assert np.isfinite(search.best_value)
    with pytest.raises(ConfigError, match=f"{setting}=-1 is not allowed: "):
        Search(TRAINING, 100, name, **{setting: -1})


def allowed(name: str, setting: str, value: float) -> bool:
    try:
        Search(TRAINING, 100, name, **{setting: value})
    except ConfigError:
        return False
    return True


def test_settings_reach_the_algorithm_and_wrong_ones_are_refused() -> None:
    assert len(Search(TRAINING, 100, "pso", particles=7).ask()) == 7
    with pytest.raises(ConfigError, match="did you mean particles"):
        Search(TRAINING, 100, "pso", particle=7)
    for value in ("many", 0, 2.5):
        with pytest.raises(ConfigError, match=f"particles={value}"):
            Search(TRAINING, 100, "pso", particles=value)
    with pytest.raises(ConfigError, match="did you mean pso"):
        Search(TRAINING, 100, "psoo")
    with pytest.raises(ConfigError, match="budget=0"):
        Search(TRAINING, 0)
