"""What is wrong with a set of pictures, said in sentences, and which of them are left out because of it.

Left out everywhere: what cannot be decoded. Left out of training and validation, but not of a test part that the source
gave (its results must stay comparable): pictures that carry no class (one tone, placeholders) and pictures that stand
under two classes, since nobody can know which is right. Copies stay: the split keeps them together.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np

from discern.data.dataset import Dataset, Part
from discern.data.near import Near
from discern.data.outliers import constant_pictures, odd_sizes, placeholder_pictures
from discern.data.scan import PROBLEMS, Facts
from discern.errors import DataError
from discern.i18n import _

Severity = Literal["error", "warning", "note"]
SMALL_CLASS = 10  # pictures
UNBALANCED = 4.0  # largest class over smallest
_NAMED = 3  # names spelled out in a sentence


@dataclass(frozen=True)
class Finding:
    """One kind of trouble.

    Attributes
    ----------
    kind : str
        ``unreadable``, ``truncated``, ``empty``, ``not-a-picture``, ``bomb``, ``duplicate``, ``near-duplicate``,
        ``conflicting-labels``, ``leak``, ``constant``, ``placeholder``, ``odd-size``, ``small-class``, ``unbalanced``.
    severity : {"error", "warning", "note"}
        An error needs a person, a warning deserves one, a note is for information.
    sentence : str
        Translated: how many, which first, what was done or is to be done.
    paths : tuple of str
        All pictures meant; empty for findings about classes.
    count : int
        Pictures (or classes) meant. For copies: how many there are beyond the first of each.
    """

    kind: str
    severity: Severity
    sentence: str
    paths: tuple[str, ...]
    count: int


@dataclass(frozen=True, eq=False)
class Audit:
    """The findings, worst first, and the pictures that they leave out.

    Attributes
    ----------
    findings : tuple of Finding
    excluded : numpy.ndarray
        int64, ascending positions in the data set.
    because : tuple of str
        The kind of finding that left out each of ``excluded``.
    """

    findings: tuple[Finding, ...]
    excluded: np.ndarray
    because: tuple[str, ...]

    def of(self, kind: str) -> tuple[Finding, ...]:
        """The findings of one kind."""
        return tuple(finding for finding in self.findings if finding.kind == kind)

    def to_json(self) -> dict[str, Any]:
        """Findings and number of pictures left out, as plain values."""
        return {"findings": [asdict(finding) for finding in self.findings], "excluded": len(self.excluded)}


def audit(dataset: Dataset, facts: Facts, near: Near) -> Audit:
    """Judge a set of pictures.

    Parameters
    ----------
    dataset : Dataset
        N pictures.
    facts : Facts
        From `discern.data.scan.scan`.
    near : Near
        From `discern.data.near.find_near`.

    Returns
    -------
    Audit

    Raises
    ------
    DataError
        When leaving pictures out empties a class.
    """
    because = np.full(len(dataset), "", dtype="<U20")
    findings = _broken(dataset, facts, because)
    findings += _copies(dataset, facts, near, because)
    findings += _outliers(dataset, facts, near, because)
    excluded = np.flatnonzero(because != "")
    refuse_empty_class(dataset, because)
    findings += class_findings(dataset, excluded)
    rank = {"error": 0, "warning": 1, "note": 2}
    findings.sort(key=lambda finding: rank[finding.severity])
    return Audit(tuple(findings), excluded, tuple(because[excluded].tolist()))


def finding(
    dataset: Dataset, kind: str, severity: Severity, sentence: str, indices: np.ndarray, count: int | None = None
) -> Finding:
    """Fill ``{count}`` and ``{names}`` of a translated sentence."""
    paths = tuple(dataset.store.path(index) for index in indices.tolist())
    count = len(paths) if count is None else count
    names = ", ".join(paths[:_NAMED]) + (" …" if len(paths) > _NAMED else "")
    return Finding(kind, severity, sentence.format(count=count, names=names), paths, count)


def _broken(dataset: Dataset, facts: Facts, because: np.ndarray) -> list[Finding]:
    sentences = {
        "unreadable": _("Damaged, left out ({count}): {names}. Copy them again, or delete them."),
        "truncated": _("Cut short, left out ({count}): {names}. Copy them again, or delete them."),
        "empty": _("Empty files, left out ({count}): {names}. Copy them again, or delete them."),
        "not-a-picture": _("Not pictures, left out ({count}): {names}. Delete them, or save them as JPEG or PNG."),
        "bomb": _("Too large to decode safely, left out ({count}): {names}. Make them smaller."),
    }
    findings = []
    for code, kind in enumerate(PROBLEMS):
        found = np.flatnonzero(facts.problem == code) if code else np.zeros(0, dtype=np.int64)
        if len(found):
            because[found] = kind
            findings.append(finding(dataset, kind, "error", sentences[kind], found))
    return findings


def _exclude(dataset: Dataset, because: np.ndarray, indices: np.ndarray, kind: str) -> None:
    """Leave ``indices`` out, unless they stand in a given test part or are out already."""
    free = indices[(dataset.given[indices] != Part.TEST) & (because[indices] == "")]
    because[free] = kind


def _copies(dataset: Dataset, facts: Facts, near: Near, because: np.ndarray) -> list[Finding]:
    good = facts.problem == 0
    labelled = good & (dataset.labels >= 0)
    exact_conflict = good & mixed(near.exact, dataset.labels, labelled)
    near_conflict = good & mixed(near.group, dataset.labels, labelled) & ~exact_conflict
    _exclude(dataset, because, np.flatnonzero(exact_conflict), "conflicting-labels")
    exact = good & (np.bincount(near.exact)[near.exact] > 1)
    close = good & (np.bincount(near.group)[near.group] > 1) & ~exact
    surplus = {
        "exact": int(exact.sum()) - len(np.unique(near.exact[exact])),
        "near": len(np.unique(near.exact[good])) - len(np.unique(near.group[good])),
    }
    close |= exact & (_smallest(near.exact, near.group) > 1)
    rows: list[tuple[str, Severity, str, np.ndarray, int | None]] = [
        (
            "conflicting-labels",
            "error",
            _("The same picture under different classes, kept out of training ({count}): {names}. Keep each once."),
            by_group(exact_conflict, near.exact),
            None,
        ),
        (
            "conflicting-labels",
            "warning",
            _("Nearly the same picture under different classes ({count}): {names}. Look at them, keep the right ones."),
            by_group(near_conflict, near.group),
            None,
        ),
        (
            "duplicate",
            "warning",
            _("Exact copies of other pictures ({count}): {names}. A split keeps them together."),
            by_group(exact, near.exact),
            surplus["exact"],
        ),
        (
            "near-duplicate",
            "note",
            _("Near copies of other pictures ({count}): {names}. A split keeps them together."),
            by_group(close, near.group),
            surplus["near"],
        ),
    ]
    findings = [
        finding(dataset, kind, severity, sentence, indices, count)
        for kind, severity, sentence, indices, count in rows
        if len(indices) and count != 0
    ]
    return findings + leaks(dataset, good, near)


def mixed(group: np.ndarray, values: np.ndarray, among: np.ndarray) -> np.ndarray:
    """bool (N,): the picture is ``among`` those whose group holds more than one value."""
    low = np.full(len(group), np.iinfo(np.int64).max)
    high = np.full(len(group), -1, dtype=np.int64)
    np.minimum.at(low, group[among], values[among].astype(np.int64))
    np.maximum.at(high, group[among], values[among].astype(np.int64))
    return among & (low < high)[group]


def _smallest(inner: np.ndarray, outer: np.ndarray) -> np.ndarray:
    """int64 (N,): how many different inner groups the picture's outer group holds."""
    pairs = np.unique(np.stack([outer, inner], axis=1), axis=0)
    return np.bincount(pairs[:, 0], minlength=int(outer.max(initial=0)) + 1)[outer]


