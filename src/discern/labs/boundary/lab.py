"""Decision boundaries: the same points divided by several classifiers, and by a network epoch after epoch."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import numpy as np
from pydantic import Field

from discern.errors import ConfigError
from discern.evaluation.intervals import wilson
from discern.i18n import N_, _
from discern.labs.boundary.decision_regions import (
    MODELS,
    Region,
    Sample,
    Settings,
    fit_region,
    parse_models,
    split_points,
)
from discern.labs.boundary.figure import draw_legend, draw_loss, draw_region
from discern.labs.boundary.points_2d import MAX_POINTS, check_points, load_points
from discern.labs.options import Numbers
from discern.result import Result, Table

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from discern.labs.boundary.perceptron import Epoch

COLUMNS = 5  # panels side by side, at most
MAX_ROWS = 12
SIXTEENS = np.array([16.0, 16.0])
WITHOUT_TORCH = ", ".join(MODELS[:-1])  # all but the MLP


@dataclass(frozen=True)
class Boundary(Result):
    """Points of a plane, and how each model divides it."""

    title: str  # what the points are
    axes: tuple[str, str]  # names of the two coordinates
    sample: Sample  # the points, which of them are held out, and the grid of predictions
    regions: tuple[Region, ...]  # one per model
    epochs: tuple[Epoch, ...]  # of the MLP, where it is among them
    left_out: int  # points removed because there were too many

    @property
    def figsize(self) -> tuple[float, float]:
        rows, columns = self._layout()
        return 3.0 * max(2, columns), 3.0 * rows + 0.9

    def sentences(self) -> Sequence[str]:
        lines = [_("The decision boundary is where two colors meet; crosses are held-out points.")]
        if any(region.name == "lda" for region in self.regions):
            lines.append(
                _("LDA assumes one covariance for all classes, so its boundaries are straight; QDA's can be curved.")
            )
        if any(len(region.support) for region in self.regions):
            lines.append(_("Ringed points are support vectors: moving any other point slightly changes nothing."))
        if any(len(region.unlabeled) for region in self.regions):
            lines.append(_("White points are unlabeled: label spreading uses their position but not their label."))
        if self.epochs:
            lines.append(self._describe_learning())
        correct, n = max(region.test_correct for region in self.regions), self.regions[0].n_test
        best = "; ".join(region.title for region in self.regions if region.test_correct == correct)
        low, high = wilson(correct, n)
        message = _(
            "Highest held-out accuracy: {title}, {correct} of {n} correct (95 % CI {low:.3f}–{high:.3f}). Models with "
            "overlapping intervals may be equally good."
        )
        lines.append(message.format(title=best, correct=correct, n=n, low=low, high=high))
        if self.left_out:
            message = _("{n} points were drawn at random, {left_out} are left out.")
            lines.append(message.format(n=len(self.sample.points), left_out=self.left_out))
        return lines

    def tables(self) -> Sequence[Table]:
        rows = []
        for region in self.regions:
            low, high = wilson(region.test_correct, region.n_test)
            train, test = region.train_correct / region.n_train, region.test_correct / region.n_test
            rows.append((region.title, region.stores, f"{train:.3f}", f"{test:.3f}", f"{low:.3f}–{high:.3f}"))
        sample = self.regions[0]
        columns = (
            _("model"),
            _("stores"),
            _("training accuracy (n {n})").format(n=sample.n_train),
            _("held-out accuracy (n {n})").format(n=sample.n_test),
            _("95 % CI"),
        )
        tables = [Table(self.title, columns, rows, text_columns=2)]
        if self.epochs:
            losses = [(str(i), f"{e.loss:.3f}", e.train_correct, e.test_correct) for i, e in enumerate(self.epochs)]
            titles = (_("epoch"), _("loss"), _("training points correct"), _("held-out points correct"))
            tables.append(Table(_("The MLP, epoch by epoch"), titles, losses, max_rows=MAX_ROWS))
        return tables

    def plot(self, figure: Figure) -> None:
        axes = list(figure.subplots(*self._layout(), squeeze=False).flat)
        for ax, region in zip(axes, self.regions, strict=False):
            correct, n = region.test_correct, region.n_test
            draw_region(ax, self.sample, region, region.classes, f"{region.title}\n{correct}/{n} = {correct / n:.3f}")
        for ax in axes[len(self.regions) :]:
            ax.set_axis_off()
        figure.supxlabel(self.axes[0], fontsize=9)
        figure.supylabel(self.axes[1], fontsize=9)
        draw_legend(figure, self.sample.classes, self.regions)

    def frames(self) -> int:
        return len(self.epochs)

    def plot_frame(self, figure: Figure, frame: int) -> None:
        left, right = figure.subplots(1, 2)
        region = next(region for region in self.regions if region.name == "mlp")
        epoch = self.epochs[frame]
        progress = _("epoch {i}: {correct}/{n} correct")
        title = f"{region.title}\n" + progress.format(i=frame, correct=epoch.test_correct, n=region.n_test)
        draw_region(left, self.sample, region, epoch.classes, title)
        left.set(xlabel=self.axes[0], ylabel=self.axes[1])
        draw_loss(right, [epoch.loss for epoch in self.epochs], frame)
        draw_legend(figure, self.sample.classes, [region])

    def _layout(self) -> tuple[int, int]:
        """Return rows and columns of panels."""
        rows = math.ceil(len(self.regions) / COLUMNS)
        return rows, math.ceil(len(self.regions) / rows)

    def _describe_learning(self) -> str:
        first, last = self.epochs[0].loss, self.epochs[-1].loss
        message = _("The MLP's loss fell from {first:.3f} to {last:.3f} in {n} epochs; --out FILE.gif shows each.")
        if last > first:
            message = _("The MLP diverged: its loss went from {first:.3f} to {last:.3g}; lower the learning rate.")
        return message.format(first=first, last=last, n=len(self.epochs) - 1)


def run(
    data: Annotated[str, N_("Points: blobs, moons, circles, spirals, iris, digits, a .csv file or a run.")] = "iris",
    columns: Annotated[
        str | None, N_("Two columns of iris or of a file, by name or counted from 1; or pca, to reduce all.")
    ] = None,
    models: Annotated[
        str, N_("Some of lda, qda, knn, svm-linear, svm-rbf, tree, forest, spread-30 (percent), mlp.")
    ] = WITHOUT_TORCH,
    n: Annotated[int, Field(ge=30, le=MAX_POINTS), N_("Number of points of blobs, moons, circles and spirals.")] = 200,
    noise: Annotated[float, Field(ge=0, le=2), N_("How far these points scatter.")] = 0.2,
    neighbors: Annotated[int, Field(ge=1, le=50), N_("The k of k-NN.")] = 5,
    cost: Annotated[float, Field(gt=0, le=10_000), N_("The C of the SVMs: penalty of an error.")] = 1.0,
    gamma: Annotated[float, Field(ge=0), N_("The gamma of the RBF kernel; 0 for scikit-learn's default.")] = 0.0,
    max_depth: Annotated[int, Field(ge=0), N_("Maximum depth of the trees; 0 for no limit.")] = 0,
    hidden: Annotated[Numbers, N_("Widths of the MLP's hidden layers.")] = SIXTEENS,
    epochs: Annotated[int, Field(ge=1, le=59), N_("Number of epochs of the MLP.")] = 40,
    lr: Annotated[float, Field(gt=0, le=1e6), N_("The MLP's learning rate.")] = 0.02,
    seed: Annotated[int, Field(ge=0, le=2**32 - 1), N_("Random seed.")] = 0,
) -> Boundary:
    """Divide points of a plane by several classifiers, each tested on three tenths of the points.

    Raises `ConfigError` when a model or a column does not fit; `DataError` when a file does not, or a run's images are
    gone; `ModelError` or `RunError` when the run is none, or one of a classical model.

    Examples
    --------
    >>> result = run("moons", models="lda, svm-rbf")
    >>> [region.title for region in result.regions], result.regions[0].n_test
    (['LDA', 'RBF SVM'], 60)
    """
    names = parse_models(models)
    plane = load_points(data, columns or "", n, noise, seed)
    check_points(plane)
    sample = split_points(plane.points, plane.labels, plane.classes, seed)
    n_train = int((~sample.held_out).sum())
    if neighbors > n_train:
        message = _("neighbors={k} is more than the {n} training points: use fewer.")
        raise ConfigError(message.format(k=neighbors, n=n_train))
    settings = Settings(neighbors, cost, gamma, max_depth, seed)
    regions = [fit_region(name, sample, settings) for name in names if name != "mlp"]
    history: tuple[Epoch, ...] = ()
    if "mlp" in names:
        from discern.labs.boundary.perceptron import train_mlp

        region, history = train_mlp(sample, _check_widths(hidden), epochs, lr, seed)
        regions.append(region)
    return Boundary(plane.title, plane.axes, sample, tuple(regions), history, plane.left_out)


def _check_widths(hidden: np.ndarray) -> tuple[int, ...]:
    widths = tuple(int(width) for width in hidden)
    if len(widths) > 6 or any(w != x or not 1 <= w <= 256 for w, x in zip(widths, hidden, strict=True)):
        raise ConfigError(_("hidden takes at most 6 integers from 1 to 256, such as 16 16."))
    return widths
