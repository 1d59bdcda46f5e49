"""Particle swarm optimization (PSO)."""

from __future__ import annotations

from typing import Annotated

import numpy as np
from pydantic import Field

from discern.search.proposals import Count, Proposals
from discern.search.space import Space


def particle_swarm(
    space: Space,
    rng: np.random.Generator,
    budget: int,
    *,
    particles: Count = 30,
    phi: Annotated[float, Field(gt=2)] = 2.05,
) -> Proposals:
    """Let particles fly on, drawn to the best place each has visited and to the best any has.

    Source: J. Kennedy and R. Eberhart, "Particle swarm optimization", Proc. IEEE Int. Conf. Neural Networks, 1995; with
    the constriction of M. Clerc and J. Kennedy, "The particle swarm: explosion, stability, and convergence in a
    multidimensional complex space", IEEE Transactions on Evolutionary Computation 6(1), 2002, which keeps the swarm
    from flying apart without a limit on the speed.

    A permutation is flown over as random keys (Bean 1994). A particle that would leave the space stops at its border.

    Parameters
    ----------
    particles : int
        In the swarm: 30, as in R. Eberhart and Y. Shi, "Comparing inertia weights and constriction factors in particle
        swarm optimization", Congress on Evolutionary Computation, 2000.
    phi : float
        How strongly each of the two places draws; above 2. The paper's 2.05 makes chi 0.7298.
    """
    total = 2 * phi
    # The constriction chi makes the pull of the two places (phi each) damp the speed just enough to converge.
    chi = 2 / (total - 2 + np.sqrt(total**2 - 4 * total))
    place = rng.random((particles, space.width))
    speed = (rng.random(place.shape) - place) / 2
    best, best_values = place.copy(), (yield space.from_keys(place)).copy()
    while True:
        leader = best[best_values.argmin()]
        own, common = rng.random((2, *place.shape))
        speed = chi * (speed + phi * own * (best - place) + phi * common * (leader - place))
        place = place + speed
        speed[(place < 0) | (place > 1)] = 0
        place = place.clip(0, 1)
        values = yield space.from_keys(place)
        better = values < best_values
        best[better], best_values[better] = place[better], values[better]
