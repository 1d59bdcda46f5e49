"""Problems to race on: four functions whose minimum is 0, and a tour of cities."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from discern.errors import ConfigError, suggest
from discern.i18n import _
from discern.search.space import Float, Permutation, Points, Space

SHIFT_SEED = 2022
CITIES_SEED = 30


@dataclass(frozen=True)
class Problem:
    """Something to minimize."""

    name: str
    space: Space
    value: Callable[[Points], np.ndarray]  # N points -> their values (N,)
    solution: Mapping[str, float] | None = None  # the point of value 0, by name, where it is known
    cities: np.ndarray | None = None  # of a tour: (n, 2) places in the unit square


def sphere(z: np.ndarray) -> np.ndarray:
    """Compute the sum of squares, (..., D) -> (...): one smooth bowl."""
    return (z**2).sum(axis=-1)


def rosenbrock(z: np.ndarray) -> np.ndarray:
    """Compute a bent valley, 0 at z = 0 here (H. H. Rosenbrock, The Computer Journal 3(3), 1960, with x = z + 1)."""
    x = z + 1
    return (100 * (x[..., 1:] - x[..., :-1] ** 2) ** 2 + (1 - x[..., :-1]) ** 2).sum(axis=-1)


def rastrigin(z: np.ndarray) -> np.ndarray:
    """Compute a bowl with a minimum at about every whole number (L. A. Rastrigin, 1974)."""
    return (z**2 - 10 * np.cos(2 * np.pi * z) + 10).sum(axis=-1)


def ackley(z: np.ndarray) -> np.ndarray:
    """Compute a rough plain with one deep hole (D. H. Ackley, 1987)."""
    root, waves = np.sqrt((z**2).mean(axis=-1)), np.cos(2 * np.pi * z).mean(axis=-1)
    return np.maximum(20 - 20 * np.exp(-0.2 * root) + np.e - np.exp(waves), 0)  # rounding leaves -4e-16 at 0


FUNCTIONS: dict[str, tuple[Callable[[np.ndarray], np.ndarray], float]] = {
    "sphere": (sphere, 5.12),
    "rosenbrock": (rosenbrock, 2.048),
    "rastrigin": (rastrigin, 5.12),
    "ackley": (ackley, 32.768),
}
"""Name -> (function, half the side of its usual cube)."""
PROBLEMS = (*FUNCTIONS, "tour")


def build_function(name: str, dimensions: int = 10) -> Problem:
    """Build one of `FUNCTIONS`, its solution moved away from the middle of the space.

    Sphere, Rastrigin and Ackley are minimal in the very middle of their usual cube, where an algorithm may come by
    accident; the solution lies instead at a point drawn once, evenly from the middle half of the cube.
    Rosenbrock's stays where it is, at 1.

    Examples
    --------
    >>> problem = build_function("sphere", dimensions=2)
    >>> float(problem.value(problem.space.from_keys(np.array([[0.5, 0.5]])))[0]) > 0
    True
    """
    formula, half = FUNCTIONS[name]
    shift = np.random.default_rng(SHIFT_SEED).uniform(-half / 2, half / 2, dimensions)
    if name == "rosenbrock":
        shift = np.ones(dimensions)
    space = Space({f"x{i + 1}": Float(-half, half) for i in range(dimensions)})

    def value(points: Points) -> np.ndarray:
        return formula((2 * points.cells - 1) * half - shift)

    return Problem(name, space, value, dict(zip(space.dimensions, shift.tolist(), strict=True)))


def build_tour(cities: int = 30, seed: int = CITIES_SEED) -> Problem:
    """Build the travelling salesman's problem: the shortest closed tour of cities drawn evenly in the unit square."""
    places = np.random.default_rng(seed).random((cities, 2))
    distances = np.linalg.norm(places[:, None] - places[None], axis=-1)

    def value(points: Points) -> np.ndarray:
        (order,) = points.orders
        return distances[order, np.roll(order, -1, axis=1)].sum(axis=1)

    return Problem("tour", Space({"tour": Permutation(cities)}), value, cities=places)


def build_problem(name: str, dimensions: int = 10, cities: int = 30) -> Problem:
    """Build the problem called ``name``, one of `PROBLEMS`."""
    if name not in PROBLEMS:
        raise ConfigError(_('Unknown problem "{name}"{hint}.').format(name=name, hint=suggest(name, PROBLEMS)))
    return build_tour(cities) if name == "tour" else build_function(name, dimensions)
