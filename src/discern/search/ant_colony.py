"""Ant colony optimization (ACO): pheromone for permutations, an archive of good points for cells."""

from __future__ import annotations

import numpy as np

from discern.search.neighborhood import reflect
from discern.search.proposals import Count, Fraction, MinTwo, Positive, Proposals
from discern.search.space import Points, Space, join_points


def ant_colony(
    space: Space,
    rng: np.random.Generator,
    budget: int,
    *,
    ants: Count = 10,
    archive: MinTwo = 50,
    locality: Positive = 1e-4,
    spread: Positive = 0.85,
    evaporation: Fraction = 0.1,
) -> Proposals:
    """Send ants along the traces of the good points found before, and let the traces fade.

    Source: M. Dorigo, V. Maniezzo and A. Colorni, "Ant system: optimization by a colony of cooperating agents", IEEE
    Transactions on Systems, Man, and Cybernetics B 26(1), 1996. Permutations: MAX-MIN ant system (T. Stuetzle and
    H. Hoos, Future Generation Computer Systems 16(8), 2000), in which only the best ant leaves pheromone and pheromone
    has bounds, here 1 and 1 / (2 n) whatever the scale of the values (the hyper-cube framework of C. Blum and
    M. Dorigo, IEEE Transactions on Systems, Man, and Cybernetics B 34(2), 2004). A search that gets values alone
    knows no distances, so ants go by pheromone only. Cells: ACO_R (K. Socha and M. Dorigo, "Ant colony optimization for
    continuous domains", European Journal of Operational Research 185(3), 2008).

    Parameters
    ----------
    ants : int
        Points a round: 10, those of M. Dorigo and L. M. Gambardella, "Ant colony system", IEEE Transactions on
        Evolutionary Computation 1(1), 1997.
    archive, locality, spread : int, float, float
        ACO_R's k, q and xi: the paper's 50, 0.0001 and 0.85.
    evaporation : float
        Fraction of the pheromone that goes a round: 0.1, ant colony system's.
    """
    elite = space.sample(rng, archive)
    values = yield elite
    elite, values = _keep_best(elite, values, archive)
    # Row n is the start of an order: what comes first is learned like what follows what.
    traces = [np.ones((n + 1, n)) for n in space.lengths]
    rank = np.arange(len(values))
    weights = np.exp(-(rank**2) / (2 * (locality * archive) ** 2))
    while True:
        guides = rng.choice(archive, size=ants, p=weights / weights.sum())
        cells = _sample_cells(elite, guides, spread, rng)
        orders = tuple(_build_orders(trace, ants, rng) for trace in traces)
        visited = Points(space, cells, orders)
        visited_values = yield visited
        elite, values = _keep_best(join_points(elite, visited), np.concatenate([values, visited_values]), archive)
        for trace, order in zip(traces, elite.orders, strict=True):
            trace *= 1 - evaporation
            # only the best order leaves pheromone, on each pair of elements that follow each other in it
            trace[np.append(len(order[0]), order[0][:-1]), order[0]] += evaporation
            np.clip(trace, 1 / (2 * len(order[0])), 1, out=trace)


def _keep_best(points: Points, values: np.ndarray, n: int) -> tuple[Points, np.ndarray]:
    """Return the best ``n``, best first."""
    best = np.argsort(values, kind="stable")[:n]
    return points.take(best), values[best]


def _sample_cells(elite: Points, guides: np.ndarray, spread: float, rng: np.random.Generator) -> np.ndarray:
    """Sample around each guide, as wide in a cell as the archive lies from it there: (A,) -> (A, D)."""
    centres = elite.cells[guides]
    widths = spread * np.abs(elite.cells[None] - centres[:, None]).sum(axis=1) / (len(elite) - 1)
    near = reflect(np.clip(rng.normal(centres, widths), -1, 2))
    # A choice, whose near cells are not alike, is the guide's option, or any with the chance of one in ten.
    options = np.where(rng.random(centres.shape) < 0.1, rng.random(centres.shape), centres)
    return np.where(elite.space.unordered, options, near)


def _build_orders(trace: np.ndarray, ants: int, rng: np.random.Generator) -> np.ndarray:
    """Build one order an ant, element after element, each drawn by its pheromone: (n + 1, n) -> (A, n)."""
    n = trace.shape[1]
    orders, unused = np.empty((ants, n), dtype=int), np.ones((ants, n))
    here, indices = np.full(ants, n), np.arange(ants)
    for position in range(n):
        reach = np.cumsum(trace[here] * unused, axis=1)
        # The first element whose cumulated pheromone passes the draw; those used add none and are never the first.
        here = (reach > rng.random((ants, 1)) * reach[:, -1:]).argmax(axis=1)
        orders[:, position] = here
        unused[indices, here] = 0
    return orders
