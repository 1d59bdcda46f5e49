"""A table that lists images: which column is what, where the files are, and the data set of these."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from discern.data.build import build_dataset, number_classes
from discern.data.cell_values import read_groups, read_labels, read_one_hot, read_splits
from discern.data.columns import (
    AUTO,
    ColumnSpec,
    Roles,
    choose_image,
    choose_roles,
    find_named,
    is_flag,
    names_images,
)
from discern.data.dataset import Dataset, ImageDataset, RowStore, Split
from discern.data.file_store import FileStore
from discern.data.locate import locate_images, walk_images
from discern.data.names import abbreviate, dataset_name, normalize_name, split_from_name
from discern.data.table_file import TABLE_SUFFIXES, Cells, read_cells
from discern.data.tabular import build_table_dataset, is_numeric, select_columns
from discern.errors import ConfigError, DataError
from discern.i18n import _
from discern.notices import Notice

_N_TRIED = 50  # rows whose files tell what a column means and which folder its paths begin in


def open_table(path: str | os.PathLike[str], column_spec: ColumnSpec = AUTO) -> Dataset:
    """Open a table: of images where its rows name some, else of numbers (`discern.data.tabular.build_table_dataset`).

    Columns are found by their names, in any spelling, or as ``column_spec`` says (`discern.data.columns`); paths are
    relative to the table's folder, and what is not there is looked for by its file name below it. A row without a label
    is unlabeled; a row whose image is missing stays, and the audit lists it. A `ConfigError` lists the columns where
    several could be meant; a `DataError` says where the table is not readable, lists nothing, or none of its images
    exists.

    Examples
    --------
    >>> import tempfile
    >>> table = Path(tempfile.mkdtemp()) / "fruit.csv"
    >>> count = table.write_text("path,label\\na.jpg,apple\\nb.jpg,banana\\n")
    >>> for name in ("a.jpg", "b.jpg"):
    ...     table.with_name(name).touch()
    >>> open_table(table).classes
    ('apple', 'banana')
    """
    table = Path(path)
    return open_cells(table, read_cells(table), column_spec)


def open_cells(table: Path, cells: Cells, column_spec: ColumnSpec = AUTO) -> Dataset:
    """Open the table whose file holds ``cells``, as `open_table` does."""
    if not cells or not next(iter(cells.values())):
        raise DataError(_("{path} lists no images: write one row for each.").format(path=table))
    image = _find_image_column(table, cells, column_spec)
    if not image:
        return build_table_dataset(table, cells, column_spec)
    return _open_images(table, cells, image, column_spec)


def read_rows(table: Path, columns: Sequence[str]) -> RowStore:
    """Read some columns of a table of numbers, whatever else is in it.

    A `DataError` says where it is no table, lacks a column, or a number is invalid.
    """
    if table.suffix.lower() not in TABLE_SUFFIXES:
        message = _("{path} is not a table ({suffixes}), and the model reads rows with the columns {columns}.")
        raise DataError(message.format(path=table, suffixes=", ".join(TABLE_SUFFIXES), columns=", ".join(columns)))
    cells = read_cells(table)
    if not cells:
        raise DataError(_("{path} has no rows.").format(path=table))
    return select_columns(table, cells, columns)


def _find_image_column(table: Path, cells: Cells, spec: ColumnSpec) -> str:
    """Return the column that names images, by its values, else because such files are there; "" for numbers."""
    column = choose_image(str(table), cells, spec)
    if column or spec.target or spec.task != "auto" or spec.columns:
        return column
    named = find_named("image", list(cells))
    found = [name for name in named if _exist(table.parent, _join_paths(table, cells, name)[0])]
    if found:
        return choose_image(str(table), {name: ["x.jpg"] for name in found}, spec)
    _ask_about_stems(table, cells, named)
    # Words that name no file here, and nothing beside them that could be measured: the images are missing.
    words = [name for name in named if not (any(cells[name]) and is_numeric(cells[name]))]
    others = [name for name in cells if name not in words]
    measured = [name for name in others if is_numeric(cells[name]) and not is_flag(cells[name])]
    measured = [name for name in measured if name not in find_named("label", others)]
    return words[0] if len(words) == 1 and others and not measured else ""


def _ask_about_stems(table: Path, cells: Cells, named: Sequence[str]) -> None:
    """Raise a `ConfigError` where cells are the names of images without their endings: that may be chance."""
    candidates = named or [name for name, column in cells.items() if len(set(column)) == len(column)]
    if not named and all(is_numeric(cells[name]) for name in candidates):
        return
    files = {path.rpartition("/")[2].rpartition(".")[0]: path for path in walk_images(table.parent)}
    for name in candidates if files else ():
        filled = [cell for cell in cells[name] if cell][:_N_TRIED]
        matches = [cell for cell in filled if cell in files]
        if matches and 2 * len(matches) > len(filled):
            message = _(
                "{path}: {column} could name images without their endings ({name} for {file}); confirm with --image "
                "{column}, or choose what to learn of a table of numbers with --target COLUMN."
            )
            fields = {"path": table, "column": name, "name": matches[0], "file": files[matches[0]]}
            raise ConfigError(message.format(**fields))


def _exist(root: Path, column: Sequence[str]) -> bool:
    filled = [cell for cell in column if cell and "\0" not in cell][:_N_TRIED]
    return bool(filled) and 2 * sum((root / cell).is_file() for cell in filled) > len(filled)


@dataclass
class _Rows:
    """The rows that are read, column by column: names of files, labels, cells of the split, groups; and notices."""

    names: list[str]
    labels: list[str]
    split_cells: list[str]
    groups: list[str] = field(default_factory=list)
    notices: list[Notice] = field(default_factory=list)

    def select(self, rows: Sequence[int]) -> None:
        """Keep some rows."""
        for name in ("names", "labels", "split_cells", "groups"):
            column = getattr(self, name)
            setattr(self, name, [column[row] for row in rows] if column else [])


def _open_images(table: Path, cells: Cells, image: str, spec: ColumnSpec) -> ImageDataset:
    origin = str(table)
    rows, splits = _read_columns(table, cells, image, spec)
    left_out = {name for name, split in splits.items() if split == Split.NONE}
    if left_out:
        rows.notices.append(Notice("data.rows_left_out", {"names": abbreviate(sorted(left_out))}))
        rows.select([row for row, cell in enumerate(rows.split_cells) if cell not in left_out])
    if not rows.names:
        raise DataError(_("{path} lists no images: write one row for each.").format(path=table))
    root = _locate(table, rows)
    classes, numbers = number_classes(origin, rows.labels)
    rows.notices += compare_with_folders(table.name, rows.names, rows.labels)
    return build_dataset(
        origin=origin,
        name=dataset_name(table),
        classes=classes,
        labels=numbers,
        given_split=np.array([splits.get(cell, Split.NONE) for cell in rows.split_cells], np.uint8),
        store=FileStore(str(root), [rows.names], number_repeats(rows.names)),
        split_names={name: split for name, split in splits.items() if name.isalpha() and split_from_name(name)},
        notices=rows.notices,
        groups=rows.groups,
    )


def _read_columns(table: Path, cells: Cells, image: str, spec: ColumnSpec) -> tuple[_Rows, dict[str, Split]]:
    """Choose the columns and read their cells."""
    origin = str(table)
    names, parts = _join_paths(table, cells, image)
    roles = choose_roles(origin, cells, spec, parts)
    notices = note_columns(table.name, cells, image, roles, [*parts, *roles.used], spec)
    if roles.labels.one_hot:
        labels = read_one_hot(origin, cells, roles.labels.one_hot)
    else:
        labels = read_labels(origin, cells[roles.labels.column])
    split_cells, splits = [""] * len(names), dict[str, Split]()
    if roles.split:
        split_cells = cells[roles.split]
        splits, noted = read_splits(roles.split, split_cells, bool(spec.split))
        notices += noted
    groups: list[str] = []
    if roles.group:
        groups, noted = read_groups(roles.group, cells[roles.group], labels)
        notices += noted
    return _Rows(names, labels, split_cells, groups, notices), splits


def _join_paths(table: Path, cells: Cells, image: str) -> tuple[list[str], list[str]]:
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
    if len(folders) == 1 and not _exist(table.parent, names):
        joined = [os.path.join(folder, name) for folder, name in zip(cells[folders[0]], names, strict=True)]  # noqa: PTH118
        if _exist(table.parent, joined):
            names, used = joined, [*used, folders[0]]
    return names, used


def _locate(table: Path, rows: _Rows) -> Path:
    """Make the names those of files, as far as they exist; return the folder that they are relative to."""
    root = next(
        (base for base in (table.parent, table.parent / "..", Path()) if _any_exists(base, rows.names)), table.parent
    )
    if root != table.parent:
        root = root.resolve()
        rows.notices.append(Notice("data.paths_relative_to", {"table": table.name, "folder": str(root)}))
    n_backslashes = sum("\\" in name for name in rows.names)
    if n_backslashes:
        rows.notices.append(Notice("data.backslashes", {"table": table.name, "n": n_backslashes}))
    has_endings = names_images(rows.names) or _exist(root, rows.names)
    folder = "" if _any_exists(root, rows.names) else _folder_of(table)
    absent = _find_absent(root, rows.names) if has_endings else list(range(len(rows.names)))
    missing = [rows.names[row] for row in absent]
    for within in dict.fromkeys((folder, "")):
        found, n_elsewhere = locate_images(root, missing, within, has_endings) if missing else ([], 0)
        if len(found) < len(rows.names) or any(os.path.exists(os.path.join(root, name)) for name in found):  # noqa: PTH110, PTH118
            break
    else:
        message = _("None of the images that {path} lists exists ({name}, …): write paths relative to its folder.")
        raise DataError(message.format(path=table, name=rows.names[0]))
    for row, name in zip(absent, found, strict=True):
        rows.names[row] = name
    if n_elsewhere:
        rows.notices.append(Notice("data.images_found_by_name", {"n": n_elsewhere, "folder": str(root)}))
    return root


def _find_absent(root: Path, names: Sequence[str]) -> list[int]:
    """Return the positions of names that no file has; each folder is listed once, instead of a question a file."""
    folders = [name.rpartition("/")[0] for name in names]
    listed: dict[str, set[str]] = {}
    for folder in dict.fromkeys(folders):
        try:
            listed[folder] = set(os.listdir(root / folder))  # noqa: PTH208 - names of a million files, not paths
        except (OSError, ValueError):
            listed[folder] = set()
    return [
        row
        for row, (folder, name) in enumerate(zip(folders, names, strict=True))
        if name.rpartition("/")[2] not in listed[folder]
    ]


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


def note_columns(
    name: str, columns: Iterable[str], image: str, roles: Roles, used: Sequence[str], spec: ColumnSpec
) -> list[Notice]:
    """Say which columns of the table called ``name`` were chosen, where that is not plain, and which are not read."""
    notices = []
    label = roles.labels.column
    is_plain = label.casefold() in ("label", "labels", "class") and image in find_named("image", [image, "path"])
    if roles.labels.one_hot:
        notices.append(Notice("data.one_hot", {"table": name, "names": abbreviate(roles.labels.one_hot)}))
    elif not is_plain and not (spec.label and spec.image):
        notices.append(Notice("data.columns_chosen", {"table": name, "image": image, "label": label}))
    unused = [column for column in columns if column not in used and not find_named("row", [column])]
    unused = [column for column in unused if column.casefold() != "id"]
    return [*notices, Notice("data.columns_unread", {"names": abbreviate(unused)})] if unused else notices


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
