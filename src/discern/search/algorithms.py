"""The table of algorithms: a name, the facts a person chooses by, and the function that proposes points."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, get_type_hints

import numpy as np
from pydantic import ValidationError, create_model

from discern.errors import ConfigError, suggest
from discern.i18n import _
from discern.search.annealing import simulated_annealing
from discern.search.ant_colony import ant_colony
from discern.search.bacterial_foraging import bacterial_foraging
from discern.search.bee_colony import bee_colony
from discern.search.genetic import genetic
from discern.search.particle_swarm import particle_swarm
from discern.search.proposals import Proposals
from discern.search.random_search import random_search
from discern.search.space import Space
from discern.search.tabu import tabu_search
from discern.settings import describe_error, unknown_setting


@dataclass(frozen=True)
class Algorithm:
    """One algorithm.

    Attributes
    ----------
    name : str
        What a person types.
    year : int
        Of its publication.
    title, idea : callable
        Its name in full, and what it does in one sentence, translated.
    propose : callable
        (space, generator of random numbers, budget, its settings by name) -> proposals; its docstring has the source.
    """

    name: str
    year: int
    title: Callable[[], str]
    idea: Callable[[], str]
    propose: Callable[..., Proposals]

    @property
    def settings(self) -> dict[str, int | float]:
        """Defaults by name."""
        parameters = inspect.signature(self.propose).parameters.values()
        return {each.name: each.default for each in parameters if each.kind is each.KEYWORD_ONLY}

    def start(self, space: Space, rng: np.random.Generator, budget: int, settings: Mapping[str, Any]) -> Proposals:
        """Start proposing points.

        Raises
        ------
        ConfigError
            If a setting has a name or a value that is not allowed.
        """
        defaults = self.settings
        for unknown in (name for name in settings if name not in defaults):
            raise unknown_setting(unknown, list(defaults), owner=self.name)
        types = get_type_hints(self.propose, include_extras=True)
        fields: dict[str, Any] = {name: (types[name], default) for name, default in defaults.items()}
        try:
            checked = create_model(self.name, **fields).model_validate(dict(settings))
        except ValidationError as error:
            raise ConfigError(describe_error(error, settings)) from error
        return self.propose(space, rng, budget, **{name: getattr(checked, name) for name in defaults})


_ROWS = (
    Algorithm(
        "random",
        2012,
        lambda: _("random search"),
        lambda: _("Points drawn evenly: the baseline that every other algorithm has to beat."),
        random_search,
    ),
    Algorithm(
        "ga",
        1975,
        lambda: _("genetic algorithm"),
        lambda: _("The better points are parents, two parents mix into a child, and a child mutates."),
        genetic,
    ),
    Algorithm(
        "sa",
        1983,
        lambda: _("simulated annealing"),
        lambda: _("One point wanders; the hotter it is, the likelier it accepts a worse place, and it cools."),
        simulated_annealing,
    ),
    Algorithm(
        "ts",
        1989,
        lambda: _("tabu search"),
        lambda: _("Always on to the best neighbour, even a worse one; what was just changed is tabu for a while."),
        tabu_search,
    ),
    Algorithm(
        "aco",
        1996,
        lambda: _("ant colony optimisation"),
        lambda: _("Ants follow the traces of the good points found before, and the traces fade."),
        ant_colony,
    ),
    Algorithm(
        "pso",
        1995,
        lambda: _("particle swarm optimisation"),
        lambda: _("Particles fly on, drawn to the best place each has visited and to the best any has."),
        particle_swarm,
    ),
    Algorithm(
        "bfo",
        2002,
        lambda: _("bacterial foraging optimisation"),
        lambda: _("Bacteria tumble and swim on while it gets better; the healthy half splits, a few are swept away."),
        bacterial_foraging,
    ),
    Algorithm(
        "abc",
        2005,
        lambda: _("artificial bee colony"),
        lambda: _("Bees try around their sources of food, onlookers around the good ones; exhausted ones are left."),
        bee_colony,
    ),
)
ALGORITHMS: dict[str, Algorithm] = {row.name: row for row in _ROWS}


def get_algorithm(name: str) -> Algorithm:
    """Return the algorithm called ``name``.

    Raises
    ------
    ConfigError
        If there is none.
    """
    if name not in ALGORITHMS:
        raise ConfigError(_('Unknown algorithm "{name}"{hint}.').format(name=name, hint=suggest(name, ALGORITHMS)))
    return ALGORITHMS[name]
