"""Principal component analysis as the lecture defines it: w1 = argmax variance of w'X, then X - X w w', and again.

Sources: those that `discern.lab.deflation` names.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import numpy as np
from pydantic import Field

from discern.errors import ConfigError
from discern.i18n import _
from discern.lab.deflation import Component, Step, components
from discern.lab.draw import show_matrix
from discern.lab.examples import Examples, examples
from discern.lab.result import Cell, Result, Table
from discern.lab.scatter import COLOURS, show_pictures

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MOST_FEATURES = 8  # whose weights are written
USUAL = 10  # components, where there are as many
FRAMES = 60


def summary() -> str:
    """What this lab shows."""
    return _("Principal components one by one: power iteration step by step, then deflation; pictures of them.")


@dataclass(frozen=True)
class Analysis(Result):
    """All components that were asked for.

    Attributes
    ----------
    examples : Examples
        What was analysed.
    mean : numpy.ndarray
        (F,): what is taken away first.
    total : float
        Variance of the rows in all directions together.
    components : tuple of Component
        Each with the steps that found it.
    scores : numpy.ndarray
        (N, K): where the rows lie along the components.
    """

    examples: Examples
    mean: np.ndarray
    total: float
    components: tuple[Component, ...]
    scores: np.ndarray

    inches = (13.0, 4.5)

    @property
    def directions(self) -> np.ndarray:
        """(K, F)"""
        return np.array([one.direction for one in self.components])

    @property
    def shares(self) -> np.ndarray:
        """Of the variance: (K,)"""
        return np.array([one.variance / self.total for one in self.components])

    def sentences(self) -> Sequence[str]:
        first, count = self.components[0], len(self.components)
        sentence = _(
            "The first component is the direction in which the rows of {name} spread most: {share:.2f} percent of "
            "their variance lie along it."
        )
        told = [sentence.format(name=self.examples.name, share=100 * self.shares[0])]
        if count > 1:
            sentence = _("{count} components keep {share:.2f} percent of the variance of {features} columns.")
            told.append(
                sentence.format(count=count, share=100 * self.shares.sum(), features=len(self.examples.features))
            )
        sentence = _(
            "Power iteration multiplies any direction by the covariance until it turns no more (step {steps} for "
            "the first): the nearer the next variance, the longer it takes."
        )
        told.append(sentence.format(steps=first.steps[-1].number))
        if count > 1:
            slant = float(np.abs(self.directions @ self.directions.T - np.eye(count)).max())
            sentence = _(
                "X - X w w' has no variance left along w, so the components are at right angles: of any two, the "
                "product is at most {slant:.1e}. Their signs mean nothing."
            )
            told.append(sentence.format(slant=slant))
        unsettled = [str(i) for i, one in enumerate(self.components, start=1) if not one.settled]
        if unsettled:
            sentence = _("Not settled: component {names}. The next variance is almost as large, either will do.")
            told.append(sentence.format(names=", ".join(unsettled)))
        return told

    def tables(self) -> Sequence[Table]:
        together = np.cumsum(self.shares)
        rows: list[list[Cell]] = [
            [i + 1, one.steps[-1].number, one.variance, float(self.shares[i]), float(together[i]), one.left]
            for i, one in enumerate(self.components)
        ]
        titles = (_("component"), _("steps"), _("variance"), _("share"), _("together"), _("variance left"))
        tables = [Table(_("Components of {name}").format(name=self.examples.name), titles, rows)]
        few = len(self.examples.features) <= MOST_FEATURES
        if few:
            weights: list[list[Cell]] = [
                [name, *map(float, column)]
                for name, column in zip(self.examples.features, self.directions.T, strict=True)
            ]
            numbers = [str(i + 1) for i in range(len(self.components))]
            tables.append(Table(_("Weights of the components"), (_("feature"), *numbers), weights))
        steps: list[list[Cell]] = [
            [step.number, step.variance, step.turned, *(map(float, step.direction) if few else ())]
            for step in self.components[0].steps
        ]
        names = self.examples.features if few else ()
        heads = (_("step"), _("variance of w'X"), _("turned by degrees"), *names)
        return [*tables, Table(_("Power iteration of the first component"), heads, steps)]

    def plot(self, figure: Figure) -> None:
        shown = bool(self.examples.picture) or len(self.examples.features) <= MOST_FEATURES
        axes = figure.subplots(1, 3 if shown else 2)
        self._scores(axes[0])
        if shown:
            self._weights(axes[1])
        self._shares(axes[-1])

    def _scores(self, ax: Axes) -> None:
        """Where the rows lie along the first two components."""
        two = np.zeros((len(self.scores), 2))
        two[:, : min(2, self.scores.shape[1])] = self.scores[:, :2]
        for label, name in enumerate(self.examples.classes or [""]):
            x, y = two[self.examples.labels == label].T
            ax.plot(x, y, ".", color=COLOURS[label % len(COLOURS)], markersize=5, alpha=0.7, label=name)
        titles = [
            _("component {number} ({share:.1f} percent)").format(number=i + 1, share=100 * share)
            for i, share in enumerate(self.shares[:2])
        ]
        ax.set(xlabel=titles[0], ylabel=titles[1] if len(titles) > 1 else "", title=self.examples.name)
        if 1 < len(self.examples.classes) <= len(COLOURS):
            ax.legend(fontsize=8, markerscale=2, loc="center left", bbox_to_anchor=(1, 0.5), handletextpad=0)

    def _weights(self, ax: Axes) -> None:
        """The components as pictures, or as numbers."""
        numbers = [str(i + 1) for i in range(len(self.components))]
        if self.examples.picture:
            show_pictures(ax, self.directions.reshape(-1, *self.examples.picture), numbers, cmap="RdBu_r", columns=4)
            ax.set_title(_("components: red up, blue down"))
            return
        show_matrix(ax, self.directions.T, _("weights of the components"), cmap="RdBu_r", limits=(-1, 1))
        ax.set_xticks(range(len(numbers)), numbers)
        ax.set_yticks(range(len(self.examples.features)), self.examples.features)

    def _shares(self, ax: Axes) -> None:
        """What share of the variance each keeps, and all up to it."""
        numbers = np.arange(1, len(self.components) + 1)
        ax.bar(numbers, self.shares, color="#56b4e9", label=_("each"))
        ax.plot(numbers, np.cumsum(self.shares), "o-", color="black", markersize=4, label=_("together"))
        ax.set(xlabel=_("component"), ylabel=_("share of the variance"), ylim=(0, 1.03), xticks=numbers)
        ax.legend(fontsize=8, loc="center right")

    def frames(self) -> int:
        return len(self._moments())

    def plot_frame(self, figure: Figure, frame: int) -> None:
        number, step = self._moments()[frame]
        one = self.components[number]
        left, right = figure.subplots(1, 2)
        title = _("component {number}, step {step}").format(number=number + 1, step=step.number)
        w = step.direction * np.sign(one.steps[-1].direction @ one.direction)
        if self.examples.picture:
            show_pictures(left, w.reshape(1, *self.examples.picture), [title], cmap="RdBu_r")
        else:
            left.bar(range(len(w)), w, color="#0072b2")
            left.axhline(0, color="black", linewidth=0.8)
            left.set(ylim=(-1.05, 1.05), title=title, ylabel=_("weight"))
            if len(w) <= MOST_FEATURES:
                left.set_xticks(range(len(w)), self.examples.features, rotation=20, ha="right")
        done = [other for other in one.steps if other.number <= step.number]
        right.plot([other.number for other in done], [other.variance for other in done], "o-", color="#d55e00")
        right.axhline(one.variance, color="#777777", linestyle="--")
        right.set_xscale("symlog", linthresh=1)
        right.set(xlim=(0, 1.3 * one.steps[-1].number), ylim=(0, 1.1 * one.variance))
        title = _("variance left without it: {left:.4g}").format(left=one.left)
        right.set(xlabel=_("step"), ylabel=_("variance of w'X"), title=title)

    def _moments(self) -> list[tuple[int, Step]]:
        """Components and their steps, as many of each as `FRAMES` allows, the last among them."""
        most = max(2, FRAMES // len(self.components))
        chosen = []
        for number, one in enumerate(self.components):
            places = np.unique(np.linspace(0, len(one.steps) - 1, most).round().astype(int))
            chosen += [(number, one.steps[place]) for place in places]
        return chosen[:FRAMES]


def run(
    data: Annotated[str, Field(description=_("iris, digits, a .csv file or a run."))] = "iris",
    count: Annotated[
        int | None, Field(ge=1, description=_("How many components; as many as there are, at most 10, unless given."))
    ] = None,
    scale: Annotated[bool, Field(description=_("Give every column mean 0 and standard deviation 1 first."))] = False,
    seed: Annotated[int, Field(ge=0, description=_("Of the direction where power iteration starts."))] = 0,
) -> Analysis:
    """Find principal components.

    Raises
    ------
    ConfigError
        When there are no such examples, fewer columns or rows than components, or all rows are the same.

    Examples
    --------
    >>> run("iris").shares.round(4).tolist()
    [0.9246, 0.0531, 0.0171, 0.0052]
    """
    found = examples(data)
    values = found.scaled() if scale else found.values
    there = min(values.shape[1], len(values) - 1)
    if count is not None and count > there:
        sentence = _("{name} has {rows} rows of {columns} columns: ask for at most {there} components, not {count}.")
        told = {"name": found.name, "rows": len(values), "columns": values.shape[1], "there": there, "count": count}
        raise ConfigError(sentence.format(**told))
    mean = values.mean(axis=0)
    rows = values - mean
    if not rows.any():
        raise ConfigError(_("All rows of {name} are the same: they spread in no direction.").format(name=found.name))
    chosen = components(rows, count or min(there, USUAL), seed)
    scores = rows @ np.array([one.direction for one in chosen]).T
    return Analysis(found, mean, float((rows**2).sum() / (len(rows) - 1)), tuple(chosen), scores)
