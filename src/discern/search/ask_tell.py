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
from discern.search.space import Points, Space
from discern.search.table import find

WORST = 1e100  # what an algorithm is told for a value that is not a number, and the largest it ever sees


class Search:
    """The smallest value of anything, within a budget of evaluations.

    Parameters
    ----------
    space : Space
        Where to look.
    budget : int
        Evaluations: points that may be asked for altogether.
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
            raise ConfigError(_("A budget is one evaluation or more, not {budget}.").format(budget=budget))
        self.space, self.budget = space, budget
        self.best: dict[str, Any] = {}
        self.best_value = np.inf
        self.curve: list[float] = []
        self._walk = find(algorithm).start(space, np.random.default_rng(seed), budget, settings)
        self._asked: Points | None = next(self._walk)

    @property
    def done(self) -> bool:
        """Whether the budget is spent."""
        return len(self.curve) >= self.budget

    def ask(self) -> Points:
        """The points to value next: the same until their values are told, never more than the budget has left."""
        if self.done or self._asked is None:
            raise ConfigError(_("The budget of {budget} evaluations is spent.").format(budget=self.budget))
        return self._asked[: self.budget - len(self.curve)]

    def tell(self, values: Sequence[float] | np.ndarray) -> None:
        """The value of each point last asked, in order; one that is not finite counts as the worst there is."""
        points = self.ask()
        told = np.asarray(values, dtype=float)
        if told.shape != (len(points),):
            sentence = _("{n} points were asked for and {m} values told; tell one value for each point.")
            raise ConfigError(sentence.format(n=len(points), m=told.size))
        told = np.where(np.isfinite(told), told, np.inf)
        if told.min() < self.best_value or not self.best:
            self.best, self.best_value = points[int(told.argmin())], float(told.min())
        so_far = self.curve[-1] if self.curve else np.inf
        self.curve.extend(np.minimum.accumulate(np.minimum(told, so_far)).tolist())
        self._asked = None if self.done else self._walk.send(np.clip(told, -WORST, WORST))
