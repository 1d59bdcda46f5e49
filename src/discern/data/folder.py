"""A folder with a sub-folder per class, or with train, validation and test parts that each hold one per class.

A million files are listed in seconds: one `os.scandir` per folder, no question to the file system about a single file.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from discern.data.assemble import assemble, part_named, parts_named, readable, shortened
from discern.data.dataset import UNLABELLED, Dataset, Part
from discern.data.filestore import FileStore
from discern.data.order import natural
from discern.data.picture import PICTURE_SUFFIXES
from discern.errors import DataError
from discern.i18n import _

_NOT_CLASSES = frozenset(("__MACOSX", "@eaDir"))  # what unzipping and network disks leave behind


@dataclass(frozen=True)
class _Listing:
    """What one folder holds, in natural order: sub-folders and names of pictures."""

    folders: list[str]
    pictures: list[str]


@dataclass(frozen=True)
class _Group:
    """Pictures that lie in one folder: names relative to the root, their class ("" for none) and their part."""

    names: list[str]
    label: str
    part: Part


def open_folder(path: str | os.PathLike[str]) -> Dataset:
    """Open a folder of pictures.

    Every file below a class folder that is called like a picture belongs to the class, however deep; hidden files and
    folders are passed over, links are followed. Parts are recognised in any letter case: train or training; val, valid
    or validation; test or testing. A part without class folders is kept aside as unlabelled.

    Parameters
    ----------
    path : str or os.PathLike
        The folder.

    Raises
    ------
    DataError
        When it is missing or may not be read, holds no pictures, or fewer than two classes.

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
    notes: list[str] = []
    parts = _find_parts(str(root), top)
    if parts:
        groups = _part_groups(str(root), parts, notes)
        if any(part == Part.NONE for part in parts.values()):
            left_out = [name for name, part in parts.items() if part == Part.NONE]
            notes.append(_("Beside the parts, these folders are left out: {names}.").format(names=shortened(left_out)))
    else:
        _check_classes(root, top)
        if top.pictures:
            notes.append(
                _("Pictures that lie beside the class folders are left out ({count}).").format(count=len(top.pictures))
            )
        groups = _class_groups(str(root), "", top.folders, Part.NONE)
    return _from_groups(root, groups, parts, notes)


def _from_groups(root: Path, groups: Iterator[_Group], parts: dict[str, Part], notes: list[str]) -> Dataset:
    sizes: list[int] = []
    labels: list[str] = []
    given: list[int] = []

    def names() -> Iterator[list[str]]:
        for group in groups:
            sizes.append(len(group.names))
            labels.append(group.label)
            given.append(group.part)
            yield group.names

    store = FileStore(str(root), names())
    classes = sorted({label for label in labels if label}, key=natural)
    number = {name: place for place, name in enumerate(classes)} | {"": UNLABELLED}
    counts = np.array(sizes, np.int64)
    return assemble(
        origin=str(root),
        name=readable(root.resolve().name) or "data",
        classes=classes,
        labels=np.repeat(np.array([number[label] for label in labels], np.int32), counts),
        given=np.repeat(np.array(given, np.uint8), counts),
        store=store,
        part_names=parts,
        notes=notes,
    )


def _list(root: str, folder: str) -> _Listing:
    """One folder, read without asking about its files one by one."""
    folders, pictures = [], []
    path = os.path.join(root, folder)  # noqa: PTH118 - a million of them
    with _permission(path), os.scandir(path) as entries:
        for entry in entries:
            name = entry.name
            if name.startswith("."):
                continue
            if entry.is_dir():
                if name not in _NOT_CLASSES:
                    folders.append(name)
            elif name[name.rfind(".") :].lower() in PICTURE_SUFFIXES and _is_file(entry):
                pictures.append(name)
    return _Listing(sorted(folders, key=natural), sorted(pictures, key=natural))


@contextmanager
def _permission(path: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise DataError(
            _("{path} may not be read ({reason}): choose another folder, or change its permissions.").format(
                path=path, reason=error.strerror or error
            )
        ) from error


def _is_file(entry: os.DirEntry[str]) -> bool:
    """Whether to take it: files, and links that lead nowhere (the audit names them); not pipes, which would block."""
    return entry.is_file() or (entry.is_symlink() and not os.path.exists(entry.path))  # noqa: PTH110


def _walk(root: str, folder: str, above: frozenset[tuple[int, int]] = frozenset()) -> Iterator[list[str]]:
    """Names, relative to ``root``, of the pictures in ``folder`` and below, folder by folder."""
    path = os.path.join(root, folder)  # noqa: PTH118
    with _permission(path):
        found = os.stat(path)  # noqa: PTH116
    here = (found.st_dev, found.st_ino)
    if here in above:  # a link back to a folder that we are in
        return
    listing = _list(root, folder)
    if listing.pictures:
        yield [f"{folder}/{name}" for name in listing.pictures]
    for name in listing.folders:
        yield from _walk(root, f"{folder}/{name}", above | {here})


def _class_groups(root: str, within: str, folders: list[str], part: Part) -> Iterator[_Group]:
    for folder in folders:
        for names in _walk(root, within + folder):
            yield _Group(names, readable(folder), part)


def _find_parts(root: str, top: _Listing) -> dict[str, Part]:
    """The folders that are parts, or nothing: "train" among cars and buses is a class, and has no folders within."""
    parts = parts_named(top.folders)
    official = len(parts) > 1 and all(part_named(name) != Part.NONE for name in parts)
    if Part.TRAIN not in parts.values():
        return parts if official else {}
    strangers = Part.NONE in parts.values()
    held_out = any(part not in (Part.NONE, Part.TRAIN) for part in parts.values())
    classes_within = any(_list(root, name).folders for name, part in parts.items() if part == Part.TRAIN)
    if classes_within and (held_out or not strangers):
        return parts
    if official:
        raise DataError(
            _("The train part of {path} has no class folders: put its pictures in one sub-folder per class.").format(
                path=root
            )
        )
    return {}


def _part_groups(root: str, parts: dict[str, Part], notes: list[str]) -> Iterator[_Group]:
    listings = {name: _list(root, name) for name, part in parts.items() if part != Part.NONE}
    learnt = {folder for name, listing in listings.items() if parts[name] == Part.TRAIN for folder in listing.folders}
    for name, listing in listings.items():
        part = parts[name]
        if part == Part.TRAIN or not learnt or learnt.intersection(listing.folders):
            yield from _class_groups(root, f"{name}/", listing.folders, part)
            if not listing.pictures:
                continue
            loose = [[f"{name}/{picture}" for picture in listing.pictures]]
        else:
            loose = list(_walk(root, name))
        count = sum(len(names) for names in loose)
        if count:
            notes.append(
                _("Pictures in '{part}' that lie in no class folder are kept aside as unlabelled ({count}).").format(
                    count=count, part=name
                )
            )
        for names in loose:
            yield _Group(names, "", Part.ASIDE)


def _check_classes(root: Path, top: _Listing) -> None:
    if not top.folders and top.pictures:
        raise DataError(_("{path} holds loose pictures: put them in one sub-folder per class.").format(path=root))
    if len(top.folders) == 1:
        inner = _list(str(root), top.folders[0])
        if len(inner.folders) > 1:
            raise DataError(
                _("{path} has one sub-folder only: if the classes are inside it, give {inner} instead.").format(
                    path=root, inner=root / top.folders[0]
                )
            )
