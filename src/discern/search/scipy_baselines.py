"""Baselines from outside: SciPy's global optimizers, on the same problems within the same budget.

Dual annealing: Y. Xiang et al., Physics Letters A 233(3), 1997, with a local search by L-BFGS-B. Differential
evolution: R. Storn and K. Price, Journal of Global Optimization 11(4), 1997.
"""

from __future__ import annotations

from contextlib import suppress
from functools import partial
from typing import Any

import numpy as np

from discern.search.problems import Problem

Outcome = tuple[np.ndarray, dict[str, Any]]
"""The best value after each evaluation (budget,), and the best point."""


class _BudgetSpent(Exception):
    """The budget is spent."""


def run_scipy(optimizer: str, problem: Problem, budget: int, seed: int) -> Outcome:
    """Run a function of `scipy.optimize` as it comes; one that stops early holds its best value for the rest."""
    from scipy import optimize  # type: ignore[import-untyped]

    visited: list[np.ndarray] = []
    values: list[float] = []

    def value(keys: np.ndarray) -> float:
        if len(values) >= budget:
            raise _BudgetSpent
        visited.append(keys.clip(0, 1)[None])
        values.append(float(problem.value(problem.space.from_keys(visited[-1]))[0]))
        return values[-1]

    limit = {"maxfun": budget} if optimizer == "dual_annealing" else {}
    with suppress(_BudgetSpent):
        getattr(optimize, optimizer)(value, [(0.0, 1.0)] * problem.space.width, seed=seed, **limit)
    curve = np.minimum.accumulate(values)
    best = problem.space.from_keys(visited[int(np.argmin(values))])[0]
    return np.pad(curve, (0, budget - len(curve)), mode="edge"), best


SCIPY_BASELINES = {name: partial(run_scipy, name) for name in ("dual_annealing", "differential_evolution")}
