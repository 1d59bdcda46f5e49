"""Which picture trains the model, which one chooses it, which one judges it; and why.

Parts that the source gives are respected. What is missing is cut: stratified by class, seeded, groups of copies whole,
so that no picture is judged by a copy of one that was learnt.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, replace

import numpy as np

from discern.data.audit import Audit
from discern.data.dataset import UNLABELLED, Dataset, Part
from discern.data.near import Near
from discern.data.scan import Facts
from discern.errors import ConfigError, RunError
from discern.files import read_json, write_json
from discern.i18n import _

PARTS = {Part.TRAIN: "train", Part.VALIDATION: "validation", Part.TEST: "test", Part.ASIDE: "aside", Part.NONE: "out"}
_PART_OF = {name: part for part, name in PARTS.items()}
_FORMAT = 1


@dataclass(frozen=True, eq=False)
class Split:
    """Positions of the pictures of each part.

    Attributes
    ----------
    train, validation, test, aside : numpy.ndarray
        int64, ascending, disjoint. Pictures without a class are aside; those that the audit left out are in none.
    reasons : tuple of str
        (N,) for every picture ``given``, ``cut``, ``copies``, ``unlabelled``, or the kind of finding that left it out.
    notes : tuple of str
        Translated sentences: how the parts came to be.
    seed : int
    fingerprint : str
        Of the content of the whole data set: `Facts.fingerprint`.
    """

    train: np.ndarray
    validation: np.ndarray
    test: np.ndarray
    aside: np.ndarray
    reasons: tuple[str, ...]
    notes: tuple[str, ...]
    seed: int
    fingerprint: str

    def parts(self) -> np.ndarray:
        """uint8 (N,) of `Part`; `Part.NONE` for pictures left out."""
        part = np.full(len(self.reasons), Part.NONE, dtype=np.uint8)
        for which, indices in self._members().items():
            part[indices] = which
        return part

    def _members(self) -> dict[Part, np.ndarray]:
        return {
            Part.TRAIN: self.train,
            Part.VALIDATION: self.validation,
            Part.TEST: self.test,
            Part.ASIDE: self.aside,
        }

    def save(self, path: str | os.PathLike[str], dataset: Dataset) -> None:
        """Write ``split.json``: for every picture its part and the reason, by the name a person knows it by.

        Raises
        ------
        DiskError
            When the disk is full or may not be written.
        """
        meanings = _meanings()
        codes = sorted(set(self.reasons))
        number = {code: position for position, code in enumerate(codes)}
        parts = self.parts().tolist()
        pictures: dict[str, list[str | int]] = {
            dataset.store.path(index): [PARTS[Part(parts[index])], number[reason]]
            for index, reason in enumerate(self.reasons)
        }
        value = {
            "format": _FORMAT,
            "seed": self.seed,
            "fingerprint": self.fingerprint,
            "notes": list(self.notes),
            "counts": {PARTS[part]: len(indices) for part, indices in self._members().items()},
            "classes": self._by_class(dataset),
            "reasons": [{"code": code, "meaning": meanings.get(code, _("left out by the audit"))} for code in codes],
            "pictures": pictures,
        }
        write_json(path, value, indent=None if len(pictures) > 10_000 else 1)

    def _by_class(self, dataset: Dataset) -> dict[str, dict[str, int]]:
        """Pictures of each class in each part that is learnt from or judged by."""
        learnt = (Part.TRAIN, Part.VALIDATION, Part.TEST)
        counts = {PARTS[part]: dataset.counts(self._members()[part]) for part in learnt}
        return {name: {part: found[name] for part, found in counts.items()} for name in dataset.classes}

    @classmethod
    def load(cls, path: str | os.PathLike[str], dataset: Dataset) -> Split:
        """Read ``split.json`` back for the same pictures, in whatever order they are now.

        Raises
        ------
        RunError
            When it is missing or damaged, or when pictures were added, removed or renamed since.
        """
        try:
            value = read_json(path)
            codes = [row["code"] for row in value["reasons"]]
            pictures: dict[str, tuple[Part, str]] = {
                name: (_PART_OF[part], codes[code]) for name, (part, code) in value["pictures"].items()
            }
            rest = (tuple(value["notes"]), int(value["seed"]), str(value["fingerprint"]))
        except (OSError, ValueError, KeyError, TypeError, IndexError, AttributeError) as error:
            raise RunError(
                _("{path} is missing or damaged: it says what is in which part; train again.").format(path=path)
            ) from error
        names = [dataset.store.path(index) for index in range(len(dataset))]
        unknown = next((name for name in names if name not in pictures), None)
        if unknown is not None or len(names) != len(pictures):
            gone = unknown if unknown is not None else next(iter(pictures.keys() - set(names)), "")
            raise RunError(
                _("{path} does not fit {data}: {name} was added, removed or renamed; train again.").format(
                    path=path, data=dataset.origin, name=gone
                )
            )
        part = np.array([pictures[name][0] for name in names], dtype=np.uint8)
        return _assemble(part, tuple(pictures[name][1] for name in names), *rest)


def _meanings() -> dict[str, str]:
    return {
        "given": _("the data set puts it in this part"),
        "cut": _("drawn by the seed"),
        "copies": _("drawn by the seed together with its copies"),
        "unlabelled": _("it has no class: kept aside"),
        "limit": _("more for training than was asked for"),
    }


def _assemble(part: np.ndarray, reasons: tuple[str, ...], notes: tuple[str, ...], seed: int, fingerprint: str) -> Split:
    train, validation, test, aside = (
        np.flatnonzero(part == which) for which in (Part.TRAIN, Part.VALIDATION, Part.TEST, Part.ASIDE)
    )
    return Split(train, validation, test, aside, reasons, notes, seed, fingerprint)


def split(
    dataset: Dataset,
    facts: Facts,
    near: Near,
    audit: Audit,
    seed: int = 0,
    validation: float = 0.1,
    test: float = 0.2,
) -> Split:
    """Give every usable picture its part.

    A given part stays as it is. Without given parts a test part is cut; without a validation part one is cut from what
    trains. When training pictures are given and test pictures are not, none are cut: the test part is empty.

    Parameters
    ----------
    dataset : Dataset
        N pictures.
    facts : Facts
        For the fingerprint that goes with the split.
    near : Near
        Groups of copies, never cut apart.
    audit : Audit
        Whose excluded pictures are in no part.
    seed : int
        The same seed and the same pictures give the same split.
    validation, test : float
        Shares of the pictures of each class to cut, 0 to below 1 together. A class with three groups of copies or more
        has at least one in every part that is cut, and one left to train.

    Raises
    ------
    ConfigError
        When the shares are negative or leave nothing to train on.
    """
    if validation < 0 or test < 0 or validation + test >= 1:
        raise ConfigError(
            _("validation={validation} and test={test} must be 0 or more, and less than 1 together.").format(
                validation=validation, test=test
            )
        )
    part = dataset.given.astype(np.uint8)
    reasons = np.full(len(dataset), "given", dtype="<U20")
    aside = (dataset.labels == UNLABELLED) | (part == Part.ASIDE)
    part[aside], reasons[aside] = Part.ASIDE, "unlabelled"
    part[audit.excluded], reasons[audit.excluded] = Part.NONE, np.array(audit.because, dtype="<U20")
    usable = ~aside & (reasons == "given")
    part[usable & (part == Part.NONE)] = Part.TRAIN
    shares = _missing(dataset, usable, validation, test)
    held = np.isin(part, (Part.VALIDATION, Part.TEST))
    pool = np.flatnonzero(usable & (part == Part.TRAIN) & ~np.isin(near.group, near.group[held]))
    part[pool] = _cut(dataset.labels[pool], near.group[pool], shares, seed)
    copies = np.bincount(near.group[usable], minlength=int(near.group.max(initial=0)) + 1)[near.group] > 1
    drawn = np.zeros(len(dataset), dtype=bool)
    drawn[pool] = bool(shares)
    reasons[drawn & ~copies], reasons[drawn & copies] = "cut", "copies"
    notes = _notes(dataset, part, shares, seed)
    return _assemble(part, tuple(reasons.tolist()), notes, seed, facts.fingerprint())


def limited(split: Split, dataset: Dataset, most: int) -> Split:
    """``split`` with at most ``most`` training pictures, drawn by its seed, each class in proportion; 0 leaves all.

    Examples
    --------
    >>> from discern.data.open import open_data
    >>> dataset = open_data("digits")
    >>> some, none = np.arange(1000), np.arange(0)
    >>> whole = Split(some, none, none, none, ("given",) * len(dataset), (), 0, "")
    >>> len(limited(whole, dataset, 200).train)
    200
    """
    if not 0 < most < len(split.train):
        return split
    random = np.random.default_rng(split.seed)
    place = np.zeros(len(split.train))  # of each picture in its class's line, from 0 to 1
    for label in np.unique(dataset.labels[split.train]):
        own = random.permutation(np.flatnonzero(dataset.labels[split.train] == label))
        place[own] = (np.arange(len(own)) + 0.5) / len(own)
    chosen = np.sort(np.argsort(place, kind="stable")[:most])
    reasons = np.array(split.reasons, dtype="<U20")
    reasons[np.delete(split.train, chosen)] = "limit"
    sentence = _("{most} of {n} are used to train, drawn class by class (seed {seed}).")
    note = sentence.format(most=most, n=len(split.train), seed=split.seed)
    return replace(split, train=split.train[chosen], reasons=tuple(reasons.tolist()), notes=(*split.notes, note))


def _missing(dataset: Dataset, usable: np.ndarray, validation: float, test: float) -> dict[Part, float]:
    """The parts to cut, in the order of cutting, and the share of the pool that each is to have."""
    given = set(np.unique(dataset.given[usable]).tolist())
    shares: dict[Part, float] = {}
    if given <= {Part.NONE}:
        shares[Part.TEST] = test
    if Part.VALIDATION not in given:
        shares[Part.VALIDATION] = validation
    return {part: share for part, share in shares.items() if share > 0}


def _cut(labels: np.ndarray, group: np.ndarray, shares: dict[Part, float], seed: int) -> np.ndarray:
    """The part of every picture of the pool, uint8 (P,).

    Groups are dealt class by class in random order; a group that holds several classes counts for its commonest one.
    """
    numbers, member = np.unique(group, return_inverse=True)
    weight = np.bincount(member, minlength=len(numbers))
    home = _majority(labels, member)
    order = np.random.default_rng(seed).permutation(len(numbers))
    part_of_group = np.full(len(numbers), Part.TRAIN, dtype=np.uint8)
    for label in np.unique(home).tolist():
        mine = order[home[order] == label]
        part_of_group[mine] = _deal(weight[mine].tolist(), shares)
    return part_of_group[member]


def _majority(labels: np.ndarray, member: np.ndarray) -> np.ndarray:
    """The commonest label of each group, the smaller of equals."""
    pairs, counts = np.unique(np.stack([member, labels], axis=1), axis=0, return_counts=True)
    ranked = pairs[np.lexsort((pairs[:, 1], -counts, pairs[:, 0]))]
    return ranked[np.flatnonzero(np.diff(ranked[:, 0], prepend=-1)), 1]


def _deal(weights: list[int], shares: dict[Part, float]) -> np.ndarray:
    """The parts of the groups of one class, given their sizes in random order.

    Each part takes what still fits, and the smallest group where nothing does. A class with too few groups for all
    parts only trains: it must be learnt before it can be judged.
    """
    parts = np.full(len(weights), Part.TRAIN, dtype=np.uint8)
    free = list(range(len(weights)))
    if len(free) < 1 + len(shares):
        return parts
    for waiting, (part, share) in enumerate(shares.items()):
        lack = max(1, round(share * sum(weights)))
        most = len(free) - (len(shares) - waiting)  # one group stays for every part to come, and one to train
        taken: list[int] = []
        for position in free:
            if lack == 0 or len(taken) == most:
                break
            if weights[position] <= lack:
                taken.append(position)
                lack -= weights[position]
        taken = taken or [min(free, key=weights.__getitem__)]
        parts[taken] = part
        chosen = set(taken)
        free = [position for position in free if position not in chosen]
    return parts


def _notes(dataset: Dataset, part: np.ndarray, shares: dict[Part, float], seed: int) -> tuple[str, ...]:
    size = {which: int((part == which).sum()) for which in Part}
    notes = []
    how = _("class by class") if dataset.targets is None else _("at random")
    if Part.TEST in shares:
        sentence = _(
            "No parts are given: {test} were cut for the test and {validation} for validation, {how},"
            " copies kept together (seed {seed})."
        )
        notes.append(sentence.format(test=size[Part.TEST], validation=size[Part.VALIDATION], how=how, seed=seed))
    elif Part.VALIDATION in shares and size[Part.VALIDATION]:
        sentence = _("{count} were cut from train for validation, {how}, copies kept together (seed {seed}).")
        notes.append(sentence.format(count=size[Part.VALIDATION], how=how, seed=seed))
    if not size[Part.TEST]:
        notes.append(_("There is no test part: give one to learn how good the model is on what it never saw."))
    short = [
        name
        for label, name in enumerate(dataset.classes)
        if any(not (part[dataset.labels == label] == which).any() for which in shares)
    ]
    if short and size[Part.TRAIN]:
        sentence = _("Too few to have some in every part, all train: {names}.")
        notes.append(sentence.format(names=", ".join(short[:3]) + (" …" if len(short) > 3 else "")))
    if size[Part.ASIDE]:
        notes.append(_("{count} without a class are kept aside, to be predicted.").format(count=size[Part.ASIDE]))
    if size[Part.NONE]:
        notes.append(_("{count} are left out; the audit says why.").format(count=size[Part.NONE]))
    return tuple(notes)
