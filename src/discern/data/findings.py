"""What an audit finds: findings as data, which examples they leave out, and the checks that images and rows share."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np

from discern.data.dataset import Dataset, Split
from discern.data.duplicates import DuplicateGroups
from discern.data.names import abbreviate
from discern.errors import DataError
from discern.i18n import _
from discern.notices import Notice

Severity = Literal["error", "warning", "note"]
SMALL_CLASS = 10  # examples
UNBALANCED = 4.0  # largest class over smallest
MAX_NAMED = 3  # names spelled out in a sentence


@dataclass(frozen=True)
class Finding:
    """One kind of trouble."""

    code: str  # `discern.notice_texts.TEXTS` holds its sentence as audit.<code>
    severity: Severity  # an error needs a person, a warning deserves one, a note is for information
    count: int  # examples (or classes, or columns) concerned; of duplicates those beyond the first of each
    paths: tuple[str, ...] = ()  # all examples concerned; empty for findings about classes and columns
    fields: Mapping[str, Any] = field(default_factory=dict)  # what else the sentence takes

    @property
    def notice(self) -> Notice:
        """The finding as a notice: its sentence spells out the first few paths."""
        names = abbreviate(self.paths, MAX_NAMED)
        return Notice(f"audit.{self.code}", {"count": self.count, "names": names, **self.fields})

    def text(self) -> str:
        """Return the sentence in the language of the reader."""
        return self.notice.text()

    def to_json(self) -> dict[str, Any]:
        """Return code, severity, count and fields, and all paths, as JSON values."""
        fields = self.notice.to_json()["fields"]
        return {
            "code": self.code,
            "severity": self.severity,
            "count": self.count,
            "fields": {name: fields[name] for name in self.fields},
            "paths": list(self.paths),
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Finding:
        """Read what `to_json` returned; of what is no finding a ValueError or a KeyError."""
        fields = Notice.from_json({"code": value["code"], "fields": value["fields"]}).fields
        return cls(value["code"], value["severity"], int(value["count"]), tuple(map(str, value["paths"])), fields)


@dataclass(frozen=True, eq=False)
class Audit:
    """The findings, worst first, and the examples that they leave out."""

    findings: tuple[Finding, ...]
    excluded: np.ndarray  # int64, ascending positions in the data set
    exclusion_reasons: tuple[str, ...]  # the code of the finding that left out each of `excluded`

    @classmethod
    def from_findings(cls, findings: list[Finding], exclusion_reasons: np.ndarray) -> Audit:
        """Sort ``findings`` by severity; ``exclusion_reasons`` (N,) is "" for what is not left out."""
        rank = {"error": 0, "warning": 1, "note": 2}
        excluded = np.flatnonzero(exclusion_reasons != "")
        ordered = sorted(findings, key=lambda finding: rank[finding.severity])
        return cls(tuple(ordered), excluded, tuple(exclusion_reasons[excluded].tolist()))

    def select(self, code: str) -> tuple[Finding, ...]:
        """Return the findings with this code."""
        return tuple(finding for finding in self.findings if finding.code == code)

    def to_json(self) -> dict[str, Any]:
        """Return findings and number of examples left out, as JSON values."""
        return {"findings": [finding.to_json() for finding in self.findings], "excluded": len(self.excluded)}


def find_examples(
    dataset: Dataset, code: str, severity: Severity, indices: np.ndarray, count: int | None = None, **fields: Any
) -> list[Finding]:
    """Return the finding about the examples at ``indices``, ``count`` of them; none where there are none."""
    if not len(indices) or count == 0:
        return []
    paths = tuple(dataset.store.path(index) for index in indices.tolist())
    return [Finding(code, severity, len(paths) if count is None else count, paths, fields)]


def mark_conflicts(dataset: Dataset, group: np.ndarray, usable: np.ndarray) -> np.ndarray:
    """Mark usable examples whose group stands in different classes: bool (N,), for a classification only."""
    labeled = usable & (dataset.labels >= 0)
    if dataset.task != "classification":
        return np.zeros(len(dataset), dtype=bool)
    smallest = np.full(len(group), len(dataset.classes))  # label in each group
    largest = np.full(len(group), -1)
    np.minimum.at(smallest, group[labeled], dataset.labels[labeled])
    np.maximum.at(largest, group[labeled], dataset.labels[labeled])
    return labeled & (smallest < largest)[group]


def sort_by_group(selected: np.ndarray, group: np.ndarray) -> np.ndarray:
    """Return the positions where ``selected`` is true, members of one group side by side."""
    indices = np.flatnonzero(selected)
    return indices[np.argsort(group[indices], kind="stable")]


def find_leaks(dataset: Dataset, usable: np.ndarray, duplicates: DuplicateGroups) -> list[Finding]:
    """Find examples of a later given split that have a duplicate in an earlier one."""
    return _find_shared(dataset, usable, duplicates.group, "leak")


def find_group_leaks(dataset: Dataset, usable: np.ndarray) -> list[Finding]:
    """Find examples of a later given split whose group (a patient, a camera) is also in an earlier one."""
    if dataset.groups is None:
        return []
    return _find_shared(dataset, usable & (dataset.groups >= 0), np.maximum(dataset.groups, 0), "group_leak")


def _find_shared(dataset: Dataset, usable: np.ndarray, group: np.ndarray, code: str) -> list[Finding]:
    words = {split: Notice(f"word.{split.name.lower()}") for split in (Split.TRAIN, Split.VALIDATION, Split.TEST)}
    given_split = dataset.given_split
    findings = []
    for earlier, later in ((Split.TRAIN, Split.TEST), (Split.VALIDATION, Split.TEST), (Split.TRAIN, Split.VALIDATION)):
        in_earlier = np.zeros(int(group.max(initial=0)) + 1, dtype=bool)  # by group
        in_earlier[group[usable & (given_split == earlier)]] = True
        leaked = np.flatnonzero(usable & (given_split == later) & in_earlier[group])
        both = usable & np.isin(group, group[leaked]) & np.isin(given_split, (earlier, later))
        fields = {"earlier": words[earlier], "later": words[later]}
        findings += find_examples(dataset, code, "warning", sort_by_group(both, group), len(leaked), **fields)
    return findings


def conclude_audit(dataset: Dataset, findings: list[Finding], exclusion_reasons: np.ndarray) -> Audit:
    """Return the audit of ``findings`` and of the classes."""
    unusable = find_unusable_classes(dataset, exclusion_reasons)
    trouble = find_class_trouble(dataset, exclusion_reasons)
    return Audit.from_findings([*findings, *unusable, *trouble], exclusion_reasons)


def find_unusable_classes(dataset: Dataset, exclusion_reasons: np.ndarray) -> list[Finding]:
    """Find classes of which nothing is left, in all or in what trains, when examples are left out."""
    if dataset.task != "classification":
        return []
    labels, labeled = dataset.labels, dataset.labels >= 0
    emptied = np.zeros(len(dataset.classes), dtype=bool)
    for considered in (dataset.given_split != Split.TEST, np.ones(len(dataset), dtype=bool)):
        before = np.bincount(labels[considered & labeled], minlength=len(dataset.classes))
        usable = considered & labeled & (exclusion_reasons == "")
        emptied |= (before > 0) & (np.bincount(labels[usable], minlength=len(dataset.classes)) == 0)
    names = []
    for label in np.flatnonzero(emptied).tolist():
        example = int(np.flatnonzero((labels == label) & (exclusion_reasons != ""))[0])
        reason = Notice(f"word.{exclusion_reasons[example]}")
        fields = {"name": dataset.classes[label], "path": dataset.store.path(example), "reason": reason}
        names.append(Notice("word.unusable_class", fields))
    # `names` is not abbreviated: training refuses with the first, and a person asks about each.
    return [Finding("unusable_class", "error", len(names), fields={"names": names})] if names else []


def require_usable_classes(audit: Audit) -> None:
    """Raise a `DataError` where the audit left nothing of a class: no training can learn it."""
    for finding in audit.select("unusable_class"):
        message = _(
            "Class {name} has no usable examples left ({path}: {reason}): repair its files, or move the class out of "
            "the data. `discern data` lists them."
        )
        fields = finding.fields["names"][0].fields
        raise DataError(message.format(name=fields["name"], path=fields["path"], reason=fields["reason"].text()))


def find_class_trouble(dataset: Dataset, exclusion_reasons: np.ndarray) -> list[Finding]:
    """Find classes with few examples, and classes of very different sizes."""
    if dataset.task != "classification":
        return []
    counts = dataset.counts(np.flatnonzero((dataset.labels >= 0) & (exclusion_reasons == "")))
    findings = []
    small = [Notice("word.class_count", {"name": name, "n": n}) for name, n in counts.items() if 0 < n < SMALL_CLASS]
    if small:
        fields: dict[str, Any] = {"limit": SMALL_CLASS, "names": abbreviate(small, MAX_NAMED)}
        findings.append(Finding("small_class", "warning", len(small), fields=fields))
    filled = {name: n for name, n in counts.items() if n}
    if not filled:
        return findings
    largest, smallest = max(filled, key=filled.__getitem__), min(filled, key=filled.__getitem__)
    n_largest, n_smallest = filled[largest], filled[smallest]
    if n_largest >= UNBALANCED * n_smallest:
        fields = {"largest": largest, "n_largest": n_largest, "smallest": smallest, "n_smallest": n_smallest}
        n_short = sum(n * UNBALANCED <= n_largest for n in filled.values())
        findings.append(Finding("unbalanced", "warning", n_short, fields=fields))
    return findings
