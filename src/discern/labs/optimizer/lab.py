"""A race of optimizers from one start: every gradient, every moment, every step.

Sources: those that `discern.labs.optimizer.steps` names.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Literal

import numpy as np
from pydantic import Field

from discern.errors import ConfigError
from discern.i18n import N_, _
from discern.labs.optimizer.steps import DIVIDING, RULES, Path, Settings, walk
from discern.labs.optimizer.surfaces import SURFACES, Surface
from discern.labs.options import Numbers
from discern.result import Cell, Result, Table

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

NEAR = 0.1  # of a lowest point: arrived
FRAMES = 30
GRID = 101  # points a side of the contours
LEVELS = 18
LINE_STYLES = {
    "gd": ("#000000", "-"),
    "sgd": ("#8a8a8a", "-"),
    "momentum": ("#d55e00", "-"),
    "nesterov": ("#e69f00", "--"),
    "rmsprop": ("#0072b2", "-"),
    "rmsprop-torch": ("#56b4e9", "--"),
    "adam": ("#009e73", "-"),
    "adamw": ("#cc79a7", "--"),
}
"""Colour (Okabe and Ito's, apart for the colour-blind too) and line of each."""


@dataclass(frozen=True)
class Race(Result):
    """The ways of all optimizers on one surface.

    Attributes
    ----------
    surface : str
        One of `discern.labs.optimizer.surfaces.SURFACES`.
    settings : Settings
        What the optimizers are given.
    paths : tuple of Path
        One an optimizer.
    arrived : tuple of (int or None)
        The step from which on each is within `NEAR` of a lowest point.
    steps_of : str
        Whose steps are shown; ``none``.
    """

    surface: str
    settings: Settings
    paths: tuple[Path, ...]
    arrived: tuple[int | None, ...]
    steps_of: str

    figsize = (11.0, 4.6)

    @property
    def steps(self) -> int:
        """Steps of the longest path."""
        return max(len(path.moments) for path in self.paths)

    def sentences(self) -> Sequence[str]:
        there = [(t, path.name) for t, path in zip(self.arrived, self.paths, strict=True) if t is not None]
        if there:
            message = _("{name} is the first to stay within {near} of a lowest point, from step {t} on.")
            lines = [message.format(name=min(there)[1], near=NEAR, t=min(there)[0])]
        elif any(path.diverged is None for path in self.paths):
            message = _("None comes to stay within {near} of a lowest point by step {steps}.")
            lines = [message.format(near=NEAR, steps=self.steps)]
        else:
            lines = []
        return [*lines, *self._diverged(), self._first_step(), self._noise()]

    def _diverged(self) -> list[str]:
        """Describe what a learning rate that is too large does, where there is one."""
        away = [f"{path.name} ({path.diverged})" for path in self.paths if path.diverged is not None]
        if not away:
            return []
        surface = SURFACES[self.surface]
        nearest = min(surface.minima, key=lambda minimum: np.linalg.norm(self.paths[0].points[0] - minimum))
        steepest = surface.curvature(nearest)
        message = _(
            "Diverged, at step: {names}. Each step overshoots further than the last: at the lowest point the surface "
            "curves by {curvature:.4g}, where gradient descent settles only with a learning rate below 2 / "
            "{curvature:.4g} = {limit:.3g}."
        )
        return [message.format(names=", ".join(away), curvature=steepest, limit=2 / steepest)]

    def _first_step(self) -> str:
        message = _(
            "The lecture's RMSProp starts with sigma_0 = |g_0|, so its first step is just the learning rate in either "
            "direction; torch's starts with 0 and divides by sqrt(1 - alpha) |g_0|: its first step is {times:.4g} "
            "times as long."
        )
        return message.format(times=1 / np.sqrt(1 - self.settings.alpha))

    def _noise(self) -> str:
        rows = SURFACES[self.surface].rows
        if rows is not None:
            message = _("SGD takes the gradient of {batch} of the {n} rows, drawn anew at every step, seeded.")
            return message.format(batch=min(self.settings.batch, len(rows)), n=len(rows))
        message = _(
            "SGD's gradient has seeded normal noise, as a mini-batch would give it: its standard deviation is {noise} "
            "of the length of the first gradient."
        )
        return message.format(noise=self.settings.noise)

    def tables(self) -> Sequence[Table]:
        surface = SURFACES[self.surface]
        rows: list[list[Cell]] = []
        for path, arrived in zip(self.paths, self.arrived, strict=True):
            lines = _("diverged") if path.diverged is not None else "-" if arrived is None else str(arrived)
            rows.append([path.name, path.lr, *path.points[-1].tolist(), float(path.values[-1]), lines])
        titles = [_("optimizer"), _("learning rate"), "x", "y", _("loss at the end"), _("there from step")]
        race = _("The race on {name}: {formula}").format(name=self.surface, formula=surface.formula)
        firsts = [[path.name, *path.moments[0].g, *path.moments[0].change] for path in self.paths if path.moments]
        first = Table(_("The first step"), (_("optimizer"), "g x", "g y", _("step x"), _("step y")), firsts)
        return [Table(race, titles, rows), first, *self._steps()]

    def _steps(self) -> list[Table]:
        """Tabulate every value of one optimizer, x and y of each step one below the other."""
        chosen = [path for path in self.paths if path.name == self.steps_of and path.moments]
        if not chosen:
            return []
        moments = chosen[0].moments
        rows = [
            [t, axis, moment.w[i], moment.g[i], *(state[i] for state in moment.state.values()), moment.change[i]]
            for t, moment in enumerate(moments, start=1)
            for i, axis in enumerate("xy")
        ]
        titles = (_("step"), _("axis"), "w", "g", *moments[0].state, _("change of w"))
        return [Table(_("Every step of {name}").format(name=self.steps_of), titles, rows)]

    def plot(self, figure: Figure) -> None:
        left, right = figure.subplots(1, 2, width_ratios=[1.25, 1])
        self._draw(left, right, self.steps)

    def frames(self) -> int:
        return min(FRAMES, self.steps + 1)

    def plot_frame(self, figure: Figure, frame: int) -> None:
        left, right = figure.subplots(1, 2, width_ratios=[1.25, 1])
        self._draw(left, right, round(frame * self.steps / max(1, self.frames() - 1)))

    def _draw(self, left: Axes, right: Axes, until: int) -> None:
        """Draw the paths on the contours, and the losses, up to a step."""
        surface = SURFACES[self.surface]
        self._contours(left, surface)
        lowest = min(surface.at(np.array(minimum)) for minimum in surface.minima)
        for path in self.paths:
            colour, line = LINE_STYLES[path.name]
            x, y = path.points[: until + 1].T
            left.plot(x, y, line, color=colour, linewidth=1.4)
            left.plot(x[-1], y[-1], "o", color=colour, markersize=5)
            above = np.maximum(path.values - lowest, 1e-12)
            right.plot(above[: until + 1], line, color=colour, linewidth=1.4, label=path.name)
        every = np.concatenate([path.values for path in self.paths]) - lowest
        top = max(10 * (surface.at(self.paths[0].points[0]) - lowest), 1e-3)
        right.set(xlim=(0, max(1, self.steps)), ylim=(max(float(every.min()), 1e-6) / 2, top), yscale="log")
        right.set(xlabel=_("step"), ylabel=_("loss above the lowest"), title=_("step {t}").format(t=until))
        right.minorticks_off()
        right.legend(fontsize=8, loc="upper left", bbox_to_anchor=(1, 1))

    def _contours(self, ax: Axes, surface: Surface) -> None:
        from_x, to_x, from_y, to_y = surface.box
        x, y = np.meshgrid(np.linspace(from_x, to_x, GRID), np.linspace(from_y, to_y, GRID))
        z = surface.value(x, y)
        low = min(surface.at(np.array(minimum)) for minimum in surface.minima)
        levels = low + (z.max() - low) * np.linspace(0, 1, LEVELS + 1)[1:] ** 2.5  # closer where it is flat
        ax.contour(x, y, z, levels, cmap="Greys_r", linewidths=0.6, alpha=0.8)
        ax.plot(*self.paths[0].points[0], "k^", markersize=8)
        lowest = np.array(surface.minima).T
        ax.plot(*lowest, "*", color="crimson", markerfacecolor="none", markersize=14, zorder=3)  # seen through
        ax.set(xlim=(from_x, to_x), ylim=(from_y, to_y), xlabel="x", ylabel="y", title=surface.formula)


def run(
    surface: Annotated[
        Literal["bowl", "ravine", "saddle", "rosenbrock", "himmelblau", "waves", "line"],
        N_("What is walked down; line is a least-squares fit with mini-batches of its rows."),
    ] = "ravine",
    start: Annotated[Numbers | None, N_("Two numbers; the surface's own unless given.")] = None,
    steps: Annotated[int, Field(ge=1, le=5000), N_("How many.")] = 100,
    lr: Annotated[float | None, Field(gt=0), N_("One learning rate for all; what suits each unless given.")] = None,
    steps_of: Annotated[
        Literal["none", "gd", "sgd", "momentum", "nesterov", "rmsprop", "rmsprop-torch", "adam", "adamw"],
        N_("Whose every step is shown."),
    ] = "none",
    momentum: Annotated[float, Field(ge=0, lt=1), N_("Of momentum and Nesterov.")] = 0.9,
    alpha: Annotated[float, Field(ge=0, lt=1), N_("Of RMSProp.")] = 0.99,
    beta1: Annotated[float, Field(ge=0, lt=1), N_("Of Adam and AdamW, for the mean.")] = 0.9,
    beta2: Annotated[float, Field(ge=0, lt=1), N_("Of Adam and AdamW, for the squares.")] = 0.999,
    decay: Annotated[float, Field(ge=0), N_("Weight decay of AdamW.")] = 0.01,
    noise: Annotated[float, Field(ge=0), N_("Of SGD's gradient, as a share of the first.")] = 0.1,
    batch: Annotated[int, Field(ge=1), N_("Rows of a mini-batch of line.")] = 4,
    seed: Annotated[int, Field(ge=0), N_("Of SGD's noise and mini-batches.")] = 0,
) -> Race:
    """Let all optimizers walk down a surface from one start.

    Raises
    ------
    ConfigError
        When the start is not two numbers.

    Examples
    --------
    >>> race = run("bowl", steps=1)
    >>> {path.name: path.moments[0].change.round(3).tolist() for path in race.paths}["rmsprop"]
    [0.2, -0.2]
    """
    chosen = SURFACES[surface]
    begin = np.array(chosen.start) if start is None else start
    if begin.shape != (2,):
        raise ConfigError(_("A start is two numbers, x and y, not {n}.").format(n=len(begin)))
    given = Settings(momentum=momentum, alpha=alpha, beta1=beta1, beta2=beta2, decay=decay, noise=noise, batch=batch)
    paths = []
    for name in RULES:
        own = chosen.step if name in DIVIDING else chosen.lr
        paths.append(walk(name, chosen, begin, own if lr is None else lr, steps, given, seed))
    arrived = tuple(_arrived(path, chosen) for path in paths)
    return Race(surface, given, tuple(paths), arrived, steps_of)


def _arrived(path: Path, surface: Surface) -> int | None:
    """Return the step from which on ``path`` stays near a lowest point."""
    away = np.min([np.linalg.norm(path.points - np.array(lowest), axis=1) for lowest in surface.minima], axis=0)
    outside = np.flatnonzero(away > NEAR)
    last = int(outside[-1]) if len(outside) else -1
    return last + 1 if last + 1 < len(path.points) else None
