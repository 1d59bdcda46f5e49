"""Several networks side by side: what they cost on paper, and on this machine."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from discern.api.models import Description, describe
from discern.errors import ModelError
from discern.i18n import _
from discern.models.table import entry
from discern.models.timing import BATCH, Timing, measure
from discern.runtime import device, machine


@dataclass(frozen=True)
class Comparison:
    """Networks side by side.

    Attributes
    ----------
    networks : tuple of Description
        In the order asked for.
    timings : dict
        Name -> what it did on this machine; empty unless measured.
    machine : dict
        What it was measured on; empty unless measured.
    """

    networks: tuple[Description, ...]
    timings: dict[str, Timing]
    machine: dict[str, Any]

    def rows(self) -> list[dict[str, Any]]:
        """A network a row, as plain numbers; what is not known is None."""
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

    def to_json(self) -> dict[str, Any]:
        """As the command line prints it."""
        return {"networks": self.rows(), **({"machine": self.machine, "batch": BATCH} if self.timings else {})}


def compare_models(names: Sequence[str], size: int | None = None, time: bool = False) -> Comparison:
    """Parameters, multiply-adds, weights, depth and receptive field of several networks, with their speed if asked for.

    Parameters
    ----------
    names : sequence of str
        As `discern.describe` takes them; classes and channels are as published.
    size : int, optional
        Pixels a side for all; each network's native size when not given.
    time : bool
        Whether to measure latency and training speed here, which takes seconds a network.

    Raises
    ------
    ModelError
        When no name is given, there is no such network, or the pictures are too small for it.

    Examples
    --------
    >>> [(row["name"], row["depth"]) for row in compare_models(["lenet", "resnet18"], size=32).rows()]
    [('lenet', 5), ('resnet18', 18)]
    """
    if not names:
        raise ModelError(_("Name the networks to compare, as in: discern models --compare lenet resnet18."))
    networks = tuple(describe(name, size) for name in dict.fromkeys(names))
    if not time:
        return Comparison(networks, {}, {})
    where = device()
    made = {each.name: entry(each.name).build(each.classes, each.channels, each.size) for each in networks}
    timings = measure(made, {each.name: (each.channels, each.size) for each in networks}, where)
    return Comparison(networks, timings, {**machine(), "device": str(where)})
