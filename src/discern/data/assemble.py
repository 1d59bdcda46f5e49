"""The last step of every source: which parts were given, which pictures have no label, and is it a data set at all."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np

from discern.data.dataset import UNLABELLED, Dataset, Part, Store
from discern.data.order import natural
from discern.errors import DataError
from discern.i18n import _, ngettext

PART_NAMES = {
    "train": Part.TRAIN,
    "training": Part.TRAIN,
    "val": Part.VALIDATION,
    "valid": Part.VALIDATION,
    "validation": Part.VALIDATION,
    "test": Part.TEST,
    "testing": Part.TEST,
}


def part_named(name: str) -> Part:
    """The part that a folder, a file or a cell of this name stands for; `Part.NONE` for any other name.

    Examples
    --------
    >>> part_named("Valid").name, part_named("apple").name
    ('VALIDATION', 'NONE')
    """
    return PART_NAMES.get(name.strip().casefold(), Part.NONE)


def parts_named(names: Iterable[str]) -> dict[str, Part]:
    """The parts that these names, found side by side, stand for; nothing where they are not names of parts.

    Beside ``train`` alone any other name is the held-out part; beside several parts it is `Part.NONE`.

    Examples
    --------
    >>> [part.name for part in parts_named(["train", "holdout"]).values()]
    ['TRAIN', 'TEST']
    >>> [part.name for part in parts_named(["Train", "val", "test", "extra"]).values()]
    ['TRAIN', 'VALIDATION', 'TEST', 'NONE']
    """
    parts = {name: part_named(name) for name in names}
    if Part.TRAIN not in parts.values() and Part.NONE in parts.values():
        return {}
    others = [name for name, part in parts.items() if part != Part.TRAIN]
    if len(others) == 1 < len(parts) and parts[others[0]] == Part.NONE:
        parts[others[0]] = Part.TEST
    return parts


def table_name(table: Path) -> str:
    """What the data set of a table is called: after its folder where the file is called train, test or the like.

    Examples
    --------
    >>> table_name(Path("fruit.csv")), table_name(Path("fruit/train.csv"))
    ('fruit', 'fruit')
    """
    return readable(table.resolve().parent.name if part_named(table.stem) != Part.NONE else table.stem)


def class_numbers(
    origin: str, labels: Iterable[int | str | None], names: Sequence[str] = ()
) -> tuple[list[str], dict[int | str | None, int]]:
    """Class names, and which of them each label means: by its number among ``names``, or by name.

    Nothing, and the negative number that stands for a held-back test label, mean none.

    Raises
    ------
    DataError
        When a label is not among the ``names`` that are given.

    Examples
    --------
    >>> class_numbers("fruit", ["pear", None, "apple"])
    (['apple', 'pear'], {'apple': 0, 'pear': 1})
    >>> class_numbers("fruit", [1, -1], ["cat", "dog"])[1]
    {0: 0, 1: 1, 'cat': 0, 'dog': 1}
    """
    values = {value for value in labels if value not in (None, "") and not (isinstance(value, int) and value < 0)}
    number: dict[int | str | None, int]
    if names:
        classes = list(names)
        number = {at: at for at in range(len(classes))} | {name: at for at, name in enumerate(classes)}
    else:
        classes = sorted({str(value) for value in values}, key=natural)
        place = {name: at for at, name in enumerate(classes)}
        number = {value: place[str(value)] for value in sorted(values, key=str)}
    unknown = sorted(str(value) for value in values if value not in number)
    if unknown:
        raise DataError(
            _("{path} has labels without a class name ({labels}): save it again with all class names.").format(
                path=origin, labels=shortened(unknown)
            )
        )
    return classes, number


def assemble(
    origin: str,
    name: str,
    classes: Sequence[str],
    labels: np.ndarray,
    given: np.ndarray,
    store: Store,
    part_names: Mapping[str, Part] | None = None,
    notes: Sequence[str] = (),
) -> Dataset:
    """Make a `Dataset` of what a source has found.

    Pictures without a label are put aside. Of two labelled parts the second is the test part. A part alone is no part,
    unless pictures without labels stand beside it: then it trains, and they are the test.
    Classes without a picture are left out.

    Parameters
    ----------
    origin : str
        What the person gave; errors name it.
    name : str
        Short name of the data set.
    classes : sequence of str
        Class names; ``labels`` are positions in it.
    labels : numpy.ndarray
        Integers (N,), negative where there is no label.
    given : numpy.ndarray
        `Part` (N,).
    store : Store
        Reads the N pictures.
    part_names : mapping of str to Part, optional
        What the source called its parts, for the notes.
    notes : sequence of str
        Sentences from the source, kept before those added here.

    Raises
    ------
    DataError
        When nothing is labelled, there are fewer than two classes, or parts are given and none is to learn from.
    """
    if not len(labels):
        raise DataError(_("{path} holds no pictures: put them in one sub-folder per class.").format(path=origin))
    labels, given = labels.astype(np.int32), given.astype(np.uint8)
    kept, labels, more = _occupied(classes, labels)
    if not kept:
        raise DataError(
            _("No picture in {path} has a label: put them in one sub-folder per class.").format(path=origin)
        )
    if len(kept) == 1:
        raise DataError(
            _("{path} has one class only ({name}): a classifier needs at least two, add pictures of another.").format(
                path=origin, name=kept[0]
            )
        )
    given, settled = settled_parts(origin, given, labels, part_names or {})
    return Dataset(name, origin, kept, labels, given, store, (*notes, *more, *settled))


def readable(name: str) -> str:
    """A name from the file system as text that any file can hold: composed, and without bytes that are not UTF-8.

    Examples
    --------
    >>> readable("cafe\\u0301") == "caf\\u00e9"
    True
    """
    return unicodedata.normalize("NFC", name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace"))


def _occupied(classes: Sequence[str], labels: np.ndarray) -> tuple[tuple[str, ...], np.ndarray, list[str]]:
    """Leave the classes without pictures out and number the others anew."""
    counts = np.bincount(labels[labels >= 0], minlength=len(classes))
    if (counts > 0).all():
        return tuple(classes), np.maximum(labels, UNLABELLED), []
    new = np.where(counts > 0, np.cumsum(counts > 0) - 1, UNLABELLED).astype(np.int32)
    empty = [name for name, count in zip(classes, counts, strict=True) if not count]
    note = ngettext(
        "{count} class has no pictures and is left out: {names}.",
        "{count} classes have no pictures and are left out: {names}.",
        len(empty),
    ).format(count=len(empty), names=shortened(empty))
    kept = tuple(name for name, count in zip(classes, counts, strict=True) if count)
    return kept, np.where(labels >= 0, new[np.maximum(labels, 0)], UNLABELLED).astype(np.int32), [note]


def shortened(names: Sequence[str], most: int = 5) -> str:
    """The first few names in one line.

    Examples
    --------
    >>> shortened(["a", "b", "c"], most=2)
    'a, b, …'
    """
    return ", ".join(names[:most]) + (", …" if len(names) > most else "")


def settled_parts(
    origin: str, given: np.ndarray, labels: np.ndarray, part_names: Mapping[str, Part]
) -> tuple[np.ndarray, list[str]]:
    """The parts as they are used, and what to tell: what has no label is aside, one part alone is none.

    Raises
    ------
    DataError
        When parts are given and none is to learn from.
    """
    labelled = labels >= 0
    given = np.where(labelled, given, np.uint8(Part.ASIDE)).astype(np.uint8)
    parts = {Part(value) for value in np.unique(given[labelled]).tolist()}
    if parts == {Part.TRAIN} and not labelled.all():  # the person holds a test part back, without its labels
        return given, []
    if len(parts) == 1:  # a part alone says nothing: the test part, too, is cut from it
        return np.where(labelled, np.uint8(Part.NONE), given).astype(np.uint8), []
    called = {part: name for name, part in part_names.items()}
    notes = []
    if Part.NONE in parts:
        given[given == Part.NONE] = Part.TRAIN
        parts = parts - {Part.NONE} | {Part.TRAIN}
        notes.append(_("What was given to no part is used for training."))
    if Part.TRAIN not in parts:
        raise DataError(
            _("{path} has parts ({names}) but none to learn from: call one of them train.").format(
                path=origin, names=", ".join(called.get(part, part.name.lower()) for part in sorted(parts))
            )
        )
    if parts == {Part.TRAIN, Part.VALIDATION}:
        given[given == Part.VALIDATION] = Part.TEST
        notes.append(
            _(
                "'{part}' is the only labelled part beside '{train}', so it is the test part, scored once; "
                "the validation part that chooses the model is cut from '{train}'."
            ).format(part=called.get(Part.VALIDATION, "validation"), train=called.get(Part.TRAIN, "train"))
        )
    return given, notes
