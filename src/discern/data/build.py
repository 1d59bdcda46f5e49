"""The last step of every source: resolve the given splits, number the classes, refuse what is no data set."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from discern.data.dataset import UNLABELED, ImageDataset, Split, Store
from discern.data.names import abbreviate, find_similar_names, natural_key
from discern.errors import DataError
from discern.i18n import _
from discern.notices import Notice


def number_classes(
    origin: str, labels: Sequence[int | str | None], names: Sequence[str] = ()
) -> tuple[list[str], np.ndarray]:
    """Return class names, and each label as its position among them, int32 (N,).

    A label is a name, or a number, which counts ``names`` where they are given. An empty one, and the negative number
    that stands for a withheld test label, are `UNLABELED`. A `DataError` says which labels are not among the ``names``.

    Examples
    --------
    >>> classes, labels = number_classes("fruit", ["pear", None, "apple"])
    >>> classes, labels.tolist(), number_classes("fruit", [1, -1, "cat"], ["cat", "dog"])[1].tolist()
    (['apple', 'pear'], [1, -1, 0], [1, -1, 0])
    """
    values = {value for value in labels if value not in (None, "") and not (isinstance(value, int) and value < 0)}
    classes = list(names) or sorted({str(value) for value in values}, key=natural_key)
    index: dict[int | str | None, int] = {name: i for i, name in enumerate(classes)}
    index |= {i: i for i in range(len(names))} if names else {value: index[str(value)] for value in values}
    unknown = sorted(str(value) for value in values if value not in index)
    if unknown:
        message = _("{path} has labels without a class name ({labels}): save it again with all class names.")
        raise DataError(message.format(path=origin, labels=", ".join(abbreviate(unknown))))
    return classes, np.array([index.get(label, UNLABELED) for label in labels], np.int32)


def build_dataset(
    origin: str,
    name: str,
    classes: Sequence[str],
    labels: np.ndarray,
    given_split: np.ndarray,
    store: Store,
    split_names: Mapping[str, Split] | None = None,
    notices: Sequence[Notice] = (),
    groups: Sequence[str] = (),
) -> ImageDataset:
    """Build the data set of a source of images.

    Classes without an image are left out; `resolve_splits` decides how the given splits are used. ``notices`` come
    first, those added here after them.

    Parameters
    ----------
    origin, name : str
        What the person gave, which errors name; and a short name.
    classes, labels : sequence of str, numpy.ndarray
        Class names; of each of the N images its position among them, negative where there is no label.
    given_split : numpy.ndarray
        `Split` (N,).
    store : Store
        Reads the N images.
    split_names : mapping of str to Split, optional
        What the source calls its splits, for the notices.
    groups : sequence of str, optional
        The group of each image (a patient, a camera), "" for none: `Dataset.groups`.

    Raises
    ------
    DataError
        When nothing is labeled, or there are splits and none to train on.
    """
    if not len(labels):
        raise DataError(_("{path} has no images: put them in one sub-folder per class.").format(path=origin))
    labels, given_split = labels.astype(np.int32), given_split.astype(np.uint8)
    used, labels, dropped = _drop_empty_classes(classes, labels)
    if not used:
        raise DataError(_("No image in {path} has a label: put them in one sub-folder per class.").format(path=origin))
    given_split, resolved = resolve_splits(origin, given_split, labels, split_names or {})
    numbers = number_groups(groups) if groups else None
    notices = (*notices, *dropped, *_describe_names(used), *resolved)
    return ImageDataset(name, origin, used, labels, given_split, store, notices, groups=numbers)


def number_groups(groups: Sequence[str]) -> np.ndarray:
    """Return the number of each example's group, int64 (N,): -1 where it is "".

    Examples
    --------
    >>> number_groups(["b", "", "a", "b"]).tolist()
    [1, -1, 0, 1]
    """
    names, numbers = np.unique(np.asarray(groups, dtype=object).astype(str), return_inverse=True)
    return (numbers - int(names[0] == "")).astype(np.int64) if len(names) else np.zeros(0, np.int64)


def _drop_empty_classes(classes: Sequence[str], labels: np.ndarray) -> tuple[tuple[str, ...], np.ndarray, list[Notice]]:
    """Leave out the classes without images and number the others anew."""
    counts = np.bincount(labels[labels >= 0], minlength=len(classes))
    if (counts > 0).all():
        return tuple(classes), np.maximum(labels, UNLABELED), []
    new_index = np.where(counts > 0, np.cumsum(counts > 0) - 1, UNLABELED).astype(np.int32)
    empty = [name for name, count in zip(classes, counts, strict=True) if not count]
    used = tuple(name for name, count in zip(classes, counts, strict=True) if count)
    labels = np.where(labels >= 0, new_index[np.maximum(labels, 0)], UNLABELED).astype(np.int32)
    return used, labels, [Notice("data.empty_classes", {"n": len(empty), "names": abbreviate(empty)})]


def _describe_names(classes: Sequence[str]) -> list[Notice]:
    """Name a class that is the only one, and classes whose names are almost one."""
    similar = [Notice("word.similar_names", {"names": names}) for names in find_similar_names(classes)]
    single = [Notice("data.single_class", {"name": classes[0]})] if len(classes) == 1 else []
    return [*single, Notice("data.similar_classes", {"names": abbreviate(similar)})] if similar else single


def resolve_splits(
    origin: str, given_split: np.ndarray, labels: np.ndarray, split_names: Mapping[str, Split]
) -> tuple[np.ndarray, list[Notice]]:
    """Decide how the given splits are used: uint8 (N,) of `Split`, and notices.

    Unlabeled examples are a split of their own. A single split is none, unless it is ``train`` and unlabeled examples
    stand beside it: the person withholds the labels of a test split. Of two labeled splits the second is the test
    split. What is in no split trains. A `DataError` says where there are splits and none to train on.
    """
    labeled = labels >= 0
    given_split = np.where(labeled, given_split, np.uint8(Split.UNLABELED)).astype(np.uint8)
    splits = {Split(value) for value in np.unique(given_split[labeled]).tolist()}
    if splits == {Split.TRAIN} and not labeled.all():
        return given_split, []
    if len(splits) == 1:  # one split alone says nothing: the test split, too, is cut from it
        return np.where(labeled, np.uint8(Split.NONE), given_split).astype(np.uint8), []
    source_name = {split: split.name.lower() for split in Split} | {split: name for name, split in split_names.items()}
    notices = []
    if Split.NONE in splits:
        given_split[given_split == Split.NONE] = Split.TRAIN
        splits = splits - {Split.NONE} | {Split.TRAIN}
        notices.append(Notice("data.no_split_trains"))
    if Split.TRAIN not in splits:
        message = _("{path} has splits ({names}) but none to train on: name one of them train.")
        raise DataError(message.format(path=origin, names=", ".join(source_name[split] for split in sorted(splits))))
    if splits == {Split.TRAIN, Split.VALIDATION}:
        given_split[given_split == Split.VALIDATION] = Split.TEST
        fields = {"split": source_name[Split.VALIDATION], "train": source_name[Split.TRAIN]}
        notices.append(Notice("data.validation_used_as_test", fields))
    return given_split, notices
