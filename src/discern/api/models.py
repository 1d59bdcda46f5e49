"""The table of networks, and one network in detail."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import torch

from discern.models.summary import Summary, summary
from discern.models.table import TABLE, entry, parameters


def list_models() -> list[dict[str, Any]]:
    """Name, year, idea, parameters and native size of every network.

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
            "parameters": parameters(row.name),
            "size": row.size,
        }
        for row in TABLE.values()
    ]


def describe(name: str, size: int | None = None) -> Summary:
    """The layers of one network at ``size`` (its native size unless given), each with its shapes and costs.

    Raises
    ------
    ModelError
        When there is no such network.

    Examples
    --------
    >>> describe("lenet").trainable > 0
    True
    """
    row = entry(name)
    size = size or row.size
    with torch.device("meta"):
        network = row.build(row.classes, row.channels, size)
    return summary(network, size, row.channels)


def to_json(name: str, found: Summary) -> dict[str, Any]:
    """One network as the command line prints it."""
    row = entry(name)
    facts = {
        "name": name,
        "year": row.family.year,
        "idea": row.family.idea(),
        "paper": row.family.paper,
        "size": row.size,
    }
    return {**facts, **asdict(found)}
