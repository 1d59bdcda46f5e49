"""Which example trains the model, which one chooses it, which one judges it; and why.

Splits that the source gives are respected. What is missing is cut: stratified by class, seeded, groups of duplicates
and groups that the data name (a patient, a camera) kept together, so that no image is judged by a copy of one that was
learnt.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, replace

import numpy as np

from discern.data.dataset import UNLABELED, Dataset, Split
from discern.data.duplicates import DuplicateGroups
from discern.data.findings import Audit
from discern.data.groups import join_groups
from discern.data.names import abbreviate
from discern.data.scan import ImageStats
from discern.errors import ConfigError, RunError
from discern.files import read_json, write_json
from discern.i18n import _
from discern.notice_texts import TEXTS
from discern.notices import Notice

SPLIT_NAMES = {
    Split.TRAIN: "train",
    Split.VALIDATION: "validation",
    Split.TEST: "test",
    Split.UNLABELED: "unlabeled",
    Split.NONE: "excluded",
}
_SPLIT_OF_NAME = {name: split for split, name in SPLIT_NAMES.items()}
_USED = (Split.TRAIN, Split.VALIDATION, Split.TEST)
_FORMAT = 2


@dataclass(frozen=True, eq=False)
class SplitAssignment:
    """Positions of the examples of each split; those that the audit left out are in none."""

    train: np.ndarray  # int64, ascending, as are the next three; disjoint
    validation: np.ndarray
    test: np.ndarray
    unlabeled: np.ndarray
    # (N,) for every example given, assigned, assigned_with_duplicates, unlabeled, train_limit, or the code of the
    # finding that left it out; `split_reason` says it in words.
    reasons: tuple[str, ...]
    notices: tuple[Notice, ...]  # how the splits came to be
    seed: int
    fingerprint: str  # of the content of the whole data set: `ImageStats.fingerprint`

    @property
    def used(self) -> np.ndarray:
        """Positions of what trains, validates or tests: int64, ascending."""
        return np.sort(np.concatenate([self.train, self.validation, self.test]))

    def to_array(self) -> np.ndarray:
        """Return the split of each example: uint8 (N,) of `Split`; `Split.NONE` for what is left out."""
        array = np.full(len(self.reasons), Split.NONE, dtype=np.uint8)
        for split, indices in self._members().items():
            array[indices] = split
        return array

    def _members(self) -> dict[Split, np.ndarray]:
        return {split: getattr(self, name) for split, name in SPLIT_NAMES.items() if split != Split.NONE}

    def save(self, path: str | os.PathLike[str], dataset: Dataset) -> None:
        """Write ``split.json``: the split of every example and the reason, by the name a person knows it by.

        A `DiskError` says where the disk is full or not writable.
        """
        codes = sorted(set(self.reasons))
        number = {code: position for position, code in enumerate(codes)}
        splits = self.to_array().tolist()
        images: dict[str, list[str | int]] = {
            dataset.store.path(index): [SPLIT_NAMES[Split(splits[index])], number[reason]]
            for index, reason in enumerate(self.reasons)
        }
        value = {
            "format": _FORMAT,
            "seed": self.seed,
            "fingerprint": self.fingerprint,
            "notices": [notice.to_json() for notice in self.notices],
            "counts": {SPLIT_NAMES[split]: len(indices) for split, indices in self._members().items()},
            "classes": self.counts_by_class(dataset),
            "reasons": codes,
            "images": images,
        }
        write_json(path, value, indent=None if len(images) > 10_000 else 1)

    def counts_by_class(self, dataset: Dataset) -> dict[str, dict[str, int]]:
        """Count the examples of each class in each split that is learnt from or judged by."""
        counts = {"train": self.train, "validation": self.validation, "test": self.test}
        by_split = {split: dataset.counts(indices) for split, indices in counts.items()}
        return {name: {split: counts[name] for split, counts in by_split.items()} for name in dataset.classes}

    @classmethod
    def load(cls, path: str | os.PathLike[str], dataset: Dataset) -> SplitAssignment:
        """Read ``split.json`` back for the same examples, in whatever order they are now.

        A `RunError` says where it is missing or damaged, or examples were added, removed or renamed since.
        """
        try:
            value = read_json(path)
            codes = [str(code) for code in value["reasons"]]
            images: dict[str, tuple[Split, str]] = {
                name: (_SPLIT_OF_NAME[split], codes[code]) for name, (split, code) in value["images"].items()
            }
            notices = tuple(map(Notice.from_json, value["notices"]))
            rest = (notices, int(value["seed"]), str(value["fingerprint"]))
        except (OSError, ValueError, KeyError, TypeError, IndexError, AttributeError) as error:
            message = _("{path} is missing or corrupt: it holds the split of every example; train again.")
            raise RunError(message.format(path=path)) from error
        names = [dataset.store.path(index) for index in range(len(dataset))]
        changed = next((name for name in names if name not in images), None)
        if changed is not None or len(names) != len(images):
            changed = changed if changed is not None else next(iter(images.keys() - set(names)), "")
            message = _("{path} does not fit {data}: {name} was added, removed or renamed; train again.")
            raise RunError(message.format(path=path, data=dataset.origin, name=changed))
        array = np.array([images[name][0] for name in names], dtype=np.uint8)
        return _from_array(array, tuple(images[name][1] for name in names), *rest)


def split_reason(code: str) -> Notice:
    """Return in words why an example is in its split, from one of `SplitAssignment.reasons`.

    Examples
    --------
    >>> split_reason("given").text(), split_reason("truncated").text()
    ('given by the data set', 'left out by the audit (truncated)')
    """
    known = f"split.{code}"
    return Notice(known) if known in TEXTS else Notice("split.excluded", {"reason": Notice(f"word.{code}")})


def _from_array(
    array: np.ndarray, reasons: tuple[str, ...], notices: tuple[Notice, ...], seed: int, fingerprint: str
) -> SplitAssignment:
    members = {name: np.flatnonzero(array == split) for split, name in SPLIT_NAMES.items() if split != Split.NONE}
    return SplitAssignment(**members, reasons=reasons, notices=notices, seed=seed, fingerprint=fingerprint)


def split_dataset(
    dataset: Dataset,
    stats: ImageStats,
    duplicates: DuplicateGroups,
    audit: Audit,
    seed: int = 0,
    validation: float = 0.1,
    test: float = 0.2,
) -> SplitAssignment:
    """Give every usable example its split; the same seed and the same data give the same.

    A given split stays as it is. Without given splits a test split is cut; without a validation split one is cut from
    what trains. When training examples are given and test examples are not, none are cut: the test split is empty.
    Groups of ``duplicates`` and `Dataset.groups` are never cut apart, and what the ``audit`` excludes is in no split.

    ``validation`` and ``test`` are fractions of the examples of each class to cut, 0 to below 1 together; a
    `ConfigError` where they are not. A class with three groups of duplicates or more has at least one in every split
    that is cut, and one left to train.
    """
    if validation < 0 or test < 0 or validation + test >= 1:
        message = _("validation={validation} and test={test} must be 0 or more, and less than 1 together.")
        raise ConfigError(message.format(validation=validation, test=test))
    split = dataset.given_split.astype(np.uint8)
    reasons = np.full(len(dataset), "given", dtype="<U24")
    unlabeled = (dataset.labels == UNLABELED) | (split == Split.UNLABELED)
    split[unlabeled], reasons[unlabeled] = Split.UNLABELED, "unlabeled"
    split[audit.excluded], reasons[audit.excluded] = Split.NONE, np.array(audit.exclusion_reasons, dtype="<U24")
    usable = ~unlabeled & (reasons == "given")
    split[usable & (split == Split.NONE)] = Split.TRAIN
    fractions = _missing_splits(dataset, usable, validation, test)
    # A duplicate of an example that is given for validation or test stays where it is: cutting could only move it to
    # another split than its copy.
    held_out = np.isin(split, (Split.VALIDATION, Split.TEST))
    group = join_groups(duplicates.group, dataset.groups)
    in_pool = usable & (split == Split.TRAIN) & ~np.isin(group, group[held_out])
    pool = np.flatnonzero(in_pool)
    split[pool] = _cut(dataset.labels[pool], group[pool], fractions, seed, is_mixed=dataset.groups is not None)
    if fractions:
        reasons[in_pool] = "assigned"
        reasons[in_pool & _has_company(duplicates.group, usable)] = "assigned_with_duplicates"
        if dataset.groups is not None:
            reasons[in_pool & (dataset.groups >= 0)] = "assigned_with_group"
    notices = _describe(dataset, split, fractions, seed)
    return _from_array(split, tuple(reasons.tolist()), notices, seed, stats.fingerprint())


def subsample_train(assignment: SplitAssignment, dataset: Dataset, limit: int) -> SplitAssignment:
    """Keep at most ``limit`` training examples, drawn by the seed, each class in proportion; 0 keeps all.

    Examples
    --------
    >>> from discern.data.open import open_data
    >>> dataset = open_data("digits")
    >>> train, none = np.arange(1000), np.arange(0)
    >>> assignment = SplitAssignment(train, none, none, none, ("given",) * len(dataset), (), 0, "")
    >>> len(subsample_train(assignment, dataset, 200).train)
    200
    """
    train = assignment.train
    if not 0 < limit < len(train):
        return assignment
    random = np.random.default_rng(assignment.seed)
    # Every class lines up at random, evenly spaced from 0 to 1. The first `limit` of all lines together then hold each
    # class in proportion, as nearly as whole examples can.
    position = np.zeros(len(train))
    for label in np.unique(dataset.labels[train]):
        own = random.permutation(np.flatnonzero(dataset.labels[train] == label))
        position[own] = (np.arange(len(own)) + 0.5) / len(own)
    chosen = np.sort(np.argsort(position, kind="stable")[:limit])
    reasons = np.array(assignment.reasons, dtype="<U24")
    reasons[np.delete(train, chosen)] = "train_limit"
    notice = Notice("split.subsampled", {"n": limit, "total": len(train), "seed": assignment.seed})
    before, after = (
        np.bincount(dataset.labels[part], minlength=len(dataset.classes)) for part in (train, train[chosen])
    )
    notices = (*assignment.notices, notice, *_describe_untrained(dataset, before > 0, after))
    return replace(assignment, train=train[chosen], reasons=tuple(reasons.tolist()), notices=notices)


def _describe_untrained(dataset: Dataset, is_used: np.ndarray, n_train: np.ndarray) -> list[Notice]:
    """Name the classes, bool (K,) in use, that have no training example."""
    names = [dataset.classes[label] for label in np.flatnonzero(is_used & (n_train == 0))]
    return [Notice("split.untrained_classes", {"names": abbreviate(names)})] if names else []


def _missing_splits(dataset: Dataset, usable: np.ndarray, validation: float, test: float) -> dict[Split, float]:
    """Return the splits to cut, in the order of cutting, and the fraction of the pool that each is to have."""
    given = set(np.unique(dataset.given_split[usable]).tolist())
    fractions = {
        Split.TEST: test if given <= {Split.NONE} else 0.0,
        Split.VALIDATION: validation if Split.VALIDATION not in given else 0.0,
    }
    return {split: fraction for split, fraction in fractions.items() if fraction > 0}


def _has_company(group: np.ndarray, usable: np.ndarray) -> np.ndarray:
    """Mark the examples whose group has more than one usable member: bool (N,)."""
    n_in_group = np.bincount(group[usable], minlength=int(group.max(initial=0)) + 1)
    company: np.ndarray = n_in_group[group] > 1
    return company


def _cut(
    labels: np.ndarray, group: np.ndarray, fractions: dict[Split, float], seed: int, is_mixed: bool = False
) -> np.ndarray:
    """Assign a split to every example of the pool: uint8 (P,).

    Dealt are groups of duplicates, class by class and in random order, as cards are dealt: every split gets about its
    fraction of every class (it is stratified), and no group is divided. A group that holds several classes counts for
    its most common one; where ``is_mixed``, groups are expected to hold several classes, and such are dealt together.
    """
    groups, member = np.unique(group, return_inverse=True)  # member: the position in groups of each example
    sizes = np.bincount(member, minlength=len(groups))
    majority = _majority_label(labels, member)
    if is_mixed:
        divided = np.bincount(member, weights=labels != majority[member]) > 0
        majority = np.where(divided, UNLABELED, majority)
    order = np.random.default_rng(seed).permutation(len(groups))
    split_of_group = np.full(len(groups), Split.TRAIN, dtype=np.uint8)
    for label in np.unique(majority).tolist():
        own = order[majority[order] == label]
        split_of_group[own] = _deal(sizes[own].tolist(), fractions)
    return split_of_group[member]


def _majority_label(labels: np.ndarray, member: np.ndarray) -> np.ndarray:
    """Find the most common label of each group, the smaller of equals."""
    pairs, counts = np.unique(np.stack([member, labels], axis=1), axis=0, return_counts=True)
    ranked = pairs[np.lexsort((pairs[:, 1], -counts, pairs[:, 0]))]  # by group, then the most frequent first
    return ranked[np.flatnonzero(np.diff(ranked[:, 0], prepend=-1)), 1]


def _deal(sizes: list[int], fractions: dict[Split, float]) -> np.ndarray:
    """Assign splits to the groups of one class, given their sizes in random order.

    Each split takes groups in that order while they still fit, and the smallest group where none does. A class with too
    few groups for all splits only trains: it must be learnt before it can be judged.
    """
    splits = np.full(len(sizes), Split.TRAIN, dtype=np.uint8)
    free = list(range(len(sizes)))
    if len(free) < 1 + len(fractions):
        return splits
    for done, (split, fraction) in enumerate(fractions.items()):
        missing = max(1, round(fraction * sum(sizes)))  # examples that the split still lacks
        max_groups = len(free) - (len(fractions) - done)  # leaves a group to each later split, and one to train
        taken: list[int] = []
        for position in free:
            if missing == 0 or len(taken) == max_groups:
                break
            if sizes[position] <= missing:
                taken.append(position)
                missing -= sizes[position]
        taken = taken or [min(free, key=sizes.__getitem__)]
        splits[taken] = split
        dealt = set(taken)
        free = [position for position in free if position not in dealt]
    return splits


def _describe(dataset: Dataset, array: np.ndarray, fractions: dict[Split, float], seed: int) -> tuple[Notice, ...]:
    """Return what there is to say about the splits of ``array``."""
    size = {split: int((array == split).sum()) for split in Split}
    notices = []
    method = Notice("word.stratified" if dataset.task == "classification" else "word.random")
    fields = {"validation": size[Split.VALIDATION], "method": method, "seed": seed}
    if Split.TEST in fractions:
        notices.append(Notice("split.cut_test_validation", {"test": size[Split.TEST], **fields}))
    elif Split.VALIDATION in fractions and size[Split.VALIDATION]:
        notices.append(Notice("split.cut_validation", fields))
    if not size[Split.TEST]:
        notices.append(Notice("split.no_test"))
    count = {split: np.bincount(dataset.labels[array == split], minlength=len(dataset.classes)) for split in _USED}
    only_train = (count[Split.TRAIN] > 0) & (count[Split.VALIDATION] == 0) & (count[Split.TEST] == 0)
    small = [dataset.classes[label] for label in np.flatnonzero(only_train)]
    if small and fractions:
        notices.append(Notice("split.small_classes", {"names": abbreviate(small, 3)}))
    notices += _describe_untrained(dataset, np.sum(list(count.values()), axis=0) > 0, count[Split.TRAIN])
    for split in (Split.VALIDATION, Split.TEST):
        missing = (count[Split.TRAIN] > 0) & (count[split] == 0) & ~(only_train & bool(fractions))
        if size[split] and missing.any():
            names = [dataset.classes[label] for label in np.flatnonzero(missing)]
            fields = {"split": Notice(f"word.{SPLIT_NAMES[split]}"), "names": abbreviate(names, 3)}
            notices.append(Notice("split.unjudged", fields))
    if size[Split.UNLABELED]:
        notices.append(Notice("split.unlabeled_left", {"n": size[Split.UNLABELED]}))
    if size[Split.NONE]:
        notices.append(Notice("split.excluded_count", {"n": size[Split.NONE]}))
    return tuple(notices)
