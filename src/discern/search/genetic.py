"""The genetic algorithm (GA)."""

from __future__ import annotations

import numpy as np

from discern.search.neighborhood import pick_two_positions, reverse_stretch
from discern.search.proposals import Fraction, MinTwo, Positive, Proposals
from discern.search.space import Points, Space


def genetic(
    space: Space,
    rng: np.random.Generator,
    budget: int,
    *,
    population: MinTwo = 50,
    crossover: Fraction = 0.9,
    eta_crossover: Positive = 20.0,
    eta_mutation: Positive = 20.0,
    inversion: Fraction = 0.2,
) -> Proposals:
    """Breed generation after generation: the better of two is a parent, two parents mix into a child, which mutates.

    Source: J. H. Holland, "Adaptation in natural and artificial systems", 1975. Tournaments of two, and the best one
    stays: D. E. Goldberg, "Genetic algorithms in search, optimization, and machine learning", 1989. Cells are mixed by
    simulated binary crossover, SBX (K. Deb and R. B. Agrawal, Complex Systems 9(2), 1995), and mutated by a polynomial
    step (K. Deb and M. Goyal, Computer Science and Informatics 26(4), 1996); permutations by order crossover, OX
    (L. Davis, "Applying adaptive algorithms to epistatic domains", IJCAI 1985), and by inversion (Holland 1975).

    Parameters
    ----------
    population : int
        Children a generation; 50, as K. A. De Jong found good (thesis, 1975).
    crossover : float
        Probability that two parents mix: 0.9, as in NSGA-II (K. Deb et al., IEEE Transactions on Evolutionary
        Computation 6(2), 2002). A cell mutates with probability one over the number of cells, as there.
    eta_crossover, eta_mutation : float
        Distribution indices: 20, NSGA-II's; the larger, the more a child is like its parents.
    inversion : float
        Probability that a stretch of a child's permutation is reversed: one child in five, our own.
    """
    people = space.sample(rng, population)
    values = (yield people).copy()
    while True:
        mother, father = (people.take(_run_tournaments(values, rng)) for _ in range(2))
        mixed = rng.random(population) < crossover
        cells = np.where(mixed[:, None], _cross_sbx(mother, father, eta_crossover, rng), mother.cells)
        cells = _mutate(cells, space, eta_mutation, rng)
        orders = tuple(order.copy() for order in mother.orders)
        for order, other in zip(orders, father.orders, strict=True):
            for i in range(population):
                if mixed[i]:
                    order[i] = cross_orders(order[i], other[i], rng)
                if rng.random() < inversion:
                    reverse_stretch(order[i], rng)
        children = Points(space, cells, orders)
        child_values = (yield children).copy()
        best, worst = values.argmin(), child_values.argmax()
        people, last = children.replace(worst, people.take(best)), values[best]
        values = child_values
        values[worst] = last


def _run_tournaments(values: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return as many winners as there are people, each the better one of two drawn."""
    pairs = rng.integers(len(values), size=(len(values), 2))
    return pairs[np.arange(len(values)), values[pairs].argmin(axis=1)]


def _cross_sbx(mother: Points, father: Points, eta: float, rng: np.random.Generator) -> np.ndarray:
    """Return one child a couple, (N, D): near either parent, at a distance that shrinks with theirs."""
    u = rng.random(mother.cells.shape)
    beta = np.where(u < 0.5, 2 * u, 1 / (2 * (1 - u))) ** (1 / (eta + 1))
    side = rng.choice([-1, 1], u.shape)
    middle, half = (mother.cells + father.cells) / 2, (mother.cells - father.cells) / 2
    parent = np.where(side > 0, mother.cells, father.cells)
    # As in Deb's own code, each cell is mixed or left with equal chance; an option is never half of two.
    mixed = (rng.random(u.shape) < 0.5) & ~mother.space.unordered
    return np.where(mixed, np.clip(middle + side * beta * half, 0, 1), parent)


def _mutate(cells: np.ndarray, space: Space, eta: float, rng: np.random.Generator) -> np.ndarray:
    """Move one cell in D by a polynomial step, most often a small one; a choice is drawn anew."""
    u = rng.random(cells.shape)
    low, high = (2 * u) ** (1 / (eta + 1)) - 1, 1 - (2 * (1 - u)) ** (1 / (eta + 1))
    moved = np.where(space.unordered, u, np.clip(cells + np.where(u < 0.5, low, high), 0, 1))
    return np.where(rng.random(cells.shape) < 1 / max(1, cells.shape[1]), moved, cells)


def cross_orders(mother: np.ndarray, father: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Cross two orders by OX: a stretch of the mother stays in its place, the rest follows in the father's order.

    Examples
    --------
    >>> child = cross_orders(np.arange(8), np.arange(8)[::-1], np.random.default_rng(0))
    >>> sorted(child.tolist())
    [0, 1, 2, 3, 4, 5, 6, 7]
    """
    n = len(mother)
    i, j = pick_two_positions(n, rng)
    child = mother.copy()
    from_father = np.roll(father, -(j + 1))
    rest = from_father[~np.isin(from_father, mother[i : j + 1])]
    child[np.arange(j + 1, j + 1 + len(rest)) % n] = rest
    return child
