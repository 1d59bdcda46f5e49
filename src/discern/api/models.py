"""The table of networks, and one network in detail."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from discern.classical.table import CLASSICAL
from discern.errors import ModelError
from discern.i18n import _
from discern.models.counts import PARAMETERS
from discern.models.table import TABLE, entry, parameters

if TYPE_CHECKING:  # it loads torch, which the list needs not
    from discern.models.summary import Summary


@dataclass(frozen=True)
class Description:
    """What there is to know of a network before it is trained.

    Attributes
    ----------
    name : str
        As a person types it.
    year, paper : int or None, str or None
        When and where it was published; None for networks of other libraries.
    idea : str
        What it brought, in one sentence.
    native_size, size : int
        Pixels a side of the pictures it was made for, and of those that the numbers here are of.
    channels, classes : int
        Colour channels, and logits as published.
    summary : Summary
        Layers, stages and totals.
    """

    name: str
    year: int | None
    paper: str | None
    idea: str
    native_size: int
    size: int
    channels: int
    classes: int
    summary: Summary

    def to_json(self) -> dict[str, Any]:
        """As the command line prints it; facts that do not exist are left out."""
        facts = {**asdict(self), **asdict(self.summary)}
        return {name: fact for name, fact in facts.items() if name != "summary" and fact is not None}


def list_models() -> list[dict[str, Any]]:
    """Name, year, idea, parameters and native size of every network, in the order of their history.

    Examples
    --------
    >>> next(row["parameters"] for row in list_models() if row["name"] == "resnet18")
    11689512
    """
    return [
        {
            "name": row.name,
            "year": row.family.year,
            "idea": row.family.idea(),
            "parameters": PARAMETERS.get(row.name) or parameters(row.name),
            "size": row.size,
        }
        for row in TABLE.values()
    ]


def list_classical() -> list[dict[str, Any]]:
    """Name, year, idea, settings with their defaults and the ranges of a search of every classical model.

    Examples
    --------
    >>> next(row["settings"] for row in list_classical() if row["name"] == "knn")
    {'k': 3, 'weights': 'distance'}
    """
    return [
        {
            "name": kind.name,
            "year": kind.year,
            "idea": kind.idea(),
            "settings": dict(kind.settings),
            "ranges": {name: list(values) for name, values in kind.ranges.items()},
        }
        for kind in CLASSICAL.values()
    ]


def describe(name: str, size: int | None = None) -> Description:
    """One network at ``size``: its facts, and what each layer and stage makes of a picture and costs.

    Parameters
    ----------
    name : str
        A name that `list_models` gives, or that of another library's network: timm:NAME, torchvision:NAME,
        keras:NAME, file.py:function.
    size : int, optional
        Pixels a side; the network's native size when not given.

    Raises
    ------
    ModelError
        When there is no such network, or the pictures are too small for it.

    Examples
    --------
    >>> lenet = describe("lenet")
    >>> lenet.year, lenet.summary.trainable, lenet.summary.depth
    (1998, 61706, 5)
    >>> [(stage.name, stage.receptive_field) for stage in lenet.summary.stages]
    [('stem', 6), ('stage2', 16)]
    """
    from discern.models.meta import on_meta
    from discern.models.summary import summary

    row = entry(name)
    size = row.size if size is None else size
    try:
        with on_meta():
            network = row.build(row.classes, row.channels, size)
        found = summary(network, size, row.channels)
    except (RuntimeError, ValueError, ZeroDivisionError) as error:
        raise ModelError(
            _(
                "{name} cannot take pictures of {size} pixels a side: its own size is {native}, try --size {native}."
            ).format(name=name, size=size, native=row.size)
        ) from error
    family = row.family
    return Description(
        name=name,
        year=family.year,
        paper=family.paper,
        idea=family.idea(),
        native_size=row.size,
        size=size,
        channels=row.channels,
        classes=row.classes,
        summary=found,
    )
