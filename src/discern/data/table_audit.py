"""What is wrong with a table of numbers; `discern.data.image_audit` is for images.

Rows with a missing value are left out of every split: no model here can read them. Rows with the same values stay, and
a split keeps them together.
"""

from __future__ import annotations

import hashlib

import numpy as np

from discern.data.dataset import RowStore, TableDataset
from discern.data.duplicates import DuplicateGroups
from discern.data.findings import (
    MAX_NAMED,
    Audit,
    Finding,
    conclude_audit,
    find_examples,
    find_leaks,
    mark_conflicts,
    sort_by_group,
)
from discern.data.names import abbreviate
from discern.data.scan import ImageStats
from discern.errors import DataError
from discern.i18n import _
from discern.notices import Notice


def audit_table(dataset: TableDataset) -> tuple[ImageStats, DuplicateGroups, Audit]:
    """Fingerprint the rows, group those with the same values, and judge them.

    A `DataError` says where leaving rows out leaves nothing, or empties a class.

    Examples
    --------
    >>> from discern.data.open import open_data
    >>> [finding.code for finding in audit_table(open_data("iris"))[2].findings]
    ['duplicate_rows']
    """
    store = dataset.store
    stats, duplicates = _measure(dataset), _group_equal_rows(store)
    complete = np.isfinite(store.values).all(axis=1)
    exclusion_reasons = np.where(complete, "", "missing_values").astype("<U20")
    if not complete.any():
        message = _("Every row of {path} has missing values: fill them in, or remove the columns that are empty.")
        raise DataError(message.format(path=dataset.origin))
    findings = [*_find_missing(dataset, complete), *_find_constant_columns(store, complete)]
    group = duplicates.exact
    repeated = complete & (np.bincount(group)[group] > 1)
    conflicts = mark_conflicts(dataset, group, repeated)
    findings += find_examples(dataset, "conflicting_rows", "warning", sort_by_group(conflicts, group))
    surplus = int(repeated.sum()) - len(np.unique(group[repeated]))
    findings += find_examples(dataset, "duplicate_rows", "warning", sort_by_group(repeated, group), surplus)
    findings += find_leaks(dataset, complete, duplicates)
    return stats, duplicates, conclude_audit(dataset, findings, exclusion_reasons)


def _measure(dataset: TableDataset) -> ImageStats:
    """Fill the columns that split and fingerprint need, as if a row were an image of one pixel's height."""
    stats = ImageStats.blank(len(dataset))
    targets = dataset.labels if dataset.targets is None else dataset.targets
    for row, (values, target) in enumerate(zip(dataset.store.values, targets, strict=True)):
        digest = hashlib.blake2b(values.tobytes() + target.tobytes(), digest_size=16).digest()
        stats.digest[row] = np.frombuffer(digest, np.uint8)
    stats.width[:], stats.height[:], stats.channels[:] = len(dataset.store.columns), 1, 1
    stats.size[:] = dataset.store.values[:1].nbytes
    return stats


def _group_equal_rows(store: RowStore) -> DuplicateGroups:
    _rows, group = np.unique(store.values + 0.0, axis=0, return_inverse=True)  # -0 is 0
    group = group.reshape(-1).astype(np.int64)
    return DuplicateGroups(exact=group, group=group)


def _find_missing(dataset: TableDataset, complete: np.ndarray) -> list[Finding]:
    rows, store = np.flatnonzero(~complete), dataset.store
    names = [
        Notice("word.row_column", {"row": row + 1, "column": store.columns[int(np.isnan(store.values[row]).argmax())]})
        for row in rows[: MAX_NAMED + 1].tolist()
    ]
    return find_examples(dataset, "missing_values", "warning", rows, names=abbreviate(names, MAX_NAMED))


def _find_constant_columns(store: RowStore, complete: np.ndarray) -> list[Finding]:
    ranges = np.ptp(store.values[complete], axis=0)
    names = [name for name, spread in zip(store.columns, ranges, strict=True) if not spread]
    return [Finding("constant_columns", "note", len(names), fields={"names": names})] if names else []
