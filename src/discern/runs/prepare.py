"""Data made ready: opened, scanned, audited, split."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from discern.data.audit import audit_dataset
from discern.data.columns import AUTO, ColumnSpec, column_spec_from
from discern.data.config import DataConfig
from discern.data.dataset import Dataset, TableDataset
from discern.data.duplicates import DuplicateGroups
from discern.data.findings import Audit, require_usable_classes
from discern.data.groups import join_groups
from discern.data.open import open_data
from discern.data.outliers import are_many_long
from discern.data.scan import ImageStats
from discern.data.split import SplitAssignment, split_dataset, subsample_train
from discern.data.summary import DataSummary, summarize_data
from discern.errors import ConfigError, DataError
from discern.i18n import _
from discern.notices import Notice
from discern.progress import Reporter

DataLike = str | os.PathLike[str] | Dataset


@dataclass(frozen=True)
class Prepared:
    """A data set with the statistics of every example, its duplicates, its audit, and the split of each example."""

    dataset: Dataset
    stats: ImageStats
    duplicates: DuplicateGroups
    audit: Audit
    split: SplitAssignment

    @property
    def notices(self) -> tuple[Notice, ...]:
        """What opening and splitting decided."""
        return (*self.dataset.notices, *self.split.notices)

    @property
    def used(self) -> np.ndarray:
        """int64, ascending: the examples that train, validate or test."""
        return self.split.used

    @property
    def table(self) -> TableDataset | None:
        """The data set, where it is a table of numbers."""
        return self.dataset if isinstance(self.dataset, TableDataset) else None

    @property
    def unit(self) -> str:
        """What an example is: ``images`` or ``rows``."""
        return "rows" if self.table else "images"

    @property
    def groups(self) -> np.ndarray | None:
        """What belongs together where the data name groups, int64 (N,): those, and duplicates; None without groups."""
        if self.dataset.groups is None:
            return None
        return join_groups(self.duplicates.group, self.dataset.groups)

    def side(self) -> int:
        """Return the median of the shorter sides of the images used, in pixels."""
        return int(np.median(np.minimum(self.stats.width, self.stats.height)[self.used]))

    def is_gray(self) -> bool:
        """Return whether no image used has color."""
        return bool((self.stats.channels[self.used] == 1).all())

    def are_long(self) -> bool:
        """Return whether many images are too long to be cut to a square (`discern.data.outliers.are_many_long`)."""
        return are_many_long(self.dataset, self.stats)

    def summarize(self) -> DataSummary:
        """Return what is in the data."""
        return summarize_data(self.dataset, self.stats, self.audit, self.split)


def prepare(
    data: DataLike | Prepared, seed: int, config: DataConfig, reporter: Reporter, target: ColumnSpec = AUTO
) -> Prepared:
    """Open, scan, audit and split ``data``; what is prepared already stays as it is."""
    if isinstance(data, Prepared):
        return data
    dataset = open_data(data, column_spec=column_spec_from(dict(config), target))
    stats, duplicates, audit = audit_dataset(dataset, reporter.progress, config)
    split = split_dataset(dataset, stats, duplicates, audit, seed, validation=config.validation, test=config.test)
    return Prepared(dataset, stats, duplicates, audit, subsample_train(split, dataset, config.train_limit))


def prepare_to_train(
    data: DataLike | Prepared | None, seed: int, config: DataConfig, reporter: Reporter, target: ColumnSpec = AUTO
) -> Prepared:
    """Prepare ``data``, and refuse what leaves nothing to learn from or to choose by."""
    if data is None:
        raise ConfigError(_("There is no data: name a folder, a file or a data set, as in `discern train digits`."))
    prepared = prepare(data, seed, config, reporter, target)
    dataset = prepared.dataset
    if dataset.task == "classification":
        _require_two(dataset.origin, dataset.classes)
        require_usable_classes(prepared.audit)
        _require_two(dataset.origin, [name for name, n in dataset.counts(prepared.split.train).items() if n])
    if not len(prepared.split.validation):
        message = _("{data} has too few examples to hold one out for validation: give at least three of a class.")
        raise DataError(message.format(data=prepared.dataset.origin))
    return prepared


def _require_two(origin: str, classes: Sequence[str]) -> None:
    if len(classes) < 2:
        message = _(
            "{path} has only one class to train ({name}): a classifier needs at least two; add images of another."
        )
        raise DataError(message.format(path=origin, name=", ".join(classes) or "-"))
