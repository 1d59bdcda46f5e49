"""Decision boundaries: the same points divided by several classifiers, and by a network epoch after epoch."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
from pydantic import Field

from discern.errors import ConfigError
from discern.evaluation.intervals import wilson
from discern.i18n import N_, _
from discern.labs.boundary.decision_regions import MODELS, Region, Sample, Settings, named, region, sample
from discern.labs.boundary.points_2d import MOST, check, plane
from discern.labs.options import Numbers
from discern.result import Cell, Result, Table

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from discern.labs.boundary.perceptron import Epoch

COLUMNS = 5  # of small images, at most
CROWD = 400  # points, from which on they are drawn small
SIXTEENS = np.array([16.0, 16.0])
WITHOUT_TORCH = ", ".join(MODELS[:-1])  # all but the MLP


@dataclass(frozen=True)
class Boundary(Result):
    """Points of a plane and what every model makes of it.

    Attributes
    ----------
    title : str
        What the points are.
    axes : tuple of str
    sample : Sample
        The points, those held back, and the places that were asked about.
    regions : tuple of Region
        One a model.
    epochs : tuple of Epoch
        Of the MLP, where it is among them.
    left_out : int
        Points that were too many.
    """

    title: str
    axes: tuple[str, str]
    sample: Sample
    regions: tuple[Region, ...]
    epochs: tuple[Epoch, ...]
    left_out: int

    @property
    def figsize(self) -> tuple[float, float]:
        rows, columns = self._layout()
        return 3.0 * max(2, columns), 3.0 * rows + 0.9

    def sentences(self) -> Sequence[str]:
        found = [_("Where the colours meet is the decision boundary; crosses are points held back to judge by.")]
        if any(each.name == "lda" for each in self.regions):
            lines = _(
                "LDA gives every class the same ellipse, so its boundaries are straight; QDA's own ellipses bend them."
            )
            found.append(lines)
        if any(len(each.support) for each in self.regions):
            found.append(_("Ringed points are support vectors: moving any other point a little changes nothing."))
        if any(len(each.unlabelled) for each in self.regions):
            found.append(_("White points lent label spreading their place but not their label."))
        if self.epochs:
            found.append(self._learning())
        best_count, n = max(each.right for each in self.regions), self.regions[0].n
        best = "; ".join(each.title for each in self.regions if each.right == best_count)
        low, high = wilson(best_count, n)
        message = _(
            "Best on the points held back: {title}, {right} of {n} right ({low:.2f} to {high:.2f}, Wilson at 95 %). "
            "Models whose intervals overlap may well be equally good."
        )
        found.append(message.format(title=best, right=best_count, n=n, low=low, high=high))
        if self.left_out:
            message = _("{n} points were drawn, {left} are left out.")
            found.append(message.format(n=len(self.sample.points), left=self.left_out))
        return found

    def tables(self) -> Sequence[Table]:
        rows: list[list[Cell]] = []
        for found in self.regions:
            low, high = wilson(found.right, found.n)
            shares = found.learned / found.learned_n, found.right / found.n
            each = (f"{found.learned}/{found.learned_n}", shares[0], f"{found.right}/{found.n}", shares[1])
            rows.append([found.title, *each, f"{low:.3f}-{high:.3f}", found.keeps])
        right = (_("learned from"), _("accuracy"), _("held back"), _("accuracy"), _("interval at 95 %"))
        tables = [Table(self.title, (_("model"), *right, _("holds on to")), rows)]
        if self.epochs:
            lines = [(i, e.loss, e.learned, e.right) for i, e in enumerate(self.epochs)]
            titles = (_("epoch"), _("loss"), _("right of those learned from"), _("right of those held back"))
            tables.append(Table(_("The MLP, epoch by epoch"), titles, lines))
        return tables

    def plot(self, figure: Figure) -> None:
        axes = list(figure.subplots(*self._layout(), squeeze=False).flat)
        for ax, found in zip(axes, self.regions, strict=False):
            title = f"{found.title}\n{found.right}/{found.n} = {found.right / found.n:.2f}"
            self._draw(ax, found.classes, title, found)
        for ax in axes[len(self.regions) :]:
            ax.set_axis_off()
        figure.supxlabel(self.axes[0], fontsize=9)
        figure.supylabel(self.axes[1], fontsize=9)
        self._legend(figure, self.regions)

    def frames(self) -> int:
        return len(self.epochs)

    def plot_frame(self, figure: Figure, frame: int) -> None:
        left, right = figure.subplots(1, 2)
        found = next(found for found in self.regions if found.name == "mlp")
        epoch = self.epochs[frame]
        title = f"{found.title}\n" + _("epoch {i}: {right}/{n}").format(i=frame, right=epoch.right, n=found.n)
        self._draw(left, epoch.classes, title, found)
        left.set_xlabel(self.axes[0])
        left.set_ylabel(self.axes[1])
        losses = [epoch.loss for epoch in self.epochs]
        right.plot(losses, color="lightgrey")
        right.plot(losses[: frame + 1], color="black")
        right.scatter([frame], [losses[frame]], color="crimson", zorder=3)
        right.set_xlabel(_("epoch"))
        right.set_title(_("loss"))
        self._legend(figure, [found])

    def _layout(self) -> tuple[int, int]:
        """Rows and columns of small images."""
        rows = math.ceil(len(self.regions) / COLUMNS)
        return rows, math.ceil(len(self.regions) / rows)

    def _learning(self) -> str:
        first, last = self.epochs[0].loss, self.epochs[-1].loss
        if last <= first:
            message = _("The MLP's loss fell from {first:.3f} to {last:.3f} in {n} epochs; --out FILE.gif shows each.")
        else:
            message = _("The MLP diverged: its loss went from {first:.3g} to {last:.3g}; take a smaller rate.")
        return message.format(first=first, last=last, n=len(self.epochs) - 1)

    def _draw(self, ax: Axes, classes: np.ndarray, title: str, found: Region) -> None:
        from matplotlib.patches import Ellipse

        x, y, points, held_out = self.sample.x, self.sample.y, self.sample.points, self.sample.held_out
        colours = _colours(len(self.sample.classes))
        ax.imshow(
            0.45 * colours[classes] + 0.55,
            origin="lower",
            extent=(x[0], x[-1], y[0], y[-1]),
            aspect="auto",
            interpolation="nearest",
        )
        own = colours[self.sample.labels].copy()
        own[found.unlabelled] = 1.0
        learned, ringed = ~held_out, points[found.support]
        area = 16 if len(points) <= CROWD else 5  # square points
        ax.scatter(points[learned, 0], points[learned, 1], c=own[learned], s=area, edgecolors="black", linewidths=0.4)
        ax.scatter(points[held_out, 0], points[held_out, 1], c=own[held_out] * 0.7, s=area, marker="x", linewidths=0.8)
        ax.scatter(ringed[:, 0], ringed[:, 1], s=3.4 * area, facecolors="none", edgecolors="black", linewidths=0.7)
        for ellipse in found.ellipses:
            values, directions = np.linalg.eigh(ellipse.covariance)
            width, height = 4 * np.sqrt(values)  # two standard deviations on each side
            angle = math.degrees(math.atan2(directions[1, 0], directions[0, 0]))
            shape = {"facecolor": "none", "edgecolor": tuple(0.6 * colours[ellipse.label]), "linewidth": 1.8}
            ax.add_patch(Ellipse(tuple(ellipse.centre), width, height, angle=angle, **shape))
        ax.set_xlim(x[0], x[-1])
        ax.set_ylim(y[0], y[-1])
        ax.set_title(title, fontsize=9)
        ax.tick_params(labelsize=7)

    def _legend(self, figure: Figure, shown: Sequence[Region]) -> None:
        from matplotlib.lines import Line2D

        colours = _colours(len(self.sample.classes))
        names = self.sample.classes
        handles = [
            Line2D([], [], marker="o", linestyle="", color=colour, label=name)
            for colour, name in zip(colours, names, strict=True)
        ]
        marks: dict[str, Any] = {"marker": "o", "linestyle": "", "markerfacecolor": "white", "color": "black"}
        handles.append(Line2D([], [], marker="x", linestyle="", color="black", label=_("held back")))
        if any(len(found.unlabelled) for found in shown):
            handles.append(Line2D([], [], **marks, markersize=4, label=_("label not told")))
        if any(len(found.support) for found in shown):
            handles.append(Line2D([], [], **marks, markersize=8, label=_("support vector")))
        figure.legend(handles=handles, loc="outside upper center", ncols=min(8, len(handles)), fontsize=8)


def run(
    data: Annotated[str, N_("Points: blobs, moons, circles, spirals, iris, digits, a .csv file or a run.")] = "iris",
    columns: Annotated[
        str | None,
        N_("Two columns of iris or of a file, by name or counted from 1; or pca, to reduce all."),
    ] = None,
    models: Annotated[
        str, N_("Some of lda, qda, knn, svm-linear, svm-rbf, tree, forest, spread-30 (percent), mlp.")
    ] = WITHOUT_TORCH,
    n: Annotated[int, Field(ge=30, le=MOST), N_("Points of blobs, moons, circles and spirals.")] = 200,
    noise: Annotated[float, Field(ge=0, le=2), N_("How far these scatter.")] = 0.2,
    neighbours: Annotated[int, Field(ge=1, le=50), N_("The k of k-NN.")] = 5,
    cost: Annotated[float, Field(gt=0, le=10_000), N_("What an error costs an SVM, its C.")] = 1.0,
    gamma: Annotated[float, Field(ge=0), N_("How local the RBF kernel is; 0 takes scikit-learn's.")] = 0.0,
    depth: Annotated[int, Field(ge=0), N_("Depth of trees; 0 lets them grow.")] = 0,
    hidden: Annotated[Numbers, N_("Widths of the MLP's hidden layers.")] = SIXTEENS,
    epochs: Annotated[int, Field(ge=1, le=59), N_("Of the MLP.")] = 40,
    rate: Annotated[float, Field(gt=0, le=1e6), N_("The MLP's learning rate.")] = 0.02,
    seed: Annotated[int, Field(ge=0, le=2**32 - 1), N_("Of everything drawn at random.")] = 0,
) -> Boundary:
    """Divide points of a plane by several classifiers, each judged by three tenths of the points held back.

    Raises
    ------
    ConfigError
        When a model, a column or a file will not do.

    Examples
    --------
    >>> found = run("moons", models="lda, svm-rbf")
    >>> [region.title for region in found.regions], found.regions[0].n
    (['LDA', 'RBF SVM'], 60)
    """
    wanted = named(models)
    found = plane(data, columns or "", n, noise, seed)
    check(found)
    on = sample(found.points, found.labels, found.classes, seed)
    if neighbours > int((~on.held_out).sum()):
        message = _("neighbours={k} is more than the {n} points to learn from: take fewer.")
        raise ConfigError(message.format(k=neighbours, n=int((~on.held_out).sum())))
    settings = Settings(neighbours, cost, gamma, depth, seed)
    regions = [region(name, on, settings) for name in wanted if name != "mlp"]
    watched: tuple[Epoch, ...] = ()
    if "mlp" in wanted:
        from discern.labs.boundary.perceptron import learn

        learned, watched = learn(on, _widths(hidden), epochs, rate, seed)
        regions.append(learned)
    return Boundary(found.title, found.axes, on, tuple(regions), watched, found.left_out)


def _widths(hidden: np.ndarray) -> tuple[int, ...]:
    widths = tuple(int(width) for width in hidden)
    if len(widths) > 6 or any(
        width != given or not 1 <= width <= 256 for width, given in zip(widths, hidden, strict=True)
    ):
        raise ConfigError(_("hidden takes at most 6 whole numbers from 1 to 256, such as 16 16."))
    return widths


def _colours(n: int) -> np.ndarray:
    """Return colors, float (n, 3)."""
    from matplotlib import colormaps

    palette = colormaps["tab10" if n <= 10 else "tab20"]
    return np.array([palette(i)[:3] for i in range(n)])
