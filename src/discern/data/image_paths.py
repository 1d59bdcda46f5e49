"""The files that the rows of a table name: paths put together, written by other machines, repeated or missing."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path

from discern.data.columns import find_named, names_images
from discern.data.image import is_image_name
from discern.data.locate import locate_images
from discern.data.names import normalize_name, split_from_name
from discern.data.table_file import Cells
from discern.errors import DataError
from discern.i18n import _
from discern.notices import Notice

_N_TRIED = 50  # rows whose files tell what a column means and which folder its paths begin in


def most_exist(root: Path, column: Sequence[str]) -> bool:
    filled = [cell for cell in column if cell and "\0" not in cell][:_N_TRIED]
    return bool(filled) and 2 * sum((root / cell).is_file() for cell in filled) > len(filled)


def list_nearby(root: Path, max_depth: int = 3, max_folders: int = 1000) -> Iterator[str]:
    """Yield the paths of images in ``root`` and up to ``max_depth`` folders below, relative to it.

    A table of numbers may lie in a home folder: of more than ``max_folders`` folders the deepest are left out.
    """
    folders = [""]
    for depth in range(max_depth + 1):
        below: list[str] = []
        for folder in folders:
            try:
                entries = list(os.scandir(root / folder))
            except OSError:
                continue
            below += [f"{folder}{entry.name}/" for entry in entries if entry.is_dir() and entry.name[0] != "."]
            yield from (folder + entry.name for entry in entries if is_image_name(entry.name))
        max_folders -= len(folders)
        folders = below[: max(0, max_folders)] if depth < max_depth else []


def join_paths(table: Path, cells: Cells, image: str) -> tuple[list[str], list[str]]:
    """Return the path of each row, from the columns of folder, name and ending; and which columns these are."""
    names, used = list(cells[image]), [image]
    for row, name in enumerate(names, start=1):
        if not name or "\0" in name:
            message = _("{path} names no image in row {row}: fill in its path.")
            raise DataError(message.format(path=table, row=row))
    others = [name for name in cells if name != image]
    endings = find_named("ending", others)
    if len(endings) == 1 and not names_images(names):
        joined = [f"{name}.{ending.lstrip('.')}" for name, ending in zip(names, cells[endings[0]], strict=True)]
        if names_images(joined):
            names, used = joined, [*used, endings[0]]
    folders = find_named("folder", others)
    if len(folders) == 1 and not most_exist(table.parent, names):
        joined = [os.path.join(folder, name) for folder, name in zip(cells[folders[0]], names, strict=True)]  # noqa: PTH118
        if most_exist(table.parent, joined):
            names, used = joined, [*used, folders[0]]
    return names, used


def find_files(table: Path, names: Sequence[str]) -> tuple[Path, list[str], list[Notice]]:
    """Return the folder that the paths of a table are relative to, the path of each file, and what was assumed.

    What does not exist as it is written is found by its file name below the folder, whatever the case of its letters;
    what is not found keeps its name. A `DataError` says where a name could mean two files, or none exists.
    """
    names = list(names)
    root = next(
        (base for base in (table.parent, table.parent / "..", Path()) if _any_exists(base, names)), table.parent
    )
    notices = []
    if root != table.parent:
        root = root.resolve()
        notices.append(Notice("data.paths_relative_to", {"table": table.name, "folder": str(root)}))
    n_backslashes = sum("\\" in name for name in names)
    if n_backslashes:
        notices.append(Notice("data.backslashes", {"table": table.name, "n": n_backslashes}))
    has_endings = names_images(names) or most_exist(root, names)
    folder = "" if _any_exists(root, names) else _folder_of(table)
    absent, n_respelled = _find_absent(root, names) if has_endings else (list(range(len(names))), 0)
    missing = [names[row] for row in absent]
    for within in dict.fromkeys((folder, "")):
        found, n_elsewhere = locate_images(root, missing, within, has_endings) if missing else ([], 0)
        if len(found) < len(names) or any(os.path.exists(os.path.join(root, name)) for name in found):  # noqa: PTH110, PTH118
            break
    else:
        message = _("None of the images that {path} lists exists ({name}, …): write paths relative to its folder.")
        raise DataError(message.format(path=table, name=names[0]))
    for row, name in zip(absent, found, strict=True):
        names[row] = name
    if n_elsewhere + n_respelled:
        fields = {"n": n_elsewhere + n_respelled, "folder": str(root)}
        notices.append(Notice("data.images_found_by_name", fields))
    return root, names, notices


def _find_absent(root: Path, names: list[str]) -> tuple[list[int], int]:
    """Return the positions of names that no file has; each folder is listed once, instead of a question a file.

    A name that one file has but for the case of its letters becomes that file's; returned second is how many do.
    """
    folders = [name.rpartition("/")[0] for name in names]
    listed: dict[str, set[str]] = {}
    for folder in dict.fromkeys(folders):
        try:
            listed[folder] = set(os.listdir(root / folder))  # noqa: PTH208 - names of a million files, not paths
        except (OSError, ValueError):
            listed[folder] = set()
    absent, n_respelled = [], 0
    spelled: dict[str, dict[str, list[str]]] = {}
    for row, (folder, path) in enumerate(zip(folders, names, strict=True)):
        name = path.rpartition("/")[2]
        if name in listed[folder]:
            continue
        if folder not in spelled:
            spelled[folder] = defaultdict(list)
            for file in listed[folder]:
                spelled[folder][file.casefold()].append(file)
        alike = spelled[folder].get(name.casefold(), ())
        if len(alike) == 1:
            names[row] = path[: len(path) - len(name)] + alike[0]
            n_respelled += 1
        else:
            absent.append(row)
    return absent, n_respelled


def _folder_of(table: Path) -> str:
    """Return the folder beside ``train.csv`` that is called train, or so; "" where there is none, or two."""
    split = split_from_name(table.stem)
    beside = [folder.name for folder in table.parent.iterdir() if folder.is_dir()]
    alike = [name for name in beside if name == table.stem or (split and split_from_name(name) == split)]
    return alike[0] if len(alike) == 1 else ""


def _any_exists(root: Path, names: Sequence[str]) -> bool:
    return any((root / name.replace("\\", "/")).is_file() for name in names[:_N_TRIED])


def number_repeats(names: Sequence[str]) -> dict[int, str]:
    """Return names for the rows that list an image again, by position, so that each row has its own.

    Examples
    --------
    >>> number_repeats(["a.jpg", "b.jpg", "a.jpg"])
    {2: 'a.jpg#2'}
    """
    used, repeats = set(names), {}
    if len(used) == len(names):
        return {}
    first: dict[str, int] = {}
    for row, name in enumerate(names):
        number = first[name] = first.get(name, 0) + 1
        if number > 1:
            while f"{name}#{number}" in used:
                number += 1
            repeats[row] = f"{name}#{number}"
            used.add(repeats[row])
    return repeats


def compare_with_folders(table: str, names: Sequence[str], labels: Sequence[str]) -> list[Notice]:
    """Say where images lie in the folder of another class than ``table`` gives them: the table wins.

    Examples
    --------
    >>> [notice] = compare_with_folders("t.csv", ["ant/1.jpg", "ant/2.jpg"], ["bee", "ant"])
    >>> notice.text()
    't.csv says otherwise than the class folders for 1 images and wins (ant/1.jpg is bee in it).'
    """
    known = set(labels)
    folders = [name.rpartition("/")[0] for name in names]
    parents = {folder: normalize_name(folder.rpartition("/")[2]) for folder in dict.fromkeys(folders)}
    parents = {folder: parent for folder, parent in parents.items() if parent in known}
    other = [row for row, folder in enumerate(folders) if labels[row] not in ("", parents.get(folder, labels[row]))]
    fields = {"table": table, "n": len(other), "name": names[other[0]], "label": labels[other[0]]} if other else {}
    return [Notice("data.labels_over_folders", fields)] if other else []
