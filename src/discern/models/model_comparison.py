"""Several networks side by side: what they cost by count, and how fast they are on this machine."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from discern.i18n import _
from discern.models.description import ModelDescription, describe_network
from discern.models.registry import get_model_spec
from discern.models.timing import BATCH_SIZE, Timing, measure_speed
from discern.result import Cell, Result, Table
from discern.runtime import choose_device, describe_machine

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class ModelComparison(Result):
    """Networks side by side, in the order given."""

    figsize = (7.0, 5.0)

    networks: tuple[ModelDescription, ...]
    timings: dict[str, Timing]  # name -> its speed on this machine; empty unless measured
    machine: dict[str, Any]  # what it was measured on; empty unless measured

    def rows(self) -> list[dict[str, Any]]:
        """Return a network a row, as plain numbers; what is not known is None."""
        return [
            {
                "name": network.name,
                "size": network.size,
                "parameters": network.summary.trainable,
                "multiply_adds": network.summary.multiply_adds,
                "bytes": network.summary.bytes,
                "depth": network.summary.depth,
                "receptive_field": network.summary.stages[-1].receptive_field if network.summary.stages else None,
                **(asdict(self.timings[network.name]) if self.timings else {}),
            }
            for network in self.networks
        ]

    @property
    def _has_one_size(self) -> bool:
        return len({network.size for network in self.networks}) == 1

    def sentences(self) -> Sequence[str]:
        text = _("Each for images of its native size; channels and classes as published.")
        if self._has_one_size:
            text = _("For images of {size}x{size} pixels; channels and classes as published.")
        texts = [text.format(size=self.networks[0].size)]
        if self.timings:
            facts = self.machine
            name = facts.get("gpu") if facts["device"] != "cpu" else facts["processor"]
            text = _(
                "Measured on {device} (threads: {threads}), float32, torch {torch}: medians, the networks in turns; "
                "training is forward, backward and step with {batch} images."
            )
            values = {"device": name or facts["device"], "threads": facts["threads"], "torch": facts["torch"]}
            texts.append(text.format(batch=BATCH_SIZE, **values))
        return texts

    def tables(self) -> Sequence[Table]:
        columns = [_("name"), *([] if self._has_one_size else [_("pixels")])]
        columns += [_("parameters"), _("million mult-adds"), _("MB"), _("depth"), _("receptive field")]
        columns += [_("ms per image"), _("training images/s")] if self.timings else []
        return [Table("", columns, [self._cells(row) for row in self.rows()])]

    def plot(self, figure: Figure) -> None:
        ax = figure.subplots()
        for row in self.rows():
            x, y = row["parameters"], row["latency_ms"] if self.timings else row["multiply_adds"]
            ax.loglog(x, y, "o")
            ax.annotate(row["name"], (x, y), textcoords="offset points", xytext=(6, 4), fontsize=9)
        ax.margins(0.2)
        ax.set(xlabel=_("parameters"), ylabel=_("ms per image") if self.timings else _("multiply-adds"))

    def to_json(self) -> dict[str, Any]:
        """Return a row of numbers for each network, and what their speed was measured on."""
        measured = {"machine": self.machine, "batch_size": BATCH_SIZE} if self.timings else {}
        return {"networks": self.rows(), **measured}

    def _cells(self, row: dict[str, Any]) -> list[Cell]:
        cells: list[Cell] = [row["name"], *([] if self._has_one_size else [row["size"]])]
        cells += [row["parameters"], f"{row['multiply_adds'] / 1e6:,.1f}", f"{row['bytes'] / 1e6:,.1f}"]
        cells += [row["depth"], row["receptive_field"]]
        cells += [f"{row['latency_ms']:,.2f}", f"{row['images_per_second']:,.0f}"] if self.timings else []
        return cells


def compare_networks(names: Sequence[str], size: int | None = None, with_speed: bool = False) -> ModelComparison:
    """Describe several networks, and measure how fast they are here ``with_speed``; see `discern.compare_models`."""
    networks = tuple(describe_network(name, size) for name in dict.fromkeys(names))
    if not with_speed:
        return ModelComparison(networks, {}, {})
    here = choose_device()
    built = {n.name: get_model_spec(n.name).build(n.classes, n.channels, n.size) for n in networks}
    timings = measure_speed(built, {n.name: (n.channels, n.size) for n in networks}, here)
    return ModelComparison(networks, timings, {**describe_machine(), "device": str(here)})
