"""One search recorded point by point, for the animation."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from discern.search import Search
from discern.search.problems import build_function, build_tour

FRAMES = 40


@dataclass(frozen=True)
class Recording:
    """One algorithm's search on Rastrigin's function of two numbers, and on the tour, in F frames."""

    algorithm: str
    evaluations: np.ndarray  # (F,): how many are done at each frame
    evaluated: np.ndarray  # (budget, 2): the points on the surface, in the order in which they were evaluated
    best: np.ndarray  # (F, 2): the best of them so far
    tours: np.ndarray  # (F, cities): the shortest tour so far
    lengths: np.ndarray  # (F,): its length


def record_search(algorithm: str, budget: int, cities: int, seed: int = 0) -> Recording:
    """Run one algorithm on the surface and on the tour, and keep every point that it evaluates."""
    frames = np.unique(np.linspace(1, budget, min(budget, FRAMES)).astype(int))
    searches = []
    for problem in (build_function("rastrigin", 2), build_tour(cities)):
        search = Search(problem.space, budget, algorithm, seed)
        evaluated: list[np.ndarray] = []
        values: list[float] = []
        while not search.done:
            points = search.ask()
            new_values = problem.value(points)
            search.tell(new_values)
            evaluated.extend(np.column_stack(list(points.columns().values())))
            values.extend(new_values.tolist())
        best = [int(np.argmin(values[:done])) for done in frames]
        searches.append((np.array(evaluated), best, np.array(values)[best]))
    (points_2d, best_points, _values), (tours, best_tours, lengths) = searches
    return Recording(algorithm, frames, points_2d, points_2d[best_points], tours[best_tours], lengths)
