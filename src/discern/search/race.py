"""Algorithms on the same problems, with the same budget and the same seeds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from discern.errors import ConfigError
from discern.i18n import _
from discern.search.algorithms import ALGORITHMS, get_algorithm
from discern.search.ask_tell import Search
from discern.search.problems import PROBLEMS, Problem, build_problem
from discern.search.scipy_baselines import SCIPY_BASELINES, Outcome

RACERS = (*ALGORITHMS, *SCIPY_BASELINES)


@dataclass(frozen=True)
class Race:
    """Every run of a race of A algorithms on P problems."""

    problems: tuple[str, ...]
    algorithms: tuple[str, ...]
    curves: np.ndarray  # (P, A, seeds, budget): the best value after each evaluation
    points: Mapping[str, Mapping[str, dict[str, Any]]]  # problem -> algorithm -> its best point over all seeds, by name

    @property
    def best(self) -> np.ndarray:
        """(P, A, seeds): the best value of each run."""
        return self.curves[..., -1]

    def quartiles(self, problem: str, algorithm: str) -> tuple[float, float, float]:
        """Return first quartile, median and third quartile of the best values over the seeds."""
        values = self.best[self.problems.index(problem), self.algorithms.index(algorithm)]
        first, median, third = np.percentile(values, [25, 50, 75])
        return float(first), float(median), float(third)

    def is_ahead(self, problem: str, algorithm: str, other: str = "random") -> bool:
        """Return whether three quarters of its runs end lower than three quarters of the ``other``'s."""
        return self.quartiles(problem, algorithm)[2] < self.quartiles(problem, other)[0]


def race(
    problems: Sequence[str] = PROBLEMS,
    algorithms: Sequence[str] = RACERS,
    seeds: int = 20,
    budget: int = 5000,
    dimensions: int = 10,
    cities: int = 30,
) -> Race:
    """Let every algorithm search for the minimum of every problem, seeds 0 to ``seeds`` - 1.

    Parameters
    ----------
    problems : sequence of str
        Of `PROBLEMS`.
    algorithms : sequence of str
        Of `RACERS`: the table of algorithms and SciPy's; each with its defaults, whatever the problem.
    budget : int
        Evaluations a run.
    dimensions, cities : int
        Of the functions, and of the tour.

    Raises
    ------
    ConfigError
        If a name is not known, or there is nothing to race.

    Examples
    --------
    >>> result = race(["sphere"], ["random", "pso"], seeds=3, budget=600, dimensions=3)
    >>> result.curves.shape, result.is_ahead("sphere", "pso")
    ((1, 2, 3, 600), True)
    """
    if min(len(problems), len(algorithms), seeds, budget) < 1:
        raise ConfigError(_("A race takes at least one problem, algorithm, seed and evaluation."))
    for name in algorithms:
        if name not in SCIPY_BASELINES:
            get_algorithm(name)
    built = [build_problem(name, dimensions, cities) for name in problems]
    curves = np.empty((len(built), len(algorithms), seeds, budget))
    points: dict[str, dict[str, dict[str, Any]]] = {problem.name: {} for problem in built}
    for p, problem in enumerate(built):
        for a, algorithm in enumerate(algorithms):
            outcomes = [run_algorithm(problem, algorithm, budget, seed) for seed in range(seeds)]
            curves[p, a] = [curve for curve, _point in outcomes]
            points[problem.name][algorithm] = outcomes[curves[p, a, :, -1].argmin()][1]
    return Race(tuple(problems), tuple(algorithms), curves, points)


def run_algorithm(problem: Problem, algorithm: str, budget: int, seed: int) -> Outcome:
    """Run one algorithm on one problem; return its curve (budget,) and its best point."""
    if algorithm in SCIPY_BASELINES:
        return SCIPY_BASELINES[algorithm](problem, budget, seed)
    search = Search(problem.space, budget, algorithm, seed)
    while not search.done:
        search.tell(problem.value(search.ask()))
    return np.array(search.curve), search.best
