"""What is wrong with a set of images, and which of them are left out because of it.

Left out everywhere: what cannot be decoded. Left out of training and validation, but not of a test split that the
source gave (its results must stay comparable): images that show no class (nearly uniform, placeholders) and images that
stand under two classes, since nobody can know which is correct. Duplicates stay: the split keeps them together.
"""

from __future__ import annotations

import numpy as np

from discern.data.dataset import Dataset, Split
from discern.data.duplicates import DuplicateGroups
from discern.data.findings import (
    Audit,
    Finding,
    conclude_audit,
    find_examples,
    find_group_leaks,
    find_leaks,
    mark_conflicts,
    sort_by_group,
)
from discern.data.group_names import propose_groups
from discern.data.outliers import (
    are_many_long,
    find_constant,
    find_long,
    find_odd_sizes,
    find_placeholders,
    find_rotated,
    measure_hidden,
)
from discern.data.scan import PROBLEMS, ImageStats


def audit_images(dataset: Dataset, stats: ImageStats, duplicates: DuplicateGroups) -> Audit:
    """Judge a set of images; a `DataError` where leaving some of them out empties a class."""
    exclusion_reasons = np.full(len(dataset), "", dtype="<U20")  # "" for what stays
    findings = _find_broken(dataset, stats, exclusion_reasons)
    findings += _find_duplicates(dataset, stats, duplicates, exclusion_reasons)
    findings += _find_outliers(dataset, stats, duplicates, exclusion_reasons)
    findings += [*_find_long(dataset, stats), *_find_groups(dataset, stats)]
    return conclude_audit(dataset, findings, exclusion_reasons)


def _find_broken(dataset: Dataset, stats: ImageStats, exclusion_reasons: np.ndarray) -> list[Finding]:
    findings = []
    for number, code in enumerate(PROBLEMS[1:], 1):  # 0 is a good image
        broken = np.flatnonzero(stats.problem == number)
        exclusion_reasons[broken] = code
        findings += find_examples(dataset, code, "error", broken)
    return findings


def _exclude(dataset: Dataset, exclusion_reasons: np.ndarray, indices: np.ndarray, code: str) -> None:
    """Leave out the images at ``indices`` that are not in a given test split and not left out already."""
    free = indices[(dataset.given_split[indices] != Split.TEST) & (exclusion_reasons[indices] == "")]
    exclusion_reasons[free] = code


def _find_duplicates(
    dataset: Dataset, stats: ImageStats, duplicates: DuplicateGroups, exclusion_reasons: np.ndarray
) -> list[Finding]:
    exact_group, near_group = duplicates.exact, duplicates.group
    good = stats.problem == 0
    conflicts = mark_conflicts(dataset, exact_group, good)
    near_conflicts = mark_conflicts(dataset, near_group, good) & ~conflicts
    _exclude(dataset, exclusion_reasons, np.flatnonzero(conflicts), "conflicting_labels")
    exact = good & (np.bincount(exact_group)[exact_group] > 1)
    near = good & (np.bincount(near_group)[near_group] > 1) & ~exact
    # Counted is what could be deleted. Two pairs of exact duplicates that are near duplicates of each other: two of the
    # four images are exact surplus, and of the two different files that are left one is a near duplicate.
    n_exact = int(exact.sum()) - len(np.unique(exact_group[exact]))
    n_near = len(np.unique(exact_group[good])) - len(np.unique(near_group[good]))
    near |= exact & (_count_inner_groups(exact_group, near_group) > 1)
    return [
        *find_examples(dataset, "conflicting_labels", "error", sort_by_group(conflicts, exact_group)),
        *find_examples(dataset, "near_conflicting_labels", "warning", sort_by_group(near_conflicts, near_group)),
        *find_examples(dataset, "duplicate", "warning", sort_by_group(exact, exact_group), n_exact),
        *find_examples(dataset, "near_duplicate", "note", sort_by_group(near, near_group), n_near),
        *find_examples(dataset, "still", "warning", duplicates.still),
        *find_leaks(dataset, good, duplicates),
        *find_group_leaks(dataset, good),
    ]


def _count_inner_groups(inner: np.ndarray, outer: np.ndarray) -> np.ndarray:
    """Count, for each image, the different inner groups within its outer group: int64 (N,)."""
    pairs = np.unique(np.stack([outer, inner], axis=1), axis=0)
    return np.bincount(pairs[:, 0], minlength=int(outer.max(initial=0)) + 1)[outer]


def _find_long(dataset: Dataset, stats: ImageStats) -> list[Finding]:
    """Find images whose ends a square cut out of the middle hides, and say whether the recipe does so."""
    long = find_long(stats)
    if not len(long):
        return []
    code = "long_padded" if are_many_long(dataset, stats) else "long"
    return find_examples(dataset, code, "note", long, hidden=measure_hidden(stats, long))


def _find_groups(dataset: Dataset, stats: ImageStats) -> list[Finding]:
    """Find what may belong together and is in no group: names that repeat, and copies that were rotated."""
    if dataset.groups is not None:
        return []
    findings = find_examples(dataset, "rotated", "warning", find_rotated(stats))
    proposal = propose_groups(dataset)
    if proposal:
        fields = {"pattern": proposal.pattern, "name": proposal.name}
        findings.append(Finding("group_names", "note", proposal.n, fields=fields))
    return findings


def _find_outliers(
    dataset: Dataset, stats: ImageStats, duplicates: DuplicateGroups, exclusion_reasons: np.ndarray
) -> list[Finding]:
    constant = find_constant(stats)
    placeholders = np.setdiff1d(find_placeholders(dataset, stats, duplicates), constant)
    _exclude(dataset, exclusion_reasons, constant, "constant")
    _exclude(dataset, exclusion_reasons, placeholders, "placeholder")
    return [
        *find_examples(dataset, "constant", "warning", constant),
        *find_examples(dataset, "placeholder", "warning", placeholders),
        *find_examples(dataset, "odd_size", "note", find_odd_sizes(stats)),
    ]
