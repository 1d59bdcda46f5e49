"""The models there are, in a line each; reading it imports no torch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from discern.i18n import _
from discern.models.registry import TABLE, count_parameters
from discern.result import Cell, Result, Table


@dataclass(frozen=True)
class ListedModel:
    """One model of the list."""

    name: str  # what a person types
    year: int  # of its publication
    idea: str  # what it brought, in one sentence
    parameters: int | None = None  # trainable ones; None for a classical model
    size: int | None = None  # pixels a side of the images it was made for; None for a classical model


@dataclass(frozen=True)
class ModelList(Result):
    """Every network and every classical model (which learns from features), in the order of their history."""

    figsize = None

    networks: tuple[ListedModel, ...]
    classical: tuple[ListedModel, ...] = ()

    @property
    def names(self) -> list[str]:
        """What a person types, networks first."""
        return [model.name for model in (*self.networks, *self.classical)]

    def sentences(self) -> Sequence[str]:
        return [_("Details of one: discern models NAME. Side by side: discern models --compare NAME NAME.")]

    def tables(self) -> Sequence[Table]:
        columns = (_("name"), _("idea"), _("year"), _("parameters"), _("pixels"))
        networks = [
            (model.name, idea, str(model.year), model.parameters, model.size)
            for model, idea in zip(self.networks, _once([model.idea for model in self.networks]), strict=True)
        ]
        classical: list[tuple[Cell, ...]] = [(model.name, model.idea, str(model.year)) for model in self.classical]
        title = _("Classical models, on features such as pixels, color, hog, handcrafted or an embedding")
        tables = [Table(_("Networks"), columns, networks, text_columns=2)]
        return [*tables, Table(title, columns[:3], classical, text_columns=2)] if classical else tables


def list_networks() -> tuple[ListedModel, ...]:
    """List the networks of the table in the order of their history.

    Examples
    --------
    >>> next(model.parameters for model in list_networks() if model.name == "resnet18")
    11689512
    """
    return tuple(
        ListedModel(spec.name, spec.family.year, spec.family.idea(), count_parameters(spec.name), spec.size)
        for spec in TABLE.values()
    )


def _once(texts: Sequence[str]) -> list[str]:
    """Return ``texts`` with an empty one where the one before is the same: variants share an idea."""
    return [text if i == 0 or text != texts[i - 1] else "" for i, text in enumerate(texts)]
