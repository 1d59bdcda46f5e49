"""One search recorded point by point, for the animation."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from discern.search import Search
from discern.search.problems import build_function, build_tour

FRAMES = 40


@dataclass(frozen=True)
class Recording:
    """One algorithm's search on Rastrigin's function of two numbers, and on the tour.

    Attributes
    ----------
    algorithm : str
        Its name.
    evaluations : numpy.ndarray
        (F,): how many are done at each frame.
    evaluated : numpy.ndarray
        (budget, 2): the points on the surface, in the order in which they were evaluated.
    best : numpy.ndarray
        (F, 2): the best of them so far.
    tours : numpy.ndarray
        (F, cities): the shortest tour so far.
    lengths : numpy.ndarray
        (F,): its length.
    """

    algorithm: str
    evaluations: np.ndarray
    evaluated: np.ndarray
    best: np.ndarray
    tours: np.ndarray
    lengths: np.ndarray


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
            columns = list(points.columns().values())
            evaluated.extend(columns[0] if problem.cities is not None else np.stack(columns, axis=1))
            values.extend(new_values.tolist())
        best = [int(np.argmin(values[:done])) for done in frames]
        searches.append((np.array(evaluated), best, np.array(values)[best]))
    (points_2d, best_points, _values), (tours, best_tours, lengths) = searches
    return Recording(algorithm, frames, points_2d, points_2d[best_points], tours[best_tours], lengths)