def by_group(chosen: np.ndarray, group: np.ndarray) -> np.ndarray:
    """Positions of the chosen pictures, members of one group side by side."""
    found = np.flatnonzero(chosen)
    return found[np.argsort(group[found], kind="stable")]


def leaks(dataset: Dataset, good: np.ndarray, near: Near) -> list[Finding]:
    """Pictures of a later given part with a copy in an earlier one."""
    names = {Part.TRAIN: _("train"), Part.VALIDATION: _("validation"), Part.TEST: _("test")}
    findings = []
    for earlier, later in ((Part.TRAIN, Part.TEST), (Part.VALIDATION, Part.TEST), (Part.TRAIN, Part.VALIDATION)):
        here = np.zeros(len(near.group) + 1, dtype=bool)
        here[near.group[good & (dataset.given == earlier)]] = True
        found = np.flatnonzero(good & (dataset.given == later) & here[near.group])
        if not len(found):
            continue
        both = good & np.isin(near.group, near.group[found]) & np.isin(dataset.given, (earlier, later))
        sentence = _(
            "{count} of the {later} part are in the {earlier} part too, the same or nearly: {names}."
            " Results on {later} will look better than they are; delete one of each."
        )
        sentence = sentence.replace("{later}", names[later]).replace("{earlier}", names[earlier])
        findings.append(finding(dataset, "leak", "warning", sentence, by_group(both, near.group), len(found)))
    return findings


