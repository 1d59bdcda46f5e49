"""A network before it is trained: where it comes from, what it costs, and what each stage makes of an image."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import accumulate
from typing import TYPE_CHECKING, Any

from discern.errors import ModelError
from discern.i18n import _
from discern.models.initialization import build_on_meta
from discern.models.registry import get_model_spec
from discern.models.summary import ModelSummary, summarize
from discern.result import Result, Table

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class ModelDescription(Result):
    """What there is to know of a network before it is trained."""

    figsize = (11.0, 4.5)

    name: str  # as a person types it
    year: int | None  # of publication; None for networks of other libraries
    paper: str | None
    idea: str  # what it brought, in one sentence
    native_size: int  # pixels a side of the images it was made for
    size: int  # of those that the numbers here are of
    channels: int  # color channels as published
    classes: int  # logits as published
    summary: ModelSummary
    shows_layers: bool = False  # whether every layer is among the tables

    def sentences(self) -> Sequence[str]:
        title = self.name if self.year is None else f"{self.name} ({self.year})"
        made_for = _("Made for images of {size}x{size} pixels, channels: {channels}, classes: {classes:,}.")
        depth = _("Depth {depth}: convolutions and fully connected layers on the longest path.")
        texts = [
            f"{title}: {self.idea}",
            *([self.paper] if self.paper else []),
            made_for.format(size=self.native_size, channels=self.channels, classes=self.classes),
        ]
        if self.size != self.native_size:
            texts.append(_("The numbers below are for images of {size}x{size} pixels.").format(size=self.size))
        texts += [*self.summary.totals(), depth.format(depth=self.summary.depth)]
        if any((stage.receptive_field or 0) > self.size for stage in self.summary.stages):
            texts.append(_("A receptive field above {size} pixels extends beyond the image.").format(size=self.size))
        if self.summary.has_gates:
            texts.append(
                _("Gates count for neither depth nor receptive field: they scale a map by means over all of it.")
            )
        return texts

    def tables(self) -> Sequence[Table]:
        columns = (_("stage"), _("map"), _("channels"), _("stride"), _("receptive field"))
        rows = []
        for stage in self.summary.stages:
            map = None if stage.height is None else f"{stage.height} x {stage.width}"
            rows.append((stage.name, map, stage.channels, stage.stride, stage.receptive_field))
        stages = [Table(_("Stages"), columns, rows)] if rows else []
        return [*stages, self.summary.layer_table(_("Layers"))] if self.shows_layers else stages

    def plot(self, figure: Figure) -> None:
        left, right = figure.subplots(1, 2)
        self._plot_layers(left)
        self._plot_stages(right)

    def to_json(self) -> dict[str, Any]:
        """Return the facts, layers and stages; facts that do not exist are left out."""
        facts = {**asdict(self), **asdict(self.summary)}
        left_out = ("summary", "shows_layers")
        return {name: fact for name, fact in facts.items() if name not in left_out and fact is not None}

    def _plot_layers(self, ax: Axes) -> None:
        layers = self.summary.layers
        curves = {
            _("parameters"): [layer.parameters for layer in layers],
            _("multiply-adds"): [layer.multiply_adds for layer in layers],
        }
        for label, numbers in curves.items():
            total = sum(numbers) or 1
            percent = [100 * n / total for n in accumulate(numbers)]
            ax.step(range(1, len(layers) + 1), percent, where="post", label=label)
        title = _("Where {name} spends them").format(name=self.name)
        ax.set(xlabel=_("layer"), ylabel=_("up to this layer (%)"), title=title)
        ax.legend()

    def _plot_stages(self, ax: Axes) -> None:
        stages = self.summary.stages
        names = [stage.name for stage in stages]
        curves: dict[str, list[int | None]] = {
            _("map (units a side)"): [stage.height for stage in stages],
            _("channels"): [stage.channels for stage in stages],
            _("receptive field (pixels)"): [stage.receptive_field for stage in stages],
        }
        for label, numbers in curves.items():
            points = [(name, number) for name, number in zip(names, numbers, strict=True) if number]
            ax.plot([name for name, _n in points], [n for _name, n in points], "o-", label=label)
        ax.set_yscale("log", base=2)
        ax.yaxis.set_major_formatter(lambda value, _position: f"{value:,.0f}")
        ax.tick_params(axis="x", rotation=30)
        ax.set_title(_("Stages"))
        if stages:
            ax.legend()


def describe_network(name: str, size: int | None = None, shows_layers: bool = False) -> ModelDescription:
    """Describe one network at ``size``, built without memory; see `discern.describe_model`."""
    spec = get_model_spec(name)
    size = spec.size if size is None else size
    try:
        with build_on_meta():
            network = spec.build(spec.classes, spec.channels, size)
        summary = summarize(network, size, spec.channels)
    except (RuntimeError, ValueError, ZeroDivisionError) as error:
        message = _(
            "{name} does not take images of {size}x{size} pixels: its native size is {native}, use --size {native}."
        )
        raise ModelError(message.format(name=name, size=size, native=spec.size)) from error
    family = spec.family
    return ModelDescription(
        name=name,
        year=family.year,
        paper=family.paper,
        idea=family.idea(),
        native_size=spec.size,
        size=size,
        channels=spec.channels,
        classes=spec.classes,
        summary=summary,
        shows_layers=shows_layers,
    )
