"""Batch, layer, instance and group normalization: which values share a mean, and what becomes of them.

Sources: Ioffe and Szegedy 2015 (batch); Ba, Kiros and Hinton 2016 (layer); Ulyanov, Vedaldi and Lempitsky 2016
(instance); Wu and He 2018, Group normalization, figure 2 (group, and the drawing of all four).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import numpy as np
from pydantic import Field

from discern.errors import ConfigError
from discern.i18n import N_, _
from discern.labs.normalization.figure import draw_blocks, draw_running_means
from discern.labs.normalization.statistics import (
    KINDS,
    Kind,
    RunningStatistics,
    Statistics,
    assign_groups,
    describe_members,
    normalize_with,
    update_running,
)
from discern.labs.options import Matrix, Numbers, format_value
from discern.result import Cell, Result, Table, cell_text

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MAX_FRAMES = 40
MAX_CELLS = 4096  # of a tensor

# Two examples of four channels of 2 x 2 cells; the channels differ in scale, the examples in brightness.
EXAMPLE = np.array([1.0, 2.0, 3.0, 6.0]).reshape(2, 2) * np.array([1.0, 2.0, -1.0, 5.0])[:, None, None]
EXAMPLE = np.stack([EXAMPLE, EXAMPLE[:, ::-1] + 4.0])


@dataclass(frozen=True)
class Normalization(Result):
    """A tensor before and after."""

    kind: str  # one of `KINDS`
    tensor: np.ndarray  # (N, C, H, W)
    groups: dict[str, np.ndarray]  # kind -> (N, C), int: the group of values that each channel of each example is in
    statistics: tuple[Statistics, ...]  # of every group of this kind
    scale: np.ndarray  # (C,) gamma
    shift: np.ndarray  # (C,) beta
    normalized: np.ndarray  # (N, C, H, W) (x - mean) / sqrt(variance + eps)
    output: np.ndarray  # (N, C, H, W) in training mode: scale * normalized + shift
    running: tuple[RunningStatistics, ...]  # of batch normalization, from the initial values on; empty otherwise
    evaluation: np.ndarray  # (N, C, H, W) the output in evaluation mode, after all steps
    momentum: float
    eps: float

    figsize = (11.0, 6.0)

    def sentences(self) -> Sequence[str]:
        explanation = {
            "batch": _("Batch: a channel shares one mean over all examples, so each example depends on its batch."),
            "layer": _("Layer: an example shares one mean over all its channels, independent of the batch."),
            "instance": _("Instance: each channel of each example has its own mean: contrast is removed, shape stays."),
            "group": _("Group: the channels of an example share a mean in groups, independent of the batch."),
        }
        message = _("{groups} groups of {n} values each; before scale and shift, each has mean 0 and variance 1.")
        lines = [explanation[self.kind], message.format(groups=len(self.statistics), n=self.statistics[0].n)]
        if not all(one.variance for one in self.statistics):
            lines.append(_("Where all values are equal, the variance is 0: eps avoids a division by 0."))
        if not self.running:
            return [*lines, _("Training and evaluation are the same: there are no running statistics.")]
        message = _(
            "Evaluation uses the running statistics instead of the batch's; after {steps} steps the outputs differ by "
            "{difference}."
        )
        difference = cell_text(float(np.abs(self.evaluation - self.output).max()))
        lines.append(message.format(steps=self.running[-1].step, difference=difference))
        return [*lines, _("The running variance divides by n - 1, so a small difference always remains.")]

    def tables(self) -> Sequence[Table]:
        columns = (_("group"), _("values"), "n", _("mean"), _("variance"), "sqrt(variance + eps)")
        groups = [(str(i + 1), s.members, s.n, s.mean, s.variance, s.deviation) for i, s in enumerate(self.statistics)]
        values: list[tuple[Cell, ...]] = []
        for index in np.ndindex(self.tensor.shape):
            group = int(self.groups[self.kind][index[:2]]) + 1
            stages = [float(a[index]) for a in (self.tensor, self.normalized, self.output, self.evaluation)]
            values.append((" ".join(str(i + 1) for i in index), group, *stages))
        tables = [Table(_("Values that share a mean"), columns, groups, text_columns=2, max_rows=20)]
        columns = ("n c h w", _("group"), "x", _("normalized"), _("output, training"), _("output, evaluation"))
        tables.append(Table(_("Every value"), columns, values, max_rows=20))
        if self.running:
            rows = [(one.step, format_value(one.mean), format_value(one.variance)) for one in self.running]
            heads = (_("batches"), _("running means of the channels"), _("running variances"))
            tables.append(Table(_("Running statistics"), heads, rows, text_columns=3, max_rows=20))
        return tables

    def plot(self, figure: Figure) -> None:
        above, below = figure.subfigures(2, 1, squeeze=False, height_ratios=[2, 3]).flat
        for axes, (kind, groups) in zip(above.subplots(1, 4), self.groups.items(), strict=True):
            draw_blocks(axes, self.tensor, groups, numbers=False)
            axes.set_title(kind, fontweight="bold" if kind == self.kind else "normal")
            axes.set(xlabel=_("channel"), ylabel=_("example"))
        left, right = below.subplots(1, 2)
        draw_blocks(left, self.tensor, self.groups[self.kind])
        draw_blocks(right, self.output, self.groups[self.kind])
        left.set_title(_("input: values of one color share a mean"))
        right.set_title(_("output"))

    def frames(self) -> int:
        return min(len(self.running), MAX_FRAMES)

    def plot_frame(self, figure: Figure, frame: int) -> None:
        step = round(frame * (len(self.running) - 1) / max(self.frames() - 1, 1))
        left, right = figure.subplots(1, 2, width_ratios=[2, 3])
        means = np.stack([one.mean for one in self.running])  # (steps + 1, C)
        draw_running_means(left, means, [one.mean for one in self.statistics], step)
        output = normalize_with(self.tensor, self.running[step], self.scale, self.shift, self.eps)
        draw_blocks(right, output, self.groups[self.kind])
        right.set_title(_("output in evaluation mode"))


def run(
    kind: Annotated[Kind, N_("The kind of normalization.")] = "batch",
    tensor: Annotated[Matrix, N_("Channels with | between them, or N x C x H x W as JSON.")] = EXAMPLE,
    examples: Annotated[
        int | None, Field(ge=1), N_("Number of examples that the channels belong to, one after another.")
    ] = None,
    groups: Annotated[int, Field(ge=1), N_("Number of groups of channels in group normalization.")] = 2,
    scale: Annotated[Numbers | None, N_("Gamma, one number for each channel; by default 1.")] = None,
    shift: Annotated[Numbers | None, N_("Beta, one number for each channel; by default 0.")] = None,
    steps: Annotated[int, Field(ge=1, le=1000), N_("Batches that update the running statistics.")] = 20,
    momentum: Annotated[float, Field(gt=0, le=1), N_("Weight of the newest batch in the running statistics.")] = 0.1,
    eps: Annotated[float, Field(gt=0), N_("Added to the variance.")] = 1e-5,
) -> Normalization:
    """Normalize a tensor, group of values by group of values.

    Raises `ConfigError` when the groups do not divide the channels, the examples do not divide the maps, or a group has
    one value only.

    Examples
    --------
    >>> run("instance", np.array([[1.0, 2.0], [3.0, 4.0]]), groups=1).normalized.round(3).tolist()
    [[[[-1.342, -0.447], [0.447, 1.342]]]]
    """
    x = _to_nchw(tensor, examples)
    channels = x.shape[1]
    if kind == "group" and channels % groups:
        message = _("{channels} channels do not divide into {groups} equal groups: choose a divisor of {channels}.")
        raise ConfigError(message.format(channels=channels, groups=groups))
    gamma, beta = _per_channel("scale", scale, channels, 1.0), _per_channel("shift", shift, channels, 0.0)
    all_groups: dict[str, np.ndarray] = {each: assign_groups(each, x.shape[0], channels, groups) for each in KINDS}
    normalized, statistics = np.empty_like(x), []
    for number in range(int(all_groups[kind].max()) + 1):
        mask = all_groups[kind] == number  # (N, C)
        values = x[mask]  # (k, H, W)
        if values.size == 1:
            message = _("A group of one value has no variance: use a larger tensor for {kind} normalization.")
            raise ConfigError(message.format(kind=kind))
        mean, variance = float(values.mean()), float(values.var())
        deviation = float(np.sqrt(variance + eps))
        normalized[mask] = (values - mean) / deviation
        statistics.append(Statistics(describe_members(mask), values.size, mean, variance, deviation))
    output = normalized * gamma[:, None, None] + beta[:, None, None]
    running = update_running(statistics, steps, momentum) if kind == "batch" else ()
    evaluation = normalize_with(x, running[-1], gamma, beta, eps) if running else output
    return Normalization(
        kind, x, all_groups, tuple(statistics), gamma, beta, normalized, output, running, evaluation, momentum, eps
    )


def _to_nchw(tensor: np.ndarray, examples: int | None) -> np.ndarray:
    """Reshape (H, W), (C, H, W) or (N, C, H, W) to (N, C, H, W)."""
    if tensor.size > MAX_CELLS:
        message = _("The tensor has {n} values, more than the {limit} that can be listed: use a smaller one.")
        raise ConfigError(message.format(n=tensor.size, limit=MAX_CELLS))
    maps = tensor.reshape(-1, *tensor.shape[-2:])
    count = examples or (len(tensor) if tensor.ndim == 4 else 1)
    if len(maps) % count:
        message = _("{maps} maps do not divide into {examples} examples: choose a divisor of {maps}.")
        raise ConfigError(message.format(maps=len(maps), examples=count))
    return maps.reshape(count, -1, *tensor.shape[-2:])


def _per_channel(name: str, values: np.ndarray | None, channels: int, default: float) -> np.ndarray:
    """Return ``values``, or the default, once for each channel: (C,)."""
    if values is None:
        return np.full(channels, default)
    if len(values) != channels:
        message = _("{name} has {n} numbers for {channels} channels: specify one for each channel.")
        raise ConfigError(message.format(name=name, n=len(values), channels=channels))
    return values
