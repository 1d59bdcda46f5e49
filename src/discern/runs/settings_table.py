"""The table of all settings of a model, and what a recipe chooses of them for given data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from discern.classical.config import resolve_classical
from discern.classical.estimators import CLASSICAL
from discern.data.columns import ColumnSpec
from discern.i18n import _
from discern.models.registry import get_model_args
from discern.progress import Reporter
from discern.result import Cell, Result, Table
from discern.runs.create import choose_settings
from discern.runs.prepare import prepare_to_train
from discern.runs.request import TrainRequest
from discern.settings import GROUP_TITLES, Setting, format_setting
from discern.training.config import TrainConfig


def choose_for_data(request: TrainRequest, reporter: Reporter) -> dict[str, Any]:
    """Return the settings by name that training on the data of ``request`` would have."""
    early = request.validate()
    if isinstance(early, TrainConfig):
        config = choose_settings(request, reporter).config
        return get_model_args(config.model) | config.flat() | config.model_args
    target = ColumnSpec(early.table.target, early.table.task)
    prepared = prepare_to_train(request.data, early.seed, early.data, reporter, target)
    if not prepared.table:
        early = resolve_classical(early, prepared.side(), prepared.is_gray())
    return CLASSICAL[early.model].args().model_dump() | early.flat() | early.estimator


@dataclass(frozen=True)
class SettingsTable(Result):
    """All settings of a model."""

    figsize = None

    model: str  # its name, or auto
    settings: tuple[Setting, ...]  # in the order in which they are read
    chosen: Mapping[str, Any] = field(default_factory=dict)  # what the recipe chooses for the data; empty without data

    def sentences(self) -> list[str]:
        message = _("Settings of {model}: --set NAME=VALUE, or train(..., NAME=VALUE) in Python.")
        return [message.format(model=self.model)]

    def tables(self) -> list[Table]:
        """Return one table per group."""
        groups: dict[str, list[list[Cell]]] = {}
        for setting in self.settings:
            groups.setdefault(setting.group, []).append(self._row(setting))
        chosen = [_("chosen here")] if self.chosen else []
        columns = [_("setting"), _("meaning"), _("allowed"), _("default"), *chosen]
        return [Table(_(GROUP_TITLES[group]), columns, rows, len(columns)) for group, rows in groups.items()]

    def _row(self, setting: Setting) -> list[Cell]:
        row: list[Cell] = [setting.name, setting.text, setting.allowed, format_setting(setting.default)]
        return [*row, format_setting(self.chosen.get(setting.name))] if self.chosen else row