def _outliers(dataset: Dataset, facts: Facts, near: Near, because: np.ndarray) -> list[Finding]:
    constant = constant_pictures(facts)
    placeholder = np.setdiff1d(placeholder_pictures(dataset, facts, near), constant)
    rows: list[tuple[str, Severity, str, np.ndarray]] = [
        ("constant", "warning", _("Almost one tone, kept out of training ({count}): {names}."), constant),
        (
            "placeholder",
            "warning",
            _("Placeholders for missing pictures, kept out of training ({count}): {names}. Delete them."),
            placeholder,
        ),
        (
            "odd-size",
            "note",
            _("Much larger, smaller or longer than the others ({count}): {names}. See that they show one thing."),
            odd_sizes(facts),
        ),
    ]
    for kind, _severity, _sentence, indices in rows[:2]:
        _exclude(dataset, because, indices, kind)
    return [finding(dataset, kind, severity, sentence, found) for kind, severity, sentence, found in rows if len(found)]


def refuse_empty_class(dataset: Dataset, because: np.ndarray) -> None:
    for trained in (dataset.given != Part.TEST, np.ones(len(dataset), dtype=bool)):
        before = np.bincount(dataset.labels[trained & (dataset.labels >= 0)], minlength=len(dataset.classes))
        kept = trained & (dataset.labels >= 0) & (because == "")
        after = np.bincount(dataset.labels[kept], minlength=len(dataset.classes))
        emptied = np.flatnonzero((before > 0) & (after == 0))
        if len(emptied):
            label = int(emptied[0])
            example = int(np.flatnonzero((dataset.labels == label) & (because != ""))[0])
            raise DataError(
                _(
                    "Class {name} has nothing usable left ({path}: {kind}):"
                    " repair its pictures, or remove the class. `discern data` lists them."
                ).format(name=dataset.classes[label], path=dataset.store.path(example), kind=because[example])
            )


def class_findings(dataset: Dataset, excluded: np.ndarray) -> list[Finding]:
    kept = np.setdiff1d(np.flatnonzero(dataset.labels >= 0), excluded)
    counts = dataset.counts(kept)
    findings = []
    small = [f"{name} ({n})" for name, n in counts.items() if n < SMALL_CLASS]
    if small:
        sentence = _("Classes with fewer than {least} examples: {names}. Add some; some dozens a class work well.")
        names = ", ".join(small[:_NAMED]) + (" …" if len(small) > _NAMED else "")
        findings.append(
            Finding("small-class", "warning", sentence.format(least=SMALL_CLASS, names=names), (), len(small))
        )
    filled = {name: n for name, n in counts.items() if n}
    most, least = (max(filled, key=filled.__getitem__), min(filled, key=filled.__getitem__)) if filled else ("", "")
    if filled and filled[most] >= UNBALANCED * filled[least]:
        sentence = _("Unbalanced: {most} has {n_most}, {least} has {n_least}. Class weights make up for it.")
        sentence = sentence.format(most=most, n_most=filled[most], least=least, n_least=filled[least])
        findings.append(
            Finding("unbalanced", "warning", sentence, (), sum(n * UNBALANCED <= filled[most] for n in filled.values()))
        )
    return findings
