"""What is wrong with a table of numbers, said in sentences; `discern.data.audit` is for pictures.

Rows with a missing number are left out of every part: no model here can read them. Rows with the same numbers stay, and
a split keeps them together.
"""

from __future__ import annotations

import hashlib

import numpy as np

from discern.data.audit import (
    Audit,
    Finding,
    by_group,
    class_findings,
    finding,
    leaks,
    mixed,
    refuse_empty_class,
)
from discern.data.dataset import Dataset
from discern.data.near import Near
from discern.data.rows import RowStore
from discern.data.scan import Facts
from discern.errors import DataError
from discern.i18n import _

NAMED = 3  # cells spelled out in a sentence


def audit_rows(dataset: Dataset, store: RowStore) -> tuple[Facts, Near, Audit]:
    """The rows' fingerprints, which of them are copies, and what is wrong with them.

    Raises
    ------
    DataError
        When leaving rows out leaves nothing, or empties a class.

    Examples
    --------
    >>> from discern.data.open import open_data
    >>> iris = open_data("iris")
    >>> [found.kind for found in audit_rows(iris, iris.store)[2].findings]
    ['duplicate']
    """
    facts, near = _facts(dataset, store), _copies(store)
    whole = np.isfinite(store.values).all(axis=1)
    because = np.where(whole, "", "missing").astype("<U20")
    if not whole.any():
        sentence = _("Every row of {path} lacks a number: fill them in, or leave out the columns that are empty.")
        raise DataError(sentence.format(path=dataset.origin))
    findings = [*_missing(dataset, store, whole), *_constant(store, whole)]
    same = whole & (np.bincount(near.exact)[near.exact] > 1)
    labelled = same & (dataset.labels >= 0)
    classes = dataset.targets is None
    conflict = mixed(near.exact, dataset.labels, labelled) if classes else np.zeros(len(dataset), dtype=bool)
    if conflict.any():
        sentence = _("The same numbers under different classes ({count}): {names}. No model can tell these apart.")
        findings.append(finding(dataset, "conflicting-labels", "warning", sentence, by_group(conflict, near.exact)))
    if same.any():
        surplus = int(same.sum()) - len(np.unique(near.exact[same]))
        sentence = _("Rows with the same numbers as others ({count}): {names}. A split keeps them together.")
        found = by_group(same, near.exact)
        findings.append(finding(dataset, "duplicate", "warning", sentence, found, surplus))
    findings += leaks(dataset, whole, near)
    excluded = np.flatnonzero(~whole)
    if classes:
        refuse_empty_class(dataset, because)
        findings += class_findings(dataset, excluded)
    return facts, near, Audit(tuple(findings), excluded, tuple(because[excluded].tolist()))


def _facts(dataset: Dataset, store: RowStore) -> Facts:
    """As of pictures of one pixel's height: what the split and the fingerprint need."""
    facts = Facts.blank(len(dataset))
    answers = dataset.labels if dataset.targets is None else dataset.targets
    for row, (values, answer) in enumerate(zip(store.values, answers, strict=True)):
        digest = hashlib.blake2b(values.tobytes() + answer.tobytes(), digest_size=16).digest()
        facts.digest[row] = np.frombuffer(digest, np.uint8)
    facts.width[:], facts.height[:], facts.channels[:] = len(store.columns), 1, 1
    facts.size[:] = store.values[:1].nbytes
    return facts


def _copies(store: RowStore) -> Near:
    _rows, group = np.unique(store.values + 0.0, axis=0, return_inverse=True)  # -0 is 0
    group = group.reshape(-1).astype(np.int64)
    return Near(exact=group, group=group)


def _missing(dataset: Dataset, store: RowStore, whole: np.ndarray) -> list[Finding]:
    rows = np.flatnonzero(~whole)
    if not len(rows):
        return []
    cells = [
        _("row {row}: {column}").format(row=row + 1, column=store.columns[int(np.isnan(store.values[row]).argmax())])
        for row in rows[:NAMED].tolist()
    ]
    sentence = _("Rows that lack a number, left out ({count}): {names}. Fill them in, or delete the rows.")
    names = ", ".join(cells) + (" …" if len(rows) > NAMED else "")
    paths = tuple(dataset.store.path(row) for row in rows.tolist())
    return [Finding("missing", "warning", sentence.format(count=len(rows), names=names), paths, len(rows))]


def _constant(store: RowStore, whole: np.ndarray) -> list[Finding]:
    flat = [name for name, spread in zip(store.columns, np.ptp(store.values[whole], axis=0), strict=True) if not spread]
    if not flat:
        return []
    sentence = _("Columns with one value alone ({count}): {names}. They tell nothing; leave them out.")
    return [Finding("constant", "note", sentence.format(count=len(flat), names=", ".join(flat)), (), len(flat))]
