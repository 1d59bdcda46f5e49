"""A folder with a sub-folder per class, or with train, validation and test folders that each hold one per class.

A million files are listed in seconds: one `os.scandir` per folder, no question to the file system about a single file.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import numpy as np

from discern.data.build import build_dataset, number_classes
from discern.data.dataset import ImageDataset, Split
from discern.data.file_store import FileStore
from discern.data.image import IMAGE_SUFFIXES
from discern.data.names import abbreviate, natural_key, normalize_name, split_from_name, splits_from_names
from discern.errors import DataError
from discern.i18n import _
from discern.notices import Notice

_NOT_CLASSES = frozenset(("__MACOSX", "@eaDir"))  # what unzipping and network disks leave behind


class _Listing(NamedTuple):
    """What one folder holds, in natural order: sub-folders and names of images."""

    folders: list[str]
    images: list[str]


class _Group(NamedTuple):
    """Images that lie in one folder: names relative to the root, their class ("" for none) and their split."""

    names: list[str]
    label: str
    split: Split


def open_folder(path: str | os.PathLike[str]) -> ImageDataset:
    """Open a folder of images.

    Every file below a class folder that is named like an image belongs to the class, however deep; hidden files and
    folders are ignored, links are followed. Splits are recognized in any letter case: train or training; val, valid or
    validation; test or testing. Images of a split without class folders are unlabeled. A `DataError` says where the
    folder is missing or not readable, holds no images, or fewer than two classes.

    Examples
    --------
    >>> import tempfile
    >>> root = Path(tempfile.mkdtemp())
    >>> for name in ("10", "9"):
    ...     (root / name).mkdir()
    ...     (root / name / "a.jpg").touch()
    >>> data = open_folder(root)
    >>> data.classes, data.labels.tolist(), data.store.path(0)
    (('9', '10'), [0, 1], '9/a.jpg')
    """
    root = Path(path)
    if not root.is_dir():
        raise DataError(_("There is no folder {path}: check its name.").format(path=root))
    top = _list(str(root), "")
    notices: list[Notice] = []
    splits = _find_splits(str(root), top)
    if splits:
        groups = _list_splits(str(root), splits, notices)
        left_out = [name for name, split in splits.items() if split == Split.NONE]
        if left_out:
            notices.append(Notice("data.folders_left_out", {"names": abbreviate(left_out)}))
    else:
        _require_class_folders(root, top)
        if top.images:
            notices.append(Notice("data.loose_images_left_out", {"n": len(top.images)}))
        groups = _list_classes(str(root), "", top.folders, Split.NONE)
    return _from_groups(root, groups, splits, notices)


def _from_groups(root: Path, groups: Iterator[_Group], splits: dict[str, Split], notices: list[Notice]) -> ImageDataset:
    sizes: list[int] = []
    labels: list[str] = []
    given_split: list[int] = []

    def names() -> Iterator[list[str]]:
        for group in groups:
            sizes.append(len(group.names))
            labels.append(group.label)
            given_split.append(group.split)
            yield group.names

    store = FileStore(str(root), names())
    classes, numbers = number_classes(str(root), labels)
    counts = np.array(sizes, np.int64)
    return build_dataset(
        origin=str(root),
        name=normalize_name(root.resolve().name) or "data",
        classes=classes,
        labels=np.repeat(numbers, counts),
        given_split=np.repeat(np.array(given_split, np.uint8), counts),
        store=store,
        split_names=splits,
        notices=notices,
    )


def _list(root: str, folder: str) -> _Listing:
    """List one folder without asking about its files one by one."""
    folders, images = [], []
    path = os.path.join(root, folder)  # noqa: PTH118 - a million of them
    with _readable(path), os.scandir(path) as entries:
        for entry in entries:
            name = entry.name
            if name.startswith("."):
                continue
            if entry.is_dir():
                if name not in _NOT_CLASSES:
                    folders.append(name)
            elif name[name.rfind(".") :].lower() in IMAGE_SUFFIXES and _is_file(entry):
                images.append(name)
    return _Listing(sorted(folders, key=natural_key), sorted(images, key=natural_key))


@contextmanager
def _readable(path: str) -> Iterator[None]:
    """Turn the operating system's refusal to read into a `DataError`."""
    try:
        yield
    except OSError as error:
        message = _("{path} is not readable ({reason}): choose another folder, or change its permissions.")
        raise DataError(message.format(path=path, reason=error.strerror or error)) from error


