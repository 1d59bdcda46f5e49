"""K-means iteration by iteration: who belongs to which centre, where the centres go, and the inertia that falls.

Sources: S. Lloyd, Least squares quantization in PCM, 1982 (written 1957); D. Arthur and S. Vassilvitskii, k-means++:
the advantages of careful seeding, 2007.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Annotated, Literal

import numpy as np
from pydantic import Field

from discern.errors import ConfigError
from discern.i18n import _
from discern.lab.examples import Examples, examples
from discern.lab.result import Cell, Result, Table
from discern.lab.scatter import COLOURS, plane, show_pictures

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MOST_FEATURES = 8  # whose values are written in a table
FRAMES = 40


def summary() -> str:
    """What this lab shows."""
    return _("k-means iteration by iteration: assignments, centres, inertia; on iris, digits, a CSV or a run.")


@dataclass(frozen=True)
class Iteration:
    """One iteration: every row to its nearest centre, every centre to the mean of its rows.

    Attributes
    ----------
    centres : numpy.ndarray
        (k, F) before they move.
    labels : numpy.ndarray
        int64 (N,): the nearest centre of each row.
    moved : numpy.ndarray
        (k, F): the centres after it.
    inertia : float
        Sum of squared distances from the rows to ``centres``.
    changed : int
        Rows that have another centre than before.
    """

    centres: np.ndarray
    labels: np.ndarray
    moved: np.ndarray
    inertia: float
    changed: int


@dataclass(frozen=True)
class Clustering(Result):
    """All iterations.

    Attributes
    ----------
    examples : Examples
        What was clustered.
    values : numpy.ndarray
        (N, F), scaled where that was asked.
    iterations : tuple of Iteration
        Until none changes, or as many as allowed.
    labels : numpy.ndarray
        int64 (N,): the cluster of each row.
    centres : numpy.ndarray
        (k, F).
    inertia : float
        Sum of squared distances from the rows to their centres, at the end.
    """

    examples: Examples
    values: np.ndarray
    iterations: tuple[Iteration, ...]
    labels: np.ndarray
    centres: np.ndarray
    inertia: float

    inches = (10.0, 5.0)

    @property
    def settled(self) -> bool:
        """Whether the last iteration changed nothing."""
        return self.iterations[-1].changed == 0

    @cached_property
    def _plane(self) -> tuple[Callable[[np.ndarray], np.ndarray], tuple[str, str]]:
        return plane(self.values, self.examples.features)

    def counts(self) -> np.ndarray:
        """Rows of each class in each cluster: int64 (k, classes)."""
        counts = np.zeros((len(self.centres), max(1, len(self.examples.classes))), dtype=np.int64)
        np.add.at(counts, (self.labels, self.examples.labels), 1)
        return counts

    def sentences(self) -> Sequence[str]:
        n, first = len(self.iterations), self.iterations[0].inertia
        sentence = _("It settles after {n} iterations: the last changes no assignment.")
        if not self.settled:
            sentence = _("It has not settled after {n} iterations: allow more.")
        told = [sentence.format(n=n)]
        sentence = _("Neither half of an iteration can raise the inertia: it falls from {first:,.2f} to {last:,.2f}.")
        told.append(sentence.format(first=first, last=self.inertia))
        if self.examples.classes:
            right = int(self.counts().max(axis=1).sum())
            sentence = _(
                "It never saw a class. With each cluster named by its commonest, {right} of {n} rows have their own "
                "class's name."
            )
            told.append(sentence.format(right=right, n=len(self.labels)))
        told.append(_("Another --seed starts elsewhere and may settle in another place: the lowest inertia is best."))
        return told

    def tables(self) -> Sequence[Table]:
        rows = [
            [t, one.inertia, one.changed, float(np.linalg.norm(one.moved - one.centres, axis=1).max())]
            for t, one in enumerate(self.iterations, start=1)
        ]
        titles = (_("iteration"), _("inertia"), _("rows that change cluster"), _("farthest move of a centre"))
        tables = [Table(_("Iterations on {name}").format(name=self.examples.name), titles, rows), self._clusters()]
        if len(self.examples.features) <= MOST_FEATURES:
            tables.append(self._centres())
        return tables

    def _clusters(self) -> Table:
        counts = self.counts()
        classes = self.examples.classes
        rows: list[list[Cell]] = [
            [str(i + 1), int(row.sum()), *(map(int, row) if classes else ())] for i, row in enumerate(counts)
        ]
        return Table(_("Clusters"), (_("cluster"), _("members"), *classes), rows)

    def _centres(self) -> Table:
        """Every centre before every iteration, and at the end."""
        stages = [one.centres for one in self.iterations] + [self.centres]
        rows: list[list[Cell]] = [
            [str(t) if t < len(stages) else _("end"), str(i + 1), *map(float, centre)]
            for t, centres in enumerate(stages, start=1)
            for i, centre in enumerate(centres)
        ]
        return Table(_("Centres before each iteration"), (_("iteration"), _("cluster"), *self.examples.features), rows)

    def plot(self, figure: Figure) -> None:
        self._draw(figure, len(self.iterations))

    def frames(self) -> int:
        return min(FRAMES, len(self.iterations) + 1)

    def plot_frame(self, figure: Figure, frame: int) -> None:
        self._draw(figure, round(frame * len(self.iterations) / (self.frames() - 1)))

    def _draw(self, figure: Figure, done: int) -> None:
        """The rows in a plane with the way of the centres, the inertia, and the centres as pictures where they are."""
        from matplotlib.ticker import MaxNLocator

        right = ["inertia", "centres"] if self.examples.picture else ["inertia"]
        axes = figure.subplot_mosaic([["rows", name] for name in right], width_ratios=[1.5, 1])
        self._scatter(axes["rows"], done, np.array([one.centres for one in self.iterations[:done]] + [self._now(done)]))
        falls = [one.inertia for one in self.iterations] + [self.inertia]
        spare = 0.05 * (falls[0] - falls[-1]) + 1e-9
        ax = axes["inertia"]
        ax.plot(range(done + 1), falls[: done + 1], "o-", color="black", markersize=4)
        ax.set(xlim=(-0.5, len(falls) - 0.5), ylim=(falls[-1] - spare, falls[0] + spare))
        ax.set(xlabel=_("iteration"), ylabel=_("inertia"))
        ax.xaxis.set_major_locator(MaxNLocator(integer=True))
        if self.examples.picture:
            pictures = self._now(done).reshape(-1, *self.examples.picture)
            show_pictures(axes["centres"], pictures, [str(i + 1) for i in range(len(pictures))])

    def _now(self, done: int) -> np.ndarray:
        return self.iterations[done].centres if done < len(self.iterations) else self.centres

    def _scatter(self, ax: Axes, done: int, stages: np.ndarray) -> None:
        """Rows in the colour of their cluster, grey before the first iteration; ``stages`` (t, k, F) of the centres."""
        onto, names = self._plane
        x, y = onto(self.values).T
        colours = COLOURS[self.iterations[done - 1].labels % len(COLOURS)] if done else "#bbbbbb"
        ax.scatter(x, y, s=14, c=colours, alpha=0.6, linewidths=0)
        for i in range(stages.shape[1]):
            way = onto(stages[:, i])
            ax.plot(*way.T, "-", color="black", linewidth=1)
            ax.plot(*way[-1], "X", color=COLOURS[i % len(COLOURS)], markeredgecolor="black", markersize=12)
        title = _("{name}: after {t} of {n} iterations").format(name=self.examples.name, t=done, n=len(self.iterations))
        ax.set(xlabel=names[0], ylabel=names[1], title=title)


def run(
    data: Annotated[str, Field(description=_("iris, digits, a .csv file or a run."))] = "iris",
    clusters: Annotated[
        int | None, Field(ge=1, description=_("How many centres; one a class unless given, 3 without classes."))
    ] = None,
    start: Annotated[
        Literal["k-means++", "random"],
        Field(description=_("Where the centres start: on rows far apart, or on any rows.")),
    ] = "k-means++",
    seed: Annotated[int, Field(ge=0, description=_("Of the start."))] = 0,
    scale: Annotated[bool, Field(description=_("Give every column mean 0 and standard deviation 1 first."))] = False,
    most: Annotated[int, Field(ge=1, description=_("Iterations at most."))] = 100,
) -> Clustering:
    """Cluster rows of numbers.

    Raises
    ------
    ConfigError
        When there are no such examples, or fewer different rows than clusters.

    Examples
    --------
    >>> found = run("iris")
    >>> found.settled, round(found.inertia, 2)
    (True, 78.86)
    """
    found = examples(data)
    values = found.scaled() if scale else found.values
    wanted = clusters or len(found.classes) or 3
    different = len(np.unique(values, axis=0))
    if different < wanted:
        sentence = _("{name} has too few different rows ({n}) for {clusters} clusters: ask for fewer clusters.")
        raise ConfigError(sentence.format(name=found.name, n=different, clusters=wanted))
    iterations = lloyd(values, starting_centres(values, wanted, start, seed), most)
    centres = iterations[-1].moved if iterations[-1].changed else iterations[-1].centres
    labels, distances = nearest_centres(values, centres)
    return Clustering(found, values, tuple(iterations), labels, centres, float(distances.sum()))


def starting_centres(values: np.ndarray, clusters: int, start: str, seed: int) -> np.ndarray:
    """Different rows of ``values`` (N, F) to start from: (k, F)."""
    if start == "k-means++":
        from sklearn.cluster import kmeans_plusplus

        middle = values.mean(axis=0)  # as KMeans takes it away first: the same seed draws the same rows
        chosen: np.ndarray = kmeans_plusplus(values - middle, clusters, random_state=seed)[1]
        return values[chosen].copy()
    rows = np.unique(values, axis=0)
    return rows[np.random.default_rng(seed).choice(len(rows), clusters, replace=False)]


def lloyd(values: np.ndarray, centres: np.ndarray, most: int) -> list[Iteration]:
    """Lloyd's iterations from ``centres`` (k, F), until no row changes its cluster.

    A centre that is nearest to no row takes the row that is farthest from its own, as scikit-learn has it; a centre
    that has lost its only row in that way stays where it is.
    """
    iterations: list[Iteration] = []
    before = np.full(len(values), -1)
    while len(iterations) < most:
        labels, distances = nearest_centres(values, centres)
        owners = labels.copy()
        empty = np.setdiff1d(np.arange(len(centres)), labels)
        owners[np.argsort(-distances, kind="stable")[: len(empty)]] = empty
        moved = np.array([values[owners == i].mean(axis=0) if i in owners else old for i, old in enumerate(centres)])
        changed = int((labels != before).sum())
        iterations.append(Iteration(centres, labels, moved, float(distances.sum()), changed))
        if not changed:
            break
        centres, before = moved, labels
    return iterations


def nearest_centres(values: np.ndarray, centres: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The nearest of ``centres`` (k, F) to each row of ``values`` (N, F), and the squared distance: (N,), (N,)."""
    distances = np.stack([((values - centre) ** 2).sum(axis=1) for centre in centres], axis=1)  # (N, k)
    labels = distances.argmin(axis=1)
    return labels, distances[np.arange(len(values)), labels]
