"""Heuristic search algorithms compared on four functions and a tour, with the same seeds and the same budget.

The sources are in the docstrings of `discern.search`, one algorithm a file. Random search is the baseline; SciPy's
`dual_annealing` and `differential_evolution` compete, too.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Literal

import numpy as np
from pydantic import BeforeValidator, Field

from discern.i18n import N_, _
from discern.labs.search.figure import draw_curves, draw_surface, draw_tour
from discern.labs.search.recording import Recording, record_search
from discern.result import Result, Table
from discern.search import ALGORITHMS, race
from discern.search.problems import PROBLEMS, build_function, build_tour
from discern.search.race import RACERS, Race

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MAX_POINTS = 100  # of a curve
RECENT = 30  # points of a frame: the last ones evaluated
Animated = Literal["random", "ga", "sa", "ts", "aco", "pso", "bfo", "abc"]


def _parse_names(value: Any) -> Any:
    """Read ``"ga, pso"`` or a sequence of names."""
    return tuple(value.replace(",", " ").split()) if isinstance(value, str) else value


Names = Annotated[tuple[str, ...], BeforeValidator(_parse_names)]


@dataclass(frozen=True)
class SearchRace(Result):
    """The best values of A algorithms on P problems, and how soon they were found."""

    problems: tuple[str, ...]
    algorithms: tuple[str, ...]
    seeds: int  # runs of each algorithm on each problem
    budget: int  # evaluations of a run
    quartiles: np.ndarray  # (P, A, 3): first quartile, median and third quartile over the seeds of the best value
    best: np.ndarray  # (P, A, seeds): the best value of each run
    evaluations: np.ndarray  # (E,): where the curves are sampled
    curves: np.ndarray  # (P, A, seeds, E): the best value so far
    # Problem -> the algorithms of which three quarters of the runs end lower than three quarters of random search's.
    ahead: Mapping[str, tuple[str, ...]]
    cities: np.ndarray  # (n, 2): coordinates of the tour's cities
    tour: tuple[int, ...]  # the shortest found; empty where the tour is not among the problems
    recording: Recording  # of one search, for the animation

    figsize = (13.0, 7.0)

    def sentences(self) -> Sequence[str]:
        message = _("{seeds} runs of {budget:,} evaluations each; smaller values are better.")
        lines = [message.format(seeds=self.seeds, budget=self.budget)]
        for problem, quartiles in zip(self.problems, self.quartiles, strict=True):
            first = int(quartiles[:, 1].argmin())
            message = _("{problem}: {algorithm} has the lowest median, {median:.4g}.")
            lines.append(message.format(problem=problem, algorithm=self.algorithms[first], median=quartiles[first, 1]))
        if not_ahead := self._not_ahead():
            message = _("Not clearly better than random search within this budget: {names}.")
            lines.append(message.format(names="; ".join(not_ahead)))
        elif "random" in self.algorithms and len(self.algorithms) > 1:
            lines.append(_("All beat random search: three quarters of their runs beat three quarters of its runs."))
        if (self.seeds, self.budget) == (3, 300):
            lines.append(_("The full comparison takes minutes: discern lab search --seeds 20 --evaluations 5000"))
        return lines

    def _not_ahead(self) -> list[str]:
        """List by problem the algorithms that are not clearly better than random search."""
        names = [name for name in self.algorithms if name != "random"]
        others = {problem: [name for name in names if name not in ahead] for problem, ahead in self.ahead.items()}
        return [f"{problem}: {', '.join(behind)}" for problem, behind in others.items() if behind]

    def tables(self) -> Sequence[Table]:
        columns = (_("algorithm"), _("first quartile"), _("median"), _("third quartile"))
        tables = []
        for problem, quartiles in zip(self.problems, self.quartiles.tolist(), strict=True):
            rows = [
                (name, *(f"{value:.4g}" for value in values))
                for name, values in zip(self.algorithms, quartiles, strict=True)
            ]
            tables.append(Table(_("{problem}: best value found").format(problem=problem), columns, rows))
        algorithms = [ALGORITHMS[name] for name in self.algorithms if name in ALGORITHMS]
        facts = [(each.name, each.title(), str(each.year), each.idea()) for each in algorithms]
        if facts:
            columns = (_("algorithm"), _("full name"), _("year"), _("idea"))
            tables.append(Table(_("Algorithms"), columns, facts, text_columns=4))
        return tables

    def plot(self, figure: Figure) -> None:
        panels = len(self.problems) + bool(self.tour)
        columns = min(3, panels)
        axes = figure.subplots(-(-panels // columns), columns, squeeze=False).ravel()
        for ax, problem, curves in zip(axes, self.problems, self.curves, strict=False):
            draw_curves(ax, problem, self.algorithms, self.evaluations, curves)
        if self.tour:
            draw_tour(axes[panels - 1], self.cities, self.tour)
            axes[panels - 1].set_title(_("shortest tour found"))
        for ax in axes[panels:]:
            ax.set_axis_off()
        handles, labels = axes[0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside lower center", ncols=min(10, len(labels)), frameon=False)

    def frames(self) -> int:
        return len(self.recording.evaluations)

    def plot_frame(self, figure: Figure, frame: int) -> None:
        left, right = figure.subplots(1, 2)
        recording = self.recording
        done = int(recording.evaluations[frame])
        draw_surface(left, build_function("rastrigin", 2))
        recent = recording.evaluated[max(0, done - RECENT) : done]
        left.plot(*recent.T, "o", color="white", markeredgecolor="black")
        left.plot(*recording.best[frame], "*", color="crimson", markeredgecolor="white", markersize=18)
        title = _("{algorithm} on Rastrigin's function, {done:,} evaluations")
        left.set_title(title.format(algorithm=recording.algorithm, done=done))
        draw_tour(right, self.cities, recording.tours[frame])
        right.set_title(_("shortest tour so far: {length:.3f}").format(length=recording.lengths[frame]))


def run(
    problems: Annotated[Names, N_("Problems, separated by commas.")] = PROBLEMS,
    algorithms: Annotated[Names, N_("Algorithms, separated by commas.")] = RACERS,
    seeds: Annotated[int, Field(ge=1, le=100), N_("Runs of each algorithm on each problem.")] = 3,
    evaluations: Annotated[int, Field(ge=2, le=100_000), N_("Budget of a run: number of evaluations.")] = 300,
    dimensions: Annotated[int, Field(ge=2, le=100), N_("Dimensions of the functions.")] = 10,
    cities: Annotated[int, Field(ge=3, le=200), N_("Number of cities of the tour.")] = 30,
    animated: Annotated[Animated, N_("Algorithm that the animation shows.")] = "pso",
) -> SearchRace:
    """Compare search algorithms.

    Raises
    ------
    ConfigError
        When there is no such problem or algorithm.

    Examples
    --------
    >>> result = run(problems=("sphere",), algorithms=("random", "ts"), evaluations=500)
    >>> result.ahead
    {'sphere': ('ts',)}
    """
    result = race(problems, algorithms, seeds, evaluations, dimensions, cities)
    sampled = np.unique(np.linspace(1, evaluations, min(evaluations, MAX_POINTS)).astype(int))
    coordinates = build_tour(cities).cities
    assert coordinates is not None  # a tour has cities
    return SearchRace(
        problems=result.problems,
        algorithms=result.algorithms,
        seeds=seeds,
        budget=evaluations,
        quartiles=np.array([[result.quartiles(problem, name) for name in algorithms] for problem in problems]),
        best=result.best.copy(),
        evaluations=sampled,
        curves=result.curves[..., sampled - 1],
        ahead=_list_ahead(result),
        cities=coordinates,
        tour=_shortest_tour(result),
        recording=record_search(animated, evaluations, cities),
    )


def _list_ahead(result: Race) -> dict[str, tuple[str, ...]]:
    if "random" not in result.algorithms:
        return {}
    return {
        problem: tuple(name for name in result.algorithms if result.is_ahead(problem, name))
        for problem in result.problems
    }


def _shortest_tour(result: Race) -> tuple[int, ...]:
    if "tour" not in result.problems:
        return ()
    lengths = result.best[result.problems.index("tour")].min(axis=1)  # (A,)
    return tuple(result.points["tour"][result.algorithms[int(lengths.argmin())]]["tour"])
