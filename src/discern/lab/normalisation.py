"""Batch, layer, instance and group normalisation: which cells share a mean, and what becomes of the numbers.

Sources: Ioffe and Szegedy 2015 (batch); Ba, Kiros and Hinton 2016 (layer); Ulyanov, Vedaldi and Lempitsky 2016
(instance); Wu and He 2018, Group normalization, figure 2 (group, and the drawing of all four).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Literal

import numpy as np
from pydantic import Field

from discern.errors import ConfigError
from discern.i18n import _
from discern.lab.blocks import draw_blocks
from discern.lab.options import Matrix, Numbers, written
from discern.lab.result import Cell, Result, Table, cell_text

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Kind = Literal["batch", "layer", "instance", "group"]
KINDS: tuple[Kind, ...] = ("batch", "layer", "instance", "group")
MOST_FRAMES = 40
MOST_CELLS = 4096  # of a tensor

# Two examples of four channels of 2 x 2 cells; the channels differ in size, the examples in brightness.
EXAMPLE = np.array([1.0, 2.0, 3.0, 6.0]).reshape(2, 2) * np.array([1.0, 2.0, -1.0, 5.0])[:, None, None]
EXAMPLE = np.stack([EXAMPLE, EXAMPLE[:, ::-1] + 4.0])


def summary() -> str:
    """What this lab shows."""
    return _("Batch, layer, instance and group normalisation: which cells share a mean, in training and after.")


@dataclass(frozen=True)
class Shared:
    """Cells that share a mean.

    Attributes
    ----------
    cells : str
        Which: examples and channels, counted from 1.
    n : int
        How many.
    mean, variance : float
        The variance divides by n.
    deviation : float
        sqrt(variance + eps), what the cells are divided by.
    """

    cells: str
    n: int
    mean: float
    variance: float
    deviation: float


@dataclass(frozen=True)
class Running:
    """The running statistics after a batch.

    Attributes
    ----------
    step : int
        Batches seen.
    mean, variance : numpy.ndarray
        (C,).
    """

    step: int
    mean: np.ndarray
    variance: np.ndarray


@dataclass(frozen=True)
class Normalisation(Result):
    """A tensor before and after.

    Attributes
    ----------
    kind : {"batch", "layer", "instance", "group"}
    tensor : numpy.ndarray
        (N, C, H, W).
    sets : dict of str to numpy.ndarray
        Kind -> (N, C), int: the number of the set that all cells of an example's channel belong to.
    shared : tuple of Shared
        The sets of this kind, by number.
    scale, shift : numpy.ndarray
        (C,) gamma and beta.
    normalised : numpy.ndarray
        (N, C, H, W) (x - mean) / sqrt(variance + eps).
    output : numpy.ndarray
        (N, C, H, W) in training mode: scale * normalised + shift.
    running : tuple of Running
        Of batch normalisation, from the start on; empty otherwise.
    evaluation : numpy.ndarray
        (N, C, H, W) the output in evaluation mode, after all steps.
    momentum, eps : float
    """

    kind: str
    tensor: np.ndarray
    sets: dict[str, np.ndarray]
    shared: tuple[Shared, ...]
    scale: np.ndarray
    shift: np.ndarray
    normalised: np.ndarray
    output: np.ndarray
    running: tuple[Running, ...]
    evaluation: np.ndarray
    momentum: float
    eps: float

    inches = (11.0, 6.0)

    def sentences(self) -> Sequence[str]:
        who = {
            "batch": _("Batch: a channel shares one mean over all examples, so each example depends on its batch."),
            "layer": _("Layer: an example shares one mean over all its channels, whatever else is in the batch."),
            "instance": _(
                "Instance: every channel of every example has a mean of its own: contrast goes, shape stays."
            ),
            "group": _("Group: the channels of an example share a mean in groups, whatever else is in the batch."),
        }
        sizes = _("Sets: {sets}, of {n} cells each; before scale and shift, a set leaves with mean 0 and variance 1.")
        said = [who[self.kind], sizes.format(sets=len(self.shared), n=self.shared[0].n)]
        if not all(one.variance for one in self.shared):
            said.append(_("A set whose cells are all equal has no variance: they become 0, saved by eps."))
        if not self.running:
            return [*said, _("It does the same in training and in evaluation: it keeps no running statistics.")]
        apart = _(
            "In evaluation the running statistics stand in for the batch's; after {steps} steps outputs differ by {x}."
        )
        far = float(np.abs(self.evaluation - self.output).max())
        said.append(apart.format(steps=self.running[-1].step, x=cell_text(far)))
        return [*said, _("They take the variance that divides by n - 1, so a small difference always remains.")]

    def tables(self) -> Sequence[Table]:
        titles = (_("set"), _("cells"), "n", _("mean"), _("variance"), "sqrt(variance + eps)")
        sets = [(i + 1, s.cells, s.n, s.mean, s.variance, s.deviation) for i, s in enumerate(self.shared)]
        cells: list[tuple[Cell, ...]] = []
        for place in np.ndindex(self.tensor.shape):
            number = int(self.sets[self.kind][place[:2]]) + 1
            values = [float(a[place]) for a in (self.tensor, self.normalised, self.output, self.evaluation)]
            cells.append((" ".join(str(i + 1) for i in place), number, *values))
        columns = (_("n c h w"), _("set"), "x", _("normalised"), _("output, training"), _("output, evaluation"))
        found = [Table(_("Cells that share a mean"), titles, sets), Table(_("Every cell"), columns, cells)]
        if self.running:
            rows = [(state.step, written(state.mean), written(state.variance)) for state in self.running]
            seen = (_("batches seen"), _("running means of the channels"), _("running variances"))
            found.append(Table(_("Running statistics"), seen, rows))
        return found

    def plot(self, figure: Figure) -> None:
        above, below = figure.subfigures(2, 1, squeeze=False, height_ratios=[2, 3])[:, 0]
        for axes, (kind, sets) in zip(above.subplots(1, 4), self.sets.items(), strict=True):
            draw_blocks(axes, self.tensor, sets, numbers=False)
            axes.set_title(kind, fontweight="bold" if kind == self.kind else "normal")
            axes.set_ylabel(_("example"))
            axes.set_xlabel(_("channel"))
        left, right = below.subplots(1, 2)
        draw_blocks(left, self.tensor, self.sets[self.kind])
        draw_blocks(right, self.output, self.sets[self.kind])
        left.set_title(_("input: cells of one colour share a mean"))
        right.set_title(_("output"))

    def frames(self) -> int:
        return min(len(self.running), MOST_FRAMES)

    def plot_frame(self, figure: Figure, frame: int) -> None:
        shown = round(frame * (len(self.running) - 1) / max(self.frames() - 1, 1))
        lines, cells = figure.subplots(1, 2, width_ratios=[2, 3])
        means = np.stack([state.mean for state in self.running])  # (steps + 1, C)
        for channel, line in enumerate(means.T):
            lines.plot(
                line[: shown + 1], color=f"C{channel % 10}", marker=".", label=_("channel {c}").format(c=channel + 1)
            )
            lines.axhline(self.shared[channel].mean, color=f"C{channel % 10}", linestyle=":")
        lines.set_xlim(-0.5, len(self.running) - 0.5)
        reach = np.concatenate([means.ravel(), [s.mean for s in self.shared]])
        lines.set_ylim(reach.min() - 0.5, reach.max() + 0.5)
        lines.set_xlabel(_("batches seen"))
        lines.set_title(_("running means; dotted, the batch's"))
        if len(self.scale) <= 8:
            lines.legend(fontsize=8, loc="upper left")
        draw_blocks(cells, self._evaluated(self.running[shown]), self.sets[self.kind])
        cells.set_title(_("output in evaluation mode"))

    def _evaluated(self, state: Running) -> np.ndarray:
        return evaluate(self.tensor, state, self.scale, self.shift, self.eps)


def run(
    kind: Annotated[Kind, Field(description=_("Which normalisation."))] = "batch",
    tensor: Annotated[
        Matrix, Field(description=_("Channels with | between them, or N x C x H x W as JSON."))
    ] = EXAMPLE,
    examples: Annotated[
        int | None, Field(ge=1, description=_("How many examples the channels make up, one example after another."))
    ] = None,
    groups: Annotated[int, Field(ge=1, description=_("Into how many groups group normalisation puts channels."))] = 2,
    scale: Annotated[
        Numbers | None, Field(description=_("Gamma, one number for each channel; 1 unless given."))
    ] = None,
    shift: Annotated[Numbers | None, Field(description=_("Beta, one number for each channel; 0 unless given."))] = None,
    steps: Annotated[int, Field(ge=1, le=1000, description=_("Batches that the running statistics see."))] = 20,
    momentum: Annotated[float, Field(gt=0, le=1, description=_("Weight of the newest batch in them."))] = 0.1,
    eps: Annotated[float, Field(gt=0, description=_("Added to the variance."))] = 1e-5,
) -> Normalisation:
    """Normalise a tensor, set of cells by set of cells.

    Raises
    ------
    ConfigError
        When the groups do not divide the channels, the examples not the maps, or a set has one cell only.

    Examples
    --------
    >>> run("instance", np.array([[1.0, 2.0], [3.0, 4.0]]), groups=1).normalised.round(3).tolist()
    [[[[-1.342, -0.447], [0.447, 1.342]]]]
    """
    x = _four(tensor, examples)
    channels = x.shape[1]
    if kind == "group" and channels % groups:
        sentence = _("{channels} channels cannot be put into {groups} equal groups: choose a divisor of {channels}.")
        raise ConfigError(sentence.format(channels=channels, groups=groups))
    gamma, beta = _each("scale", scale, channels, 1.0), _each("shift", shift, channels, 0.0)
    sets: dict[str, np.ndarray] = {other: _sets(other, x.shape[0], channels, groups) for other in KINDS}
    normalised, shared = np.empty_like(x), []
    for number in range(int(sets[kind].max()) + 1):
        own = sets[kind] == number  # (N, C)
        cells = x[own]  # (k, H, W)
        if cells.size == 1:
            sentence = _("A set of one cell has no variance: give {kind} normalisation a larger tensor.")
            raise ConfigError(sentence.format(kind=kind))
        mean, variance = float(cells.mean()), float(cells.var())
        deviation = float(np.sqrt(variance + eps))
        normalised[own] = (cells - mean) / deviation
        shared.append(Shared(_named(own), cells.size, mean, variance, deviation))
    output = normalised * gamma[:, None, None] + beta[:, None, None]
    running = _run_on(shared, steps, momentum) if kind == "batch" else ()
    evaluation = evaluate(x, running[-1], gamma, beta, eps) if running else output
    return Normalisation(
        kind, x, sets, tuple(shared), gamma, beta, normalised, output, running, evaluation, momentum, eps
    )


def evaluate(x: np.ndarray, state: Running, scale: np.ndarray, shift: np.ndarray, eps: float) -> np.ndarray:
    """Batch normalisation in evaluation mode, (N, C, H, W) -> (N, C, H, W): a fixed line for each channel."""
    slope = scale / np.sqrt(state.variance + eps)
    return (x - state.mean[:, None, None]) * slope[:, None, None] + shift[:, None, None]


def _four(tensor: np.ndarray, examples: int | None) -> np.ndarray:
    """(H, W), (C, H, W) or (N, C, H, W) -> (N, C, H, W)."""
    if tensor.size > MOST_CELLS:
        sentence = _("{n} cells are too many to look at: give at most {most}.")
        raise ConfigError(sentence.format(n=tensor.size, most=MOST_CELLS))
    maps = tensor.reshape(-1, *tensor.shape[-2:])
    count = examples or (len(tensor) if tensor.ndim == 4 else 1)
    if len(maps) % count:
        sentence = _("{maps} maps cannot be shared equally by {examples} examples: choose a divisor of {maps}.")
        raise ConfigError(sentence.format(maps=len(maps), examples=count))
    return maps.reshape(count, -1, *tensor.shape[-2:])


def _each(name: str, given: np.ndarray | None, channels: int, otherwise: float) -> np.ndarray:
    """(C,)."""
    if given is None:
        return np.full(channels, otherwise)
    if len(given) != channels:
        sentence = _("{name} has {n} numbers for {channels} channels: give one for each channel.")
        raise ConfigError(sentence.format(name=name, n=len(given), channels=channels))
    return given


def _sets(kind: str, examples: int, channels: int, groups: int) -> np.ndarray:
    """(N, C) the number of each map's set."""
    example, channel = np.indices((examples, channels))
    if kind == "batch":
        return channel
    parts = {"layer": 1, "instance": channels, "group": math.gcd(groups, channels)}[kind]
    return example * parts + channel * parts // channels


def _named(own: np.ndarray) -> str:
    """Which examples and channels, (N, C) of bool."""
    examples, channels = (
        f"{found[0] + 1}" if len(found) == 1 else f"{found[0] + 1}-{found[-1] + 1}"
        for found in (np.flatnonzero(own.any(axis=1)), np.flatnonzero(own.any(axis=0)))
    )
    return _("example {examples}, channel {channels}").format(examples=examples, channels=channels)


def _run_on(shared: Sequence[Shared], steps: int, momentum: float) -> tuple[Running, ...]:
    """The running statistics while the same batch comes again and again."""
    mean = np.array([one.mean for one in shared])
    unbiased = np.array([one.variance * one.n / (one.n - 1) for one in shared])
    states = [Running(0, np.zeros_like(mean), np.ones_like(mean))]
    for step in range(1, steps + 1):
        last = states[-1]
        states.append(
            Running(
                step,
                (1 - momentum) * last.mean + momentum * mean,
                (1 - momentum) * last.variance + momentum * unbiased,
            )
        )
    return tuple(states)
