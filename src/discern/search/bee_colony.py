"""Artificial bee colony (ABC)."""

from __future__ import annotations

from typing import Annotated

import numpy as np
from pydantic import Field

from discern.search.neighborhood import reflect, reverse_stretch
from discern.search.proposals import MinTwo, Proposals
from discern.search.space import Points, Space


def bee_colony(
    space: Space,
    rng: np.random.Generator,
    budget: int,
    *,
    sources: MinTwo = 25,
    limit: Annotated[int, Field(ge=0)] = 0,
) -> Proposals:
    """Try around each source of food with its own bee, good ones by onlookers as well; exhausted ones are left.

    Source: D. Karaboga, "An idea based on honey bee swarm for numerical optimization", technical report TR06, Erciyes
    University, 2005; D. Karaboga and B. Basturk, "A powerful and efficient algorithm for numerical function
    optimization: artificial bee colony (ABC) algorithm", Journal of Global Optimization 39(3), 2007.

    Near a source means: one dimension moved towards or away from another source's, x + phi (x - other), phi in [-1, 1];
    a permutation has a stretch reversed instead.

    Parameters
    ----------
    sources : int
        Half the colony: 25, of the 50 in D. Karaboga and B. Akay, "A comparative study of artificial bee colony
        algorithm", Applied Mathematics and Computation 214(1), 2009.
    limit : int
        Trials without a better place after which a source is left; 0 for sources x dimensions, as there.
    """
    limit = limit or sources * space.width
    food = space.sample(rng, sources)
    values = (yield food).copy()
    trials = np.zeros(sources, dtype=int)
    everyone = np.arange(sources)
    while True:
        # Fitness grows as the value falls, below 0 too: an onlooker chooses a source in proportion to it.
        fitness = np.where(values >= 0, 1 / (1 + np.abs(values)), 1 + np.abs(values))
        onlookers = rng.choice(sources, sources, p=fitness / fitness.sum())
        for visited in (everyone, onlookers):
            tried = _sample_near(food, visited, rng)
            tried_values = yield tried
            for i, source in enumerate(visited):
                trials[source] += 1
                if tried_values[i] < values[source]:
                    food = food.replace(source, tried.take(i))
                    values[source], trials[source] = tried_values[i], 0
        exhausted = int(trials.argmax())
        if trials[exhausted] > limit:
            scout = space.sample(rng, 1)
            values[exhausted] = (yield scout)[0]
            food, trials[exhausted] = food.replace(np.array([exhausted]), scout), 0


def _sample_near(food: Points, visited: np.ndarray, rng: np.random.Generator) -> Points:
    """Sample a place near each visited source (V,)."""
    space = food.space
    d, n = len(space.cells), len(food)
    near = food.take(visited)
    picked = space.owners[rng.integers(space.width, size=len(visited))]
    indices = np.flatnonzero(picked < d)
    columns = picked[indices]
    others = food.cells[(visited[indices] + rng.integers(1, n, len(indices))) % n, columns]  # any source but itself
    here = near.cells[indices, columns]
    moved = reflect(here + rng.uniform(-1, 1, len(indices)) * (here - others))
    near.cells[indices, columns] = np.where(space.unordered[columns], rng.random(len(indices)), moved)
    for i in np.flatnonzero(picked >= d):
        reverse_stretch(near.orders[picked[i] - d][i], rng)
    return near
