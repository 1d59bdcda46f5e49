"""Bacterial foraging optimization (BFO)."""

from __future__ import annotations

from typing import Annotated

import numpy as np
from pydantic import Field

from discern.search.neighborhood import reflect
from discern.search.proposals import Count, Fraction, Proposals
from discern.search.space import Space


def bacterial_foraging(
    space: Space,
    rng: np.random.Generator,
    budget: int,
    *,
    bacteria: Count = 10,
    step: Fraction = 0.01,
    swims: Annotated[int, Field(ge=0)] = 4,
    lifetime: Count = 5,
    generations: Count = 8,
    dispersal: Fraction = 0.25,
    attractant: Annotated[float, Field(ge=0)] = 0.1,
) -> Proposals:
    """Let bacteria tumble, swim on while it gets better, gather; the healthy half splits, a few are swept away.

    Source: K. M. Passino, "Biomimicry of bacterial foraging for distributed optimization and control", IEEE Control
    Systems Magazine 22(3), 2002; the loops below are his table: elimination and dispersal, reproduction, chemotaxis.
    All bacteria make a step at the same time, where his make it one after the other. A bacterium that would leave the
    space is reflected; a permutation is swum over as random keys (Bean 1994).

    Passino's own numbers (S = 50 bacteria, Nc = 100 steps a life, Nre = 4 generations) ask for 50,000 evaluations and
    more before the first is swept away; here there are fewer of each, for whole lives within some hundred evaluations.

    Parameters
    ----------
    bacteria : int
        S.
    step : float
        C: how far a step goes in each dimension, on the average (root mean square), as a fraction of its range; about
        his 0.1 of a range of 30 in two dimensions, 0.0024, times four, for the fewer steps. Where there are few
        values, it is as far as to the next one.
    swims : int
        Ns: steps straight on at most, as long as it gets better: his 4.
    lifetime : int
        Nc: tumbles before the healthier half, by the sum of values over its life, takes the place of the other.
    generations : int
        Nre: lives before some are swept away.
    dispersal : float
        ped: probability that a bacterium is then swept to anywhere: his 0.25.
    attractant : float
        How deep, in the unit of the values, the others' attractant and how high their repellent: his 0.1.
    """
    reach = np.full(space.width, step)
    reach[: len(space.cells)] = np.maximum(step, 1 / np.maximum(space.bins, 1) * (space.bins > 0))
    place = rng.random((bacteria, space.width))
    value = (yield space.from_keys(place)).copy()
    while True:
        for _ in range(generations):
            health = np.zeros(bacteria)
            for _ in range(lifetime):
                direction = _draw_directions(place.shape, rng)
                swimming = np.arange(bacteria)
                for _ in range(1 + swims):
                    before = (value + compute_swarming(place, attractant))[swimming]
                    place[swimming] = reflect(place[swimming] + reach * direction[swimming])
                    value[swimming] = yield space.from_keys(place[swimming])
                    after = (value + compute_swarming(place, attractant))[swimming]
                    swimming = swimming[after < before]
                    if not len(swimming):
                        break
                health += value + compute_swarming(place, attractant)
            healthy = np.argsort(health, kind="stable")[: (bacteria + 1) // 2]
            parents = np.concatenate([healthy, healthy])[:bacteria]
            place, value = place[parents], value[parents]
        swept = np.flatnonzero(rng.random(bacteria) < dispersal)
        if len(swept):
            place[swept] = rng.random((len(swept), space.width))
            value[swept] = yield space.from_keys(place[swept])


def compute_swarming(place: np.ndarray, attractant: float) -> np.ndarray:
    """Return what neighbors add to the value of each place, (S, W) -> (S,): attraction far out, repulsion near by.

    Passino's J_cc with his widths: 0.2 for the attractant, 10 for the repellent.
    """
    square = ((place[:, None] - place[None]) ** 2).sum(axis=-1)
    return attractant * (np.exp(-10 * square) - np.exp(-0.2 * square)).sum(axis=1)


def _draw_directions(shape: tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
    """Draw a tumble each: any direction, (S, W), of length sqrt(W)."""
    drawn = rng.normal(size=shape)
    return drawn * np.sqrt(shape[1]) / np.linalg.norm(drawn, axis=1, keepdims=True)
