"""Optimizers compared from one start: every gradient, every moment, every step.

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
from discern.labs.optimizer.figure import draw_losses, draw_paths
from discern.labs.optimizer.steps import ADAPTIVE, RULES, Path, Settings, run_optimizer
from discern.labs.optimizer.surfaces import SURFACES, Surface
from discern.labs.options import Numbers
from discern.result import Cell, Result, Table

if TYPE_CHECKING:
    from matplotlib.figure import Figure

TOLERANCE = 0.1  # distance to a minimum that counts as arrived
MAX_FRAMES = 30
MAX_ROWS = 21


@dataclass(frozen=True)
class OptimizerComparison(Result):
    """The paths of all optimizers on one surface."""

    surface: str  # one of `discern.labs.optimizer.surfaces.SURFACES`
    settings: Settings
    paths: tuple[Path, ...]  # one per optimizer
    arrived: tuple[int | None, ...]  # the step from which on each stays within `TOLERANCE` of a minimum
    steps_of: str  # the optimizer whose steps are listed; or ``none``

    figsize = (11.0, 4.6)

    @property
    def n_steps(self) -> int:
        """Steps of the longest path."""
        return max(len(path.steps) for path in self.paths)

    def sentences(self) -> Sequence[str]:
        arrived = [(t, path.name) for t, path in zip(self.arrived, self.paths, strict=True) if t is not None]
        lines = []
        if arrived:
            message = _("{name} is the first to stay within {tolerance} of a minimum, from step {t} on.")
            lines.append(message.format(name=min(arrived)[1], tolerance=TOLERANCE, t=min(arrived)[0]))
        elif any(path.diverged is None for path in self.paths):
            message = _("None stays within {tolerance} of a minimum after {steps} steps.")
            lines.append(message.format(tolerance=TOLERANCE, steps=self.n_steps))
        return [*lines, *self._describe_divergence(), self._describe_first_step(), self._describe_noise()]

    def _describe_divergence(self) -> list[str]:
        """Explain a learning rate that is too large, where there is one."""
        names = [f"{path.name} ({path.diverged})" for path in self.paths if path.diverged is not None]
        if not names:
            return []
        surface = SURFACES[self.surface]
        nearest = min(surface.minima, key=lambda minimum: np.linalg.norm(self.paths[0].points[0] - minimum))
        curvature = surface.curvature(nearest)
        message = _(
            "Diverged, at step: {names}. Each step overshoots further than the last: the largest curvature at the "
            "minimum is {curvature:.4g}, and gradient descent converges only with a learning rate below 2 / "
            "{curvature:.4g} = {limit:.3g}."
        )
        return [message.format(names=", ".join(names), curvature=curvature, limit=2 / curvature)]

    def _describe_first_step(self) -> str:
        message = _(
            "The lecture's RMSProp starts with sigma_0 = |g_0|, so its first step equals the learning rate in each "
            "coordinate; PyTorch's starts with 0 and divides by sqrt(1 - alpha) |g_0|: its first step is {times:.4g} "
            "times as long."
        )
        return message.format(times=1 / np.sqrt(1 - self.settings.alpha))

    def _describe_noise(self) -> str:
        rows = SURFACES[self.surface].rows
        if rows is not None:
            message = _("SGD uses the gradient of {batch} of the {n} rows, drawn anew at every step (seeded).")
            return message.format(batch=min(self.settings.batch_size, len(rows)), n=len(rows))
        message = _(
            "SGD's gradient has seeded normal noise, as a mini-batch would cause it: its standard deviation is {noise} "
            "of the length of the first gradient."
        )
        return message.format(noise=self.settings.noise)

    def tables(self) -> Sequence[Table]:
        surface = SURFACES[self.surface]
        rows: list[list[Cell]] = []
        for path, arrived in zip(self.paths, self.arrived, strict=True):
            state = _("diverged") if path.diverged is not None else None if arrived is None else str(arrived)
            numbers = (*path.points[-1].tolist(), float(path.values[-1]))
            rows.append([path.name, path.lr, *(f"{number:.4g}" for number in numbers), state])
        columns = (_("optimizer"), _("learning rate"), "x", "y", _("final loss"), _("arrived at step"))
        title = _("Optimizers on {name}: {formula}").format(name=self.surface, formula=surface.formula)
        first_steps = [[path.name, *path.steps[0].g, *path.steps[0].change] for path in self.paths if path.steps]
        first_columns = (_("optimizer"), "g x", "g y", _("change of x"), _("change of y"))
        return [Table(title, columns, rows), Table(_("First step"), first_columns, first_steps), *self._step_tables()]

    def _step_tables(self) -> list[Table]:
        """Tabulate every value of one optimizer, x and y of each step one below the other."""
        paths = [path for path in self.paths if path.name == self.steps_of and path.steps]
        if not paths:
            return []
        steps = paths[0].steps
        rows = [
            [t, axis, step.w[i], step.g[i], *(value[i] for value in step.state.values()), step.change[i]]
            for t, step in enumerate(steps, start=1)
            for i, axis in enumerate("xy")
        ]
        columns = (_("step"), _("axis"), "w", "g", *steps[0].state, _("change of w"))
        title = _("Every step of {name}").format(name=self.steps_of)
        return [Table(title, columns, rows, text_columns=2, max_rows=MAX_ROWS)]

    def plot(self, figure: Figure) -> None:
        self._draw(figure, self.n_steps)

    def frames(self) -> int:
        return min(MAX_FRAMES, self.n_steps + 1)

    def plot_frame(self, figure: Figure, frame: int) -> None:
        self._draw(figure, round(frame * self.n_steps / max(1, self.frames() - 1)))

    def _draw(self, figure: Figure, step: int) -> None:
        left, right = figure.subplots(1, 2, width_ratios=[1.25, 1])
        draw_paths(left, SURFACES[self.surface], self.paths, step)
        draw_losses(right, SURFACES[self.surface], self.paths, step, self.n_steps)


def run(
    surface: Annotated[
        Literal["bowl", "ravine", "saddle", "rosenbrock", "himmelblau", "waves", "line"],
        N_("Loss surface; line is a least-squares fit with mini-batches of its rows."),
    ] = "ravine",
    start: Annotated[Numbers | None, N_("Start: two numbers; the surface's own if omitted.")] = None,
    steps: Annotated[int, Field(ge=1, le=5000), N_("Number of steps.")] = 100,
    lr: Annotated[float | None, Field(gt=0), N_("Learning rate of all; one that suits each if omitted.")] = None,
    steps_of: Annotated[
        Literal["none", "gd", "sgd", "momentum", "nesterov", "rmsprop", "rmsprop-torch", "adam", "adamw"],
        N_("Optimizer whose steps are listed one by one."),
    ] = "none",
    momentum: Annotated[float, Field(ge=0, lt=1), N_("Momentum of momentum and Nesterov.")] = 0.9,
    alpha: Annotated[float, Field(ge=0, lt=1), N_("Alpha of RMSProp.")] = 0.99,
    beta1: Annotated[float, Field(ge=0, lt=1), N_("Beta of Adam and AdamW for the mean.")] = 0.9,
    beta2: Annotated[float, Field(ge=0, lt=1), N_("Beta of Adam and AdamW for the squares.")] = 0.999,
    weight_decay: Annotated[float, Field(ge=0), N_("Weight decay of AdamW.")] = 0.01,
    noise: Annotated[float, Field(ge=0), N_("Noise of SGD's gradient, as a fraction of the first gradient.")] = 0.1,
    batch_size: Annotated[int, Field(ge=1), N_("Rows in a mini-batch of line.")] = 4,
    seed: Annotated[int, Field(ge=0), N_("Random seed of SGD's noise and mini-batches.")] = 0,
) -> OptimizerComparison:
    """Run all optimizers on a surface from one start.

    Raises
    ------
    ConfigError
        When the start is not two numbers.

    Examples
    --------
    >>> result = run("bowl", steps=1)
    >>> {path.name: path.steps[0].change.round(3).tolist() for path in result.paths}["rmsprop"]
    [0.2, -0.2]
    """
    loss = SURFACES[surface]
    point = np.array(loss.start) if start is None else start
    if point.shape != (2,):
        raise ConfigError(_("start: expected two numbers, x and y, got {n}.").format(n=len(point)))
    settings = Settings(momentum, alpha, beta1, beta2, weight_decay=weight_decay, noise=noise, batch_size=batch_size)
    paths = []
    for name in RULES:
        default_lr = loss.step if name in ADAPTIVE else loss.lr
        paths.append(run_optimizer(name, loss, point, default_lr if lr is None else lr, steps, settings, seed))
    arrived = tuple(_arrival_step(path, loss) for path in paths)
    return OptimizerComparison(surface, settings, tuple(paths), arrived, steps_of)


def _arrival_step(path: Path, surface: Surface) -> int | None:
    """Return the step from which on ``path`` stays near a minimum."""
    distance = np.min([np.linalg.norm(path.points - np.array(minimum), axis=1) for minimum in surface.minima], axis=0)
    outside = np.flatnonzero(distance > TOLERANCE)
    last = int(outside[-1]) if len(outside) else -1
    return last + 1 if last + 1 < len(path.points) else None
