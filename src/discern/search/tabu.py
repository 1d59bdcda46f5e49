"""Tabu search (TS)."""

from __future__ import annotations

from collections import deque

import numpy as np

from discern.search.neighborhood import Move, sample_neighbors
from discern.search.proposals import Count, Proposals
from discern.search.space import Space


def tabu_search(
    space: Space, rng: np.random.Generator, budget: int, *, neighbors: Count = 20, tenure: Count = 7
) -> Proposals:
    """Move to the best neighbor, even a worse one; what was just changed is tabu for a while.

    Source: F. Glover, "Tabu search, part I", ORSA Journal on Computing 1(3), 1989: a short-term memory of moves, and an
    aspiration that lets a tabu move pass if it leads to the best value yet. Of a large neighborhood a sample is
    evaluated (his candidate list); the neighbors are those of `discern.search.neighborhood`. Tabu is to change the
    same cell, or to reverse the stretch with the same two ends, as that is what would undo the move.

    Parameters
    ----------
    neighbors : int
        Evaluated at a time: 20, our own.
    tenure : int
        Moves that are tabu: 7, which Glover found good for many problems, and no more than half of the dimensions.
    """
    here = space.sample(rng, 1)
    best = float((yield here)[0])
    tabu: deque[Move] = deque(maxlen=max(1, min(tenure, space.width // 2)))
    while True:
        around, moves = sample_neighbors(here.take(np.zeros(neighbors, dtype=int)), rng)
        values = yield around
        allowed = [i for i, move in enumerate(moves) if move not in tabu or values[i] < best]
        # Where all is tabu, the rule would end the search: the best neighbor is taken all the same.
        chosen = min(allowed or range(neighbors), key=lambda i: values[i])
        here = around.take([chosen])
        tabu.append(moves[chosen])
        best = min(best, float(values[chosen]))
