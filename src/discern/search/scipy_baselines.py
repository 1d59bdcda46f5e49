"""Baselines from outside: SciPy's global optimizers, on the same problems within the same budget."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any

import numpy as np

from discern.search.problems import Problem
from discern.search.space import Points

Outcome = tuple[np.ndarray, dict[str, Any]]
"""The best value after each evaluation (budget,), and the best point."""


class _BudgetSpent(Exception):
    """The budget is spent."""


class _CountedProblem:
    """A problem as SciPy takes one: a function of one row of keys that counts its calls."""

    def __init__(self, problem: Problem, budget: int) -> None:
        self.problem, self.budget = problem, budget
        self.values: list[float] = []
        self.best: Points | None = None
        self.best_value = np.inf

    def __call__(self, keys: np.ndarray) -> float:
        if len(self.values) >= self.budget:
            raise _BudgetSpent
        point = self.problem.space.from_keys(keys.clip(0, 1)[None])
        value = float(self.problem.value(point)[0])
        if self.best is None or value < self.best_value:
            self.best, self.best_value = point, value
        self.values.append(value)
        return value

    def outcome(self) -> Outcome:
        """Return the curve and the best point; one that stopped early holds its best value for the rest."""
        assert self.best is not None
        curve = np.minimum.accumulate(self.values)
        return np.pad(curve, (0, self.budget - len(curve)), mode="edge"), self.best[0]


def run_dual_annealing(problem: Problem, budget: int, seed: int) -> Outcome:
    """Run `scipy.optimize.dual_annealing` as it comes.

    Y. Xiang et al., Physics Letters A 233(3), 1997, with a local search by L-BFGS-B.
    """
    from scipy import optimize  # type: ignore[import-untyped]

    return _run(problem, budget, lambda f, bounds: optimize.dual_annealing(f, bounds, seed=seed, maxfun=budget))


def run_differential_evolution(problem: Problem, budget: int, seed: int) -> Outcome:
    """Run `scipy.optimize.differential_evolution` as it comes.

    R. Storn and K. Price, Journal of Global Optimization 11(4), 1997.
    """
    from scipy import optimize

    return _run(problem, budget, lambda f, bounds: optimize.differential_evolution(f, bounds, seed=seed))


def _run(
    problem: Problem, budget: int, optimize: Callable[[_CountedProblem, list[tuple[float, float]]], Any]
) -> Outcome:
    counted = _CountedProblem(problem, budget)
    with suppress(_BudgetSpent):
        optimize(counted, [(0.0, 1.0)] * problem.space.width)
    return counted.outcome()


SCIPY_BASELINES = {"dual_annealing": run_dual_annealing, "differential_evolution": run_differential_evolution}
