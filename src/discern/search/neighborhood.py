"""One small step from a point: what simulated annealing, tabu search and the bees have in common.

A step changes one dimension; a permutation is picked as often as as many cells as it has elements.

- A number moves by a distance drawn evenly on a log scale from 0.001 to 0.5 of its range: no scale is favoured, so none
  has to be tuned to a problem. At the ends of the range it is reflected.
- A whole number moves so too, by one at least; a choice becomes any other option.
- A permutation has a stretch of it reversed: 2-opt (G. A. Croes, "A method for solving traveling-salesman problems",
  Operations Research 6(6), 1958).
"""

from __future__ import annotations

import numpy as np

from discern.search.space import Points

MIN_STEP, MAX_STEP = 1e-3, 0.5

Move = tuple[int, int, int]
"""What a step changed: (cell, 0, 0), or (D + permutation, one end's element, the other's), the smaller one first."""


def sample_neighbors(points: Points, rng: np.random.Generator) -> tuple[Points, list[Move]]:
    """Return a neighbor of each of N points, and what was changed to come to it."""
    space = points.space
    d = len(space.cells)
    picked = space.owners[rng.integers(space.width, size=len(points))]
    cells, orders = points.cells.copy(), tuple(order.copy() for order in points.orders)
    indices = np.flatnonzero(picked < d)
    cells[indices, picked[indices]] = _move_cells(points, indices, picked[indices], rng)
    moves: list[Move] = [(int(k), 0, 0) for k in picked]
    for i in np.flatnonzero(picked >= d):
        moves[i] = (int(picked[i]), *reverse_stretch(orders[picked[i] - d][i], rng))
    return Points(space, cells, orders), moves


def reverse_stretch(order: np.ndarray, rng: np.random.Generator) -> tuple[int, int]:
    """Reverse a random stretch of ``order`` (n,) in place; the elements at its ends, the smaller one first."""
    i, j = pick_two_positions(len(order), rng)
    order[i : j + 1] = order[i : j + 1][::-1]
    first, last = sorted((int(order[i]), int(order[j])))
    return first, last


def pick_two_positions(n: int, rng: np.random.Generator) -> tuple[int, int]:
    """Pick two different positions of ``n``, the lower one first; every pair is as likely."""
    i = int(rng.integers(n))
    j = (i + int(rng.integers(1, n))) % n
    return min(i, j), max(i, j)


def reflect(cells: np.ndarray) -> np.ndarray:
    """Mirror cells up to 1 outside of [0, 1] back into it."""
    return 1 - np.abs(1 - np.abs(cells))


def _move_cells(points: Points, indices: np.ndarray, columns: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return the new values of cells [indices, columns], (R,)."""
    old, bins = points.cells[indices, columns], points.space.bins[columns]
    sign = 2 * rng.integers(2, size=len(indices)) - 1
    distance = MIN_STEP * (MAX_STEP / MIN_STEP) ** rng.random(len(indices))
    if not bins.any():
        return reflect(old + sign * distance)
    n = np.maximum(bins, 1)
    step = sign * np.where(bins > 0, np.maximum(distance, 1 / n), distance)
    near = reflect(old + step)
    stayed = (bins > 0) & (np.floor(near * n) == np.floor(old * n))  # reflected back to the same whole number
    near = np.where(stayed, reflect(old - step), near)
    other = (old + rng.integers(1, np.maximum(n, 2)) / n) % 1
    return np.where(points.space.unordered[columns], other, near)
