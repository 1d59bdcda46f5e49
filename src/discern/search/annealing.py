"""Simulated annealing (SA)."""

from __future__ import annotations

import numpy as np

from discern.search.neighborhood import sample_neighbors
from discern.search.proposals import Count, Fraction, Proposals
from discern.search.space import Space


def simulated_annealing(
    space: Space,
    rng: np.random.Generator,
    budget: int,
    *,
    cooling: Fraction = 0.9,
    accepted: Fraction = 0.8,
    frozen: Fraction = 1e-4,
    warm_up: Count = 20,
) -> Proposals:
    """Let one point wander; a worse neighbor is accepted with the probability exp(-rise / temperature).

    Source: S. Kirkpatrick, C. D. Gelatt and M. P. Vecchi, "Optimization by simulated annealing", Science 220(4598),
    1983; the rule of acceptance is that of N. Metropolis et al., Journal of Chemical Physics 21(6), 1953. The
    neighbors are those of `discern.search.neighborhood`.

    Parameters
    ----------
    cooling : float
        The temperature is multiplied by this again and again: Kirkpatrick's 0.9, a geometric
        schedule.
    accepted : float
        Fraction of rises that the first temperature would accept, measured on ``warm_up`` steps: 0.8, which P. van
        Laarhoven and E. Aarts, "Simulated annealing: theory and applications", 1987, report as Kirkpatrick's.
    frozen : float
        The last temperature, as a fraction of the first. The steps in between are spread evenly over the budget, and a
        search that goes on is warmed again.
    warm_up : int
        Steps from the first point to measure by.
    """
    start = space.sample(rng, 1)
    value = float((yield start)[0])
    trials = sample_neighbors(start.take(np.zeros(warm_up, dtype=int)), rng)[0]
    values = yield trials
    first = float(np.median(np.abs(values - value))) / -np.log(accepted) or 1.0
    if values.min() < value:
        start, value = trials.take([values.argmin()]), float(values.min())

    # Temperatures fall from the first to the frozen one in ``levels`` steps that share the budget evenly.
    levels = int(np.ceil(np.log(frozen) / np.log(cooling)))
    moves_per_level = max(1, (budget - warm_up - 1) // levels)
    step = 0
    while True:
        temperature = first * cooling ** (step // moves_per_level % levels)
        neighbour, _ = sample_neighbors(start, rng)
        rise = float((yield neighbour)[0]) - value
        if rise <= 0 or rng.random() < np.exp(-rise / temperature):
            start, value = neighbour, value + rise
        step += 1
