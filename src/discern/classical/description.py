"""A classical model before it is trained: its idea, its settings, and what a search tries of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from discern.classical.estimators import CLASSICAL
from discern.i18n import _
from discern.result import Result, Table
from discern.settings import Setting


@dataclass(frozen=True)
class ClassicalDescription(Result):
    """What there is to know of a classical model before it is trained."""

    figsize = None

    name: str  # as a person types it
    year: int  # of its publication
    idea: str  # what it does, in one sentence
    settings: tuple[Setting, ...]  # what ``--set`` reaches, with defaults
    ranges: Mapping[str, tuple[Any, ...]]  # setting -> the values that a search tries

    def sentences(self) -> Sequence[str]:
        return [f"{self.name} ({self.year}): {self.idea}"]

    def tables(self) -> Sequence[Table]:
        columns = (_("setting"), _("description"), _("default"), _("--search grid tries"))
        rows = [
            (each.name, each.text, str(each.default), ", ".join(map(str, self.ranges.get(each.name, ()))) or None)
            for each in self.settings
        ]
        return [Table("", columns, rows, text_columns=4)]

    def to_json(self) -> dict[str, Any]:
        """Return the facts, the default of each setting and the ranges."""
        defaults = {each.name: each.default for each in self.settings}
        ranges = {name: list(values) for name, values in self.ranges.items()}
        return {"name": self.name, "year": self.year, "idea": self.idea, "settings": defaults, "ranges": ranges}


def describe_classical(name: str) -> ClassicalDescription:
    """Describe the classical model called ``name``.

    Examples
    --------
    >>> [each.name for each in describe_classical("knn").settings]
    ['n_neighbors', 'weights']
    """
    spec = CLASSICAL[name]
    return ClassicalDescription(name, spec.year, spec.idea(), tuple(spec.args.describe().values()), spec.ranges)
