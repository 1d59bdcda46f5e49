"""k-means iteration by iteration, on iris, the digits, a table or the embeddings of a run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Literal

import numpy as np
from pydantic import Field

from discern.errors import ConfigError
from discern.i18n import N_, _
from discern.labs.drawing import draw_images
from discern.labs.feature_data import FeatureData, load_feature_data
from discern.labs.kmeans.figure import draw_clusters, draw_inertia
from discern.labs.kmeans.lloyd import Iteration, assign_clusters, choose_centers, run_lloyd
from discern.result import Cell, Result, Table

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MAX_FEATURES = 8  # whose values are listed in a table
MAX_FRAMES = 40


@dataclass(frozen=True)
class Clustering(Result):
    """Every iteration of k-means."""

    data: FeatureData
    values: np.ndarray  # (N, F), standardized if requested
    iterations: tuple[Iteration, ...]  # until convergence, or ``max_iter`` of them
    labels: np.ndarray  # int64 (N,): the cluster of each example
    centers: np.ndarray  # (k, F)
    inertia: float  # sum of squared distances from the examples to their centers, at the end

    figsize = (10.0, 5.0)

    @property
    def converged(self) -> bool:
        """Return whether the last iteration changed no assignment."""
        return self.iterations[-1].n_reassigned == 0

    def class_counts(self) -> np.ndarray:
        """Count the examples of each class in each cluster: int64 (k, classes)."""
        counts = np.zeros((len(self.centers), max(1, len(self.data.classes))), dtype=np.int64)
        np.add.at(counts, (self.labels, self.data.labels), 1)
        return counts

    def center_history(self) -> np.ndarray:
        """Return the centers before every iteration and at the end: (t + 1, k, F)."""
        return np.array([one.centers for one in self.iterations] + [self.centers])

    def sentences(self) -> Sequence[str]:
        n, first = len(self.iterations), self.iterations[0].inertia
        message = _("Converged after {n} iterations: the last one changes no assignment.")
        if not self.converged:
            message = _("Not converged after {n} iterations: allow more with max_iter.")
        lines = [message.format(n=n)]
        message = _("Neither assignment nor update can raise the inertia: it falls from {first:,.2f} to {last:,.2f}.")
        lines.append(message.format(first=first, last=self.inertia))
        if self.data.classes:
            correct = int(self.class_counts().max(axis=1).sum())
            message = _(
                "k-means never used the class labels. With each cluster labeled by its majority class, {correct} of "
                "{n} examples have the right label."
            )
            lines.append(message.format(correct=correct, n=len(self.labels)))
        lines.append(_("Another seed can converge to another local minimum: keep the run with the lowest inertia."))
        return lines

    def tables(self) -> Sequence[Table]:
        rows = [
            [t, one.inertia, one.n_reassigned, float(np.linalg.norm(one.updated_centers - one.centers, axis=1).max())]
            for t, one in enumerate(self.iterations, start=1)
        ]
        columns = (_("iteration"), _("inertia"), _("reassigned examples"), _("largest move of a center"))
        title = _("Iterations on {name}").format(name=self.data.name)
        tables = [Table(title, columns, rows, max_rows=20), self._cluster_table()]
        return [*tables, self._center_table()] if len(self.data.features) <= MAX_FEATURES else tables

    def _cluster_table(self) -> Table:
        classes = self.data.classes
        rows: list[list[Cell]] = [
            [str(i + 1), int(row.sum()), *(map(int, row) if classes else ())]
            for i, row in enumerate(self.class_counts())
        ]
        return Table(_("Clusters"), (_("cluster"), _("size"), *classes), rows)

    def _center_table(self) -> Table:
        rows: list[list[Cell]] = [
            [str(t) if t <= len(self.iterations) else _("end"), str(i + 1), *map(float, center)]
            for t, centers in enumerate(self.center_history(), start=1)
            for i, center in enumerate(centers)
        ]
        columns = (_("iteration"), _("cluster"), *self.data.features)
        return Table(_("Centers before each iteration"), columns, rows, text_columns=2, max_rows=20)

    def plot(self, figure: Figure) -> None:
        self._draw(figure, len(self.iterations))

    def frames(self) -> int:
        return min(MAX_FRAMES, len(self.iterations) + 1)

    def plot_frame(self, figure: Figure, frame: int) -> None:
        self._draw(figure, round(frame * len(self.iterations) / (self.frames() - 1)))

    def _draw(self, figure: Figure, done: int) -> None:
        """Draw the state after ``done`` iterations; the centers too where they are images."""
        shape, history = self.data.image_shape, self.center_history()[: done + 1]
        panels = ["inertia", "centers"] if shape else ["inertia"]
        axes = figure.subplot_mosaic([["clusters", name] for name in panels], width_ratios=[1.5, 1])
        labels = self.iterations[done - 1].labels if done else None
        draw_clusters(axes["clusters"], self.values, self.data.features, labels, history)
        title = _("{name}: iteration {t} of {n}").format(name=self.data.name, t=done, n=len(self.iterations))
        axes["clusters"].set_title(title)
        draw_inertia(axes["inertia"], [*(one.inertia for one in self.iterations), self.inertia], done)
        if shape:
            numbers = [str(i + 1) for i in range(len(self.centers))]
            draw_images(axes["centers"], history[-1].reshape(-1, *shape), numbers)


def run(
    data: Annotated[str, N_("iris, digits, a .csv file or a run.")] = "iris",
    clusters: Annotated[
        int | None, Field(ge=1), N_("Number of clusters; by default one per class, 3 without classes.")
    ] = None,
    init: Annotated[
        Literal["k-means++", "random"], N_("Initial centers: examples that are far apart, or random examples.")
    ] = "k-means++",
    seed: Annotated[int, Field(ge=0), N_("Random seed of the initial centers.")] = 0,
    standardize: Annotated[bool, N_("First scale every column to mean 0 and standard deviation 1.")] = False,
    max_iter: Annotated[int, Field(ge=1), N_("Maximum number of iterations.")] = 100,
) -> Clustering:
    """Cluster feature vectors.

    Raises
    ------
    ConfigError
        When there are no such data, or fewer distinct examples than clusters.

    Examples
    --------
    >>> clustering = run("iris")
    >>> clustering.converged, round(clustering.inertia, 2)
    (True, 78.86)
    """
    source = load_feature_data(data)
    values = source.standardized() if standardize else source.values
    k = clusters or len(source.classes) or 3
    n_distinct = len(np.unique(values, axis=0))
    if n_distinct < k:
        message = _("{name} has {n} distinct examples, too few for {clusters} clusters: choose fewer clusters.")
        raise ConfigError(message.format(name=source.name, n=n_distinct, clusters=k))
    iterations = run_lloyd(values, choose_centers(values, k, init, seed), max_iter)
    last = iterations[-1]
    centers = last.updated_centers if last.n_reassigned else last.centers
    labels, distances = assign_clusters(values, centers)
    return Clustering(source, values, tuple(iterations), labels, centers, float(distances.sum()))
