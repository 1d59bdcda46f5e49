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
)
from discern.data.dataset import Dataset, ImageDataset, RowStore, Split
from discern.data.file_store import FileStore
from discern.data.image_paths import (
    compare_with_folders,
    find_files,
    join_paths,
    list_nearby,
    most_exist,
    number_repeats,
)
from discern.data.names import abbreviate, dataset_name, split_from_name
from discern.data.table_file import TABLE_SUFFIXES, Cells, read_cells
from discern.data.tabular import build_table_dataset, is_numeric, select_columns
from discern.errors import ConfigError, DataError
from discern.i18n import _
from discern.notices import Notice

_N_TRIED = 50  # rows whose files tell what a column means


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
    found = [name for name in named if most_exist(table.parent, join_paths(table, cells, name)[0])]
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
    files = {path.rpartition("/")[2].rpartition(".")[0]: path for path in list_nearby(table.parent)}
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
    root, rows.names, notices = find_files(table, rows.names)
    rows.notices += notices
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
    names, parts = join_paths(table, cells, image)
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
