"""Data made ready: opened, looked at, audited, split."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from discern.data.audit import Audit, audit
from discern.data.dataset import Dataset
from discern.data.near import Near, find_near
from discern.data.open import open_data
from discern.data.row_audit import audit_rows
from discern.data.rows import ANY, Question, RowStore
from discern.data.scan import Facts, scan
from discern.data.split import Split, limited, split
from discern.errors import ConfigError, DataError
from discern.i18n import _
from discern.progress import Watcher

DataLike = str | os.PathLike[str] | Dataset


@dataclass(frozen=True)
class Prepared:
    """A data set, what was seen of every picture, what is wrong with it, and the part each picture is in."""

    dataset: Dataset
    facts: Facts
    near: Near
    audit: Audit
    split: Split

    @property
    def notes(self) -> tuple[str, ...]:
        """What opening and splitting decided, in sentences."""
        return (*self.dataset.notes, *self.split.notes)

    @property
    def used(self) -> np.ndarray:
        """The pictures that lie in a part, in order."""
        return np.sort(np.concatenate([self.split.train, self.split.validation, self.split.test]))

    @property
    def rows(self) -> RowStore | None:
        """The table of numbers, where the data set is one."""
        return self.dataset.store if isinstance(self.dataset.store, RowStore) else None

    @property
    def task(self) -> Literal["classification", "regression"]:
        """Whether classes or numbers are learnt."""
        return "classification" if self.dataset.targets is None else "regression"

    def side(self) -> int:
        """The median of the shorter sides of the pictures used, in pixels."""
        return int(np.median(np.minimum(self.facts.width, self.facts.height)[self.used]))

    def is_grey(self) -> bool:
        """Whether no picture used has colour."""
        return bool((self.facts.channels[self.used] == 1).all())

    def to_json(self) -> dict[str, Any]:
        """What is in the data, as the command line prints it."""
        parts = {"train": self.split.train, "validation": self.split.validation, "test": self.split.test}
        seen = self._rows(self.rows) if self.rows else self._pictures()
        return {
            "name": self.dataset.name,
            "origin": self.dataset.origin,
            "n": len(self.dataset),
            "classes": self.dataset.counts(),
            **seen,
            "split": {name: self.dataset.counts(rows) for name, rows in parts.items()}
            | {"aside": len(self.split.aside)},
            "notes": list(self.notes),
            "audit": self.audit.to_json(),
        }

    def _pictures(self) -> dict[str, Any]:
        sides = np.stack([self.facts.width, self.facts.height], axis=1)[self.facts.problem == 0]
        found = {"least": sides.min(0), "median": np.median(sides, axis=0), "most": sides.max(0)}
        return {"sizes": {name: side.tolist() for name, side in found.items()}, "grey": self.is_grey()}

    def _rows(self, store: RowStore) -> dict[str, Any]:
        values = store.values[self.used]
        columns = {"least": values.min(0), "median": np.median(values, axis=0), "most": values.max(0)}
        found = {
            column: {name: float(numbers[place]) for name, numbers in columns.items()}
            for place, column in enumerate(store.columns)
        }
        return {"columns": found, "target": store.target, "task": self.task}


def prepare(
    data: DataLike | Prepared,
    seed: int,
    validation: float,
    test: float,
    watch: Watcher,
    train_limit: int = 0,
    question: Question = ANY,
) -> Prepared:
    """Open, scan, audit and split ``data``; what is prepared already stays as it is.

    Raises
    ------
    DataError
        When it cannot be used.
    """
    if isinstance(data, Prepared):
        return data
    dataset = open_data(data, question=question)
    if isinstance(dataset.store, RowStore):
        facts, near, findings = audit_rows(dataset, dataset.store)
    else:
        facts = scan(dataset, watch.progress)
        near = find_near(facts, watch.progress)
        findings = audit(dataset, facts, near)
    parts = split(dataset, facts, near, findings, seed, validation=validation, test=test)
    return Prepared(dataset, facts, near, findings, limited(parts, dataset, train_limit))


def prepare_to_train(
    data: DataLike | Prepared | None,
    seed: int,
    validation: float,
    test: float,
    watch: Watcher,
    train_limit: int = 0,
    question: Question = ANY,
) -> Prepared:
    """As `prepare`, of what there is to learn from and to choose by.

    Raises
    ------
    ConfigError, DataError
        When nothing is named, or there are too few pictures.
    """
    if data is None:
        raise ConfigError(
            _("There is no data: name a folder, a file or a data set, for example `discern train digits`.")
        )
    prepared = prepare(data, seed, validation, test, watch, train_limit, question)
    if not len(prepared.split.validation):
        sentence = _("{data} has too few examples to hold one back for validation: give at least three of a class.")
        raise DataError(sentence.format(data=prepared.dataset.origin))
    return prepared
