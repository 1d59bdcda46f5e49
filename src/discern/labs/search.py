"""Heuristic searches in a race: on four functions and a tour, with the same seeds and the same budget.

The sources are in the docstrings of `discern.search`, one algorithm a file; random search is the floor, SciPy's
`dual_annealing` and `differential_evolution` are rivals from outside.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Literal

import numpy as np
from pydantic import BeforeValidator, Field

from discern.i18n import N_, _
from discern.result import Cell, Result, Table
from discern.search import ALGORITHMS, Search, race
from discern.search.problems import PROBLEMS, Problem, build_function, build_tour
from discern.search.race import RACERS, Race
from discern.search.scipy_baselines import SCIPY_BASELINES

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MOST_DRAWN = 100  # points of a curve
FRAMES = 40
SWARM = 30  # points of a frame: those asked for last
LEAST_DRAWN = 1e-4  # a value below it is 0 to the eye
Watchable = Literal["random", "ga", "sa", "ts", "aco", "pso", "bfo", "abc"]


def _names(value: Any) -> Any:
    """Read ``"ga, pso"`` or a sequence of names."""
    return tuple(value.replace(",", " ").split()) if isinstance(value, str) else value


Names = Annotated[tuple[str, ...], BeforeValidator(_names)]


@dataclass(frozen=True)
class Watched:
    """One algorithm looked at while it searches, on Rastrigin's surface over two numbers and on the tour.

    Attributes
    ----------
    algorithm : str
    evaluations : numpy.ndarray
        (F,) how many are done at each frame.
    asked : numpy.ndarray
        (budget, 2) the points on the surface, in the order they were asked for.
    best : numpy.ndarray
        (F, 2) the best of them so far.
    tours : numpy.ndarray
        (F, cities) the shortest tour so far.
    lengths : numpy.ndarray
        (F,) of these.
    """

    algorithm: str
    evaluations: np.ndarray
    evaluated: np.ndarray
    best: np.ndarray
    tours: np.ndarray
    lengths: np.ndarray


@dataclass(frozen=True)
class SearchRace(Result):
    """What every run found, and how soon.

    Attributes
    ----------
    problems, algorithms : tuple of str
        Names; P and A of them.
    seeds, budget : int
        Runs of each, and evaluations of a run.
    quartiles : numpy.ndarray
        (P, A, 3): first quartile, median and third quartile over the seeds of the best value found.
    best : numpy.ndarray
        (P, A, seeds): the best value of each run.
    evaluations : numpy.ndarray
        (E,) where the curves are read.
    curves : numpy.ndarray
        (P, A, seeds, E): the best value so far.
    ahead : mapping
        Problem -> the algorithms of which three quarters of the runs end lower than three quarters of random search's.
    cities : numpy.ndarray
        (n, 2): places of the tour's cities.
    tour : tuple of int
        The shortest tour found; empty if none was looked for.
    watched : Watched
        For the animation.
    """

    problems: tuple[str, ...]
    algorithms: tuple[str, ...]
    seeds: int
    budget: int
    quartiles: np.ndarray
    best: np.ndarray
    evaluations: np.ndarray
    curves: np.ndarray
    ahead: Mapping[str, tuple[str, ...]]
    cities: np.ndarray
    tour: tuple[int, ...]
    watched: Watched

    figsize = (13.0, 7.0)

    def sentences(self) -> Sequence[str]:
        lines = _("{seeds} runs each of {budget:,} evaluations; the smaller a value, the better.")
        sentences = [lines.format(seeds=self.seeds, budget=self.budget)]
        for p, problem in enumerate(self.problems):
            first = int(self.quartiles[p, :, 1].argmin())
            message = _("{problem}: {algorithm} ends lowest, its median is {median:.4g}.")
            median = self.quartiles[p, first, 1]
            sentences.append(message.format(problem=problem, algorithm=self.algorithms[first], median=median))
        if behind := self._behind():
            message = _("Not clearly ahead of random search within this budget: {names}.")
            sentences.append(message.format(names="; ".join(behind)))
        elif "random" in self.algorithms and len(self.algorithms) > 1:
            sentences.append(
                _("All are ahead of random search: three quarters of their runs beat three quarters of its runs.")
            )
        if (self.seeds, self.budget) == (3, 300):
            sentences.append(_("The whole race takes minutes: discern lab search --seeds 20 --evaluations 5000"))
        return sentences

    def _behind(self) -> list[str]:
        """Problem by problem, who is not ahead of random search."""
        rest = [name for name in self.algorithms if name != "random"]
        behind = {on: [name for name in rest if name not in names] for on, names in self.ahead.items()}
        return [f"{on}: {', '.join(names)}" for on, names in behind.items() if names]

    def tables(self) -> Sequence[Table]:
        titles = (_("algorithm"), _("first quartile"), _("median"), _("third quartile"))
        tables = []
        for problem, quartiles in zip(self.problems, self.quartiles.tolist(), strict=True):
            rows: list[Sequence[Cell]] = [
                (name, *values) for name, values in zip(self.algorithms, quartiles, strict=True)
            ]
            tables.append(Table(_("{problem}: best value found").format(problem=problem), titles, rows))
        known = [ALGORITHMS[name] for name in self.algorithms if name in ALGORITHMS]
        facts = [(each.name, each.title(), str(each.year), each.idea()) for each in known]
        if facts:
            tables.append(Table(_("The algorithms"), (_("algorithm"), _("in full"), _("year"), _("idea")), facts))
        return tables

    def plot(self, figure: Figure) -> None:
        panels = len(self.problems) + bool(self.tour)
        columns = min(3, panels)
        grid = figure.subplots(-(-panels // columns), columns, squeeze=False).ravel()
        for ax, problem, curves in zip(grid, self.problems, self.curves, strict=False):
            self._plot_curves(ax, problem, curves)
        if self.tour:
            draw_tour(grid[panels - 1], self.cities, self.tour)
            grid[panels - 1].set_title(_("the shortest tour found"))
        for ax in grid[panels:]:
            ax.set_axis_off()
        handles, labels = grid[0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside lower center", ncols=min(10, len(labels)), frameon=False)

    def _plot_curves(self, ax: Axes, problem: str, curves: np.ndarray) -> None:
        for a, name in enumerate(self.algorithms):
            style = ":" if name == "random" else "--" if name in SCIPY_BASELINES else "-"
            median = np.maximum(np.median(curves[a], axis=0), LEAST_DRAWN)
            colour = "black" if name == "random" else f"C{RACERS.index(name)}"
            ax.plot(self.evaluations, median, style, color=colour, label=name, linewidth=1.6)
        if problem != "tour":
            ax.set_yscale("log")
        ax.set_title(problem)
        ax.set_xlabel(_("evaluations"))
        ax.set_ylabel(_("best so far (median)"))

    def frames(self) -> int:
        return len(self.watched.evaluations)

    def plot_frame(self, figure: Figure, frame: int) -> None:
        left, right = figure.subplots(1, 2)
        done = int(self.watched.evaluations[frame])
        draw_surface(left, build_function("rastrigin", 2))
        left.plot(*self.watched.evaluated[max(0, done - SWARM) : done].T, "o", color="white", markeredgecolor="black")
        left.plot(*self.watched.best[frame], "*", color="crimson", markeredgecolor="white", markersize=18)
        title = _("{algorithm} on Rastrigin's surface, {done:,} evaluations")
        left.set_title(title.format(algorithm=self.watched.algorithm, done=done))
        draw_tour(right, self.cities, self.watched.tours[frame])
        length = self.watched.lengths[frame]
        right.set_title(_("the shortest tour so far: {length:.3f}").format(length=length))


def draw_surface(ax: Axes, problem: Problem) -> None:
    """Draw a function of two numbers as colors, dark where it is small."""
    side = (np.arange(200) + 0.5) / 200
    keys = np.stack(np.meshgrid(side, side), axis=-1).reshape(-1, 2)
    low, high = (float(value) for value in problem.space.cells[0].values(np.array([0.0, 1.0])))
    heights = problem.value(problem.space.from_keys(keys)).reshape(200, 200)
    ax.imshow(heights, origin="lower", extent=(low, high, low, high), cmap="viridis", interpolation="bilinear")


def draw_tour(ax: Axes, cities: np.ndarray, order: Sequence[int] | np.ndarray) -> None:
    """Cities (n, 2) and the closed way through them."""
    ax.plot(*cities[[*order, order[0]]].T, "-o", color="C0", markerfacecolor="white")
    ax.set_aspect("equal")
    ax.set_xticks([])
    ax.set_yticks([])


def reporter(algorithm: str, budget: int, cities: int, seed: int = 0) -> Watched:
    """Let one algorithm search the surface and the tour, and keep what it asks for."""
    marks = np.unique(np.linspace(1, budget, min(budget, FRAMES)).astype(int))
    logs = []
    for problem in (build_function("rastrigin", 2), build_tour(cities)):
        search = Search(problem.space, budget, algorithm, seed)
        evaluated: list[np.ndarray] = []
        values: list[float] = []
        while not search.done:
            points = search.ask()
            lines = problem.value(points)
            search.tell(lines)
            columns = list(points.columns().values())
            evaluated.extend(columns[0] if problem.cities is not None else np.stack(columns, axis=1))
            values.extend(lines.tolist())
        best = [int(np.argmin(values[:done])) for done in marks]
        logs.append((np.array(evaluated), best, np.array(values)[best]))
    (places, best_places, _values), (tours, best_tours, lengths) = logs
    return Watched(algorithm, marks, places, places[best_places], tours[best_tours], lengths)


def run(
    problems: Annotated[Names, N_("What to search, with commas between.")] = PROBLEMS,
    algorithms: Annotated[Names, N_("Who races, with commas between.")] = RACERS,
    seeds: Annotated[int, Field(ge=1, le=100), N_("Runs of each.")] = 3,
    evaluations: Annotated[int, Field(ge=2, le=100_000), N_("Budget of a run.")] = 300,
    dimensions: Annotated[int, Field(ge=2, le=100), N_("Of the functions.")] = 10,
    cities: Annotated[int, Field(ge=3, le=200), N_("Of the tour.")] = 30,
    watched: Annotated[Watchable, N_("The algorithm of the animation.")] = "pso",
) -> SearchRace:
    """Race algorithms against each other.

    Raises
    ------
    ConfigError
        When there is no such problem or algorithm.

    Examples
    --------
    >>> found = run(problems=("sphere",), algorithms=("random", "ts"), evaluations=500)
    >>> found.ahead
    {'sphere': ('ts',)}
    """
    found = race(problems, algorithms, seeds, evaluations, dimensions, cities)
    read = np.unique(np.linspace(1, evaluations, min(evaluations, MOST_DRAWN)).astype(int))
    places = build_tour(cities).cities
    assert places is not None
    return SearchRace(
        problems=found.problems,
        algorithms=found.algorithms,
        seeds=seeds,
        budget=evaluations,
        quartiles=np.array([[found.quartiles(on, name) for name in algorithms] for on in problems]),
        best=found.best.copy(),
        evaluations=read,
        curves=found.curves[..., read - 1],
        ahead=_ahead(found),
        cities=places,
        tour=_shortest(found),
        watched=reporter(watched, evaluations, cities),
    )


def _ahead(found: Race) -> dict[str, tuple[str, ...]]:
    if "random" not in found.algorithms:
        return {}
    return {on: tuple(name for name in found.algorithms if found.is_ahead(on, name)) for on in found.problems}


def _shortest(found: Race) -> tuple[int, ...]:
    if "tour" not in found.problems:
        return ()
    lengths = found.best[found.problems.index("tour")].min(axis=1)  # (A,)
    return tuple(found.points["tour"][found.algorithms[int(lengths.argmin())]]["tour"])
