"""Ask a search for points, tell it their values: the one face of every algorithm.

An algorithm is a generator: it yields a batch of points and is sent their values, so its file reads from top to bottom
as its paper does, while whoever computes the values keeps the loop, the clock and the machine.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from discern.errors import ConfigError
from discern.i18n import _
from discern.search.algorithms import get_algorithm
from discern.search.space import Points, Space

WORST = 1e100  # stands for a value that is not a number; no algorithm gets a larger one


class Search:
    """A search for the smallest value of anything, within a budget of evaluations.

    Parameters
    ----------
    space : Space
        Where to look.
    budget : int
        Evaluations: how many points may be asked for.
    algorithm : str
        A name of ``discern.search.ALGORITHMS``.
    seed : int
        The same seed and the same values give the same points.
    **settings
        Those of the algorithm; its docstring says where the defaults come from.

    Attributes
    ----------
    best : dict
        The best point so far.
    best_value : float
        Its value; infinite as long as no value was a number.
    curve : list of float
        The best value after each evaluation; never rises.

    Raises
    ------
    ConfigError
        If there is no such algorithm or setting, or the budget is not above 0.

    Examples
    --------
    >>> from discern.search import Float, Int
    >>> space = Space({"x": Float(-5, 5), "n": Int(0, 9)})
    >>> search = Search(space, budget=500, algorithm="pso", seed=1)
    >>> while not search.done:
    ...     points = search.ask()
    ...     search.tell([(point["x"] - 1) ** 2 + abs(point["n"] - 7) for point in points])
    >>> search.best["n"], round(search.best["x"], 2)
    (7, 1.0)
    """

    def __init__(self, space: Space, budget: int, algorithm: str = "ga", seed: int = 0, **settings: Any) -> None:
        if budget < 1:
            raise ConfigError(_("budget={budget} is not allowed: 1 or more.").format(budget=budget))
        self.space, self.budget = space, budget
        self.best: dict[str, Any] = {}
        self.best_value = np.inf
        self.curve: list[float] = []
        self._proposals = get_algorithm(algorithm).start(space, np.random.default_rng(seed), budget, settings)
        self._pending: Points | None = next(self._proposals)

    @property
    def done(self) -> bool:
        """Whether the budget is spent."""
        return len(self.curve) >= self.budget

    def ask(self) -> Points:
        """Return the points to evaluate next: the same until their values come, never more than the budget has left."""
        if self.done or self._pending is None:
            raise ConfigError(_("The budget of {budget} evaluations is spent.").format(budget=self.budget))
        return self._pending[: self.budget - len(self.curve)]

    def tell(self, values: Sequence[float] | np.ndarray) -> None:
        """Take the value of each point of the last `ask`, in order; one that is not finite counts as the worst."""
        points = self.ask()
        numbers = np.asarray(values, dtype=float)
        if numbers.shape != (len(points),):
            message = _("Expected one value for each of the {n} points, got {m} values.")
            raise ConfigError(message.format(n=len(points), m=numbers.size))
        numbers = np.where(np.isfinite(numbers), numbers, np.inf)
        if numbers.min() < self.best_value or not self.best:
            self.best, self.best_value = points[int(numbers.argmin())], float(numbers.min())
        so_far = self.curve[-1] if self.curve else np.inf
        self.curve.extend(np.minimum.accumulate(np.minimum(numbers, so_far)).tolist())
        self._pending = None if self.done else self._proposals.send(np.clip(numbers, -WORST, WORST))
