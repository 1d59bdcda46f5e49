"""The table of algorithms: a name, the facts a person chooses by, and the function that proposes points."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, get_type_hints

import numpy as np
from pydantic import ValidationError, create_model

from discern.errors import ConfigError, suggest
from discern.i18n import N_, _
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

# Name -> what it does, in one sentence.
IDEAS = {
    "random": N_("Points drawn evenly: the baseline that every other algorithm has to beat."),
    "ga": N_("The better points are parents, two parents mix into a child, and a child mutates."),
    "sa": N_("One point wanders; the hotter it is, the likelier it accepts a worse place, and it cools."),
    "ts": N_("Always on to the best neighbour, even a worse one; what was just changed is tabu for a while."),
    "aco": N_("Ants follow the traces of the good points found before, and the traces fade."),
    "pso": N_("Particles fly on, drawn to the best place each has visited and to the best any has."),
    "bfo": N_("Bacteria tumble and swim on while it gets better; the healthy half splits, a few are swept away."),
    "abc": N_("Bees try around their sources of food, onlookers around the good ones; exhausted ones are left."),
}


@dataclass(frozen=True)
class Algorithm:
    """One algorithm."""

    name: str  # what a person types
    year: int  # of its publication
    full_name: str  # in English
    # (space, random generator, budget, its settings by name) -> proposals; its docstring has the source.
    propose: Callable[..., Proposals]

    def title(self) -> str:
        """Return its name in full, translated."""
        return _(self.full_name)

    def idea(self) -> str:
        """Return what it does in one sentence, translated."""
        return _(IDEAS[self.name])

    @property
    def settings(self) -> dict[str, int | float]:
        """Defaults by name."""
        parameters = inspect.signature(self.propose).parameters.values()
        return {each.name: each.default for each in parameters if each.kind is each.KEYWORD_ONLY}

    def start(self, space: Space, rng: np.random.Generator, budget: int, settings: Mapping[str, Any]) -> Proposals:
        """Start proposing points; a setting with a name or a value that is not allowed is a `ConfigError`."""
        defaults = self.settings
        for name in settings:
            if name not in defaults:
                raise unknown_setting(name, list(defaults), owner=self.name)
        types = get_type_hints(self.propose, include_extras=True)
        fields: dict[str, Any] = {name: (types[name], default) for name, default in defaults.items()}
        try:
            checked = create_model(self.name, **fields).model_validate(dict(settings))
        except ValidationError as error:
            raise ConfigError(describe_error(error, settings)) from error
        return self.propose(space, rng, budget, **{name: getattr(checked, name) for name in defaults})


_ROWS = (
    Algorithm("random", 2012, N_("random search"), random_search),
    Algorithm("ga", 1975, N_("genetic algorithm"), genetic),
    Algorithm("sa", 1983, N_("simulated annealing"), simulated_annealing),
    Algorithm("ts", 1989, N_("tabu search"), tabu_search),
    Algorithm("aco", 1996, N_("ant colony optimisation"), ant_colony),
    Algorithm("pso", 1995, N_("particle swarm optimisation"), particle_swarm),
    Algorithm("bfo", 2002, N_("bacterial foraging optimisation"), bacterial_foraging),
    Algorithm("abc", 2005, N_("artificial bee colony"), bee_colony),
)
ALGORITHMS: dict[str, Algorithm] = {row.name: row for row in _ROWS}


def get_algorithm(name: str) -> Algorithm:
    """Return the algorithm called ``name``."""
    if name not in ALGORITHMS:
        raise ConfigError(_('Unknown algorithm "{name}"{hint}.').format(name=name, hint=suggest(name, ALGORITHMS)))
    return ALGORITHMS[name]