def _is_file(entry: os.DirEntry[str]) -> bool:
    """Return whether to take it: files and broken links (the audit names them); not pipes, which would block."""
    return entry.is_file() or (entry.is_symlink() and not os.path.exists(entry.path))  # noqa: PTH110


def _walk(root: str, folder: str, above: frozenset[tuple[int, int]] = frozenset()) -> Iterator[list[str]]:
    """Yield the names, relative to ``root``, of the images in ``folder`` and below, folder by folder."""
    path = os.path.join(root, folder)  # noqa: PTH118
    with _readable(path):
        status = os.stat(path)  # noqa: PTH116
    here = (status.st_dev, status.st_ino)
    if here in above:  # a link back to a folder that we are in
        return
    listing = _list(root, folder)
    if listing.images:
        yield [f"{folder}/{name}" for name in listing.images]
    for name in listing.folders:
        yield from _walk(root, f"{folder}/{name}", above | {here})


def _list_classes(root: str, within: str, folders: list[str], split: Split) -> Iterator[_Group]:
    for folder in folders:
        for names in _walk(root, within + folder):
            yield _Group(names, normalize_name(folder), split)


def _find_splits(root: str, top: _Listing) -> dict[str, Split]:
    """Return the folders that are splits, or nothing: "train" among cars and buses is a class, without sub-folders."""
    splits = splits_from_names(top.folders)
    official = len(splits) > 1 and all(split_from_name(name) != Split.NONE for name in splits)
    if Split.TRAIN not in splits.values():
        return splits if official else {}
    has_others = Split.NONE in splits.values()
    has_held_out = any(split not in (Split.NONE, Split.TRAIN) for split in splits.values())
    has_classes = any(_list(root, name).folders for name, split in splits.items() if split == Split.TRAIN)
    if has_classes and (has_held_out or not has_others):
        return splits
    if official:
        message = _("The train split of {path} has no class folders: put its images in one sub-folder per class.")
        raise DataError(message.format(path=root))
    return {}


def _list_splits(root: str, splits: dict[str, Split], notices: list[Notice]) -> Iterator[_Group]:
    """Yield the images of every split; where folders of a split are none of the training classes, without labels."""
    listings = {name: _list(root, name) for name, split in splits.items() if split != Split.NONE}
    trained = {
        folder for name, listing in listings.items() if splits[name] == Split.TRAIN for folder in listing.folders
    }
    for name, listing in listings.items():
        split = splits[name]
        if split == Split.TRAIN or not trained or trained.intersection(listing.folders):
            yield from _list_classes(root, f"{name}/", listing.folders, split)
            if not listing.images:
                continue
            loose = [[f"{name}/{image}" for image in listing.images]]
        else:
            loose = list(_walk(root, name))
        count = sum(len(names) for names in loose)
        if count:
            notices.append(Notice("data.loose_images_unlabeled", {"n": count, "folder": name}))
        for names in loose:
            yield _Group(names, "", Split.UNLABELED)


def _require_class_folders(root: Path, top: _Listing) -> None:
    if not top.folders and top.images:
        message = _("{path} has images outside class folders: put them in one sub-folder per class.")
        raise DataError(message.format(path=root))
    if len(top.folders) == 1:
        inner = _list(str(root), top.folders[0])
        if len(inner.folders) > 1:
            message = _("{path} has only one sub-folder: if the classes are inside it, use {inner} instead.")
            raise DataError(message.format(path=root, inner=root / top.folders[0]))
