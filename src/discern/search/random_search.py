"""Random search: the floor that every other algorithm has to beat."""

from __future__ import annotations

import numpy as np

from discern.search.proposals import Count, Proposals
from discern.search.space import Space


def random_search(space: Space, rng: np.random.Generator, budget: int, *, batch: Count = 50) -> Proposals:
    """Draw points evenly, learning nothing from their values.

    Source: J. Bergstra and Y. Bengio, "Random search for hyper-parameter optimization", Journal of Machine Learning
    Research 13, 2012.

    Parameters
    ----------
    batch : int
        Points at a time; changes nothing but speed.
    """
    while True:
        yield space.sample(rng, batch)
