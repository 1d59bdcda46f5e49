"""A table that lists images, with the columns path, label and, if wanted, split; or a table of numbers."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from discern.data.build import build_dataset, number_classes
from discern.data.columns import AUTO, ColumnSpec
from discern.data.dataset import Dataset, RowStore, Split
from discern.data.file_store import FileStore
from discern.data.image import is_image_name
from discern.data.names import abbreviate, dataset_name, normalize_name, splits_from_names
from discern.data.table_file import TABLE_SUFFIXES, Cells, read_cells
from discern.data.tabular import build_table_dataset, select_columns
from discern.errors import DataError
from discern.i18n import _
from discern.notices import Notice


def open_table(path: str | os.PathLike[str], column_spec: ColumnSpec = AUTO) -> Dataset:
    """Open a table: of images where its rows name some, else of numbers (`discern.data.tabular.build_table_dataset`).

    Paths are relative to the table's folder. A row without a label is unlabeled; a row whose image is missing stays,
    and the audit lists it. A `DataError` says where the table is not readable, lacks a column, lists nothing, or none
    of its images exists.

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
    cells = read_cells(table)
    if not _lists_images(cells):
        return build_table_dataset(table, cells, column_spec)
    names, labels, split_cells = _read_columns(table, cells)
    splits = splits_from_names(dict.fromkeys(cell for cell in split_cells if cell))
    notices = []
    left_out = {name for name, split in splits.items() if split == Split.NONE}
    if left_out:
        notices.append(Notice("data.rows_left_out", {"names": abbreviate(sorted(left_out))}))
        rows = [row for row, cell in enumerate(split_cells) if cell not in left_out]
        names, labels, split_cells = ([column[row] for row in rows] for column in (names, labels, split_cells))
    store = FileStore(str(table.parent), [names])
    if not names:
        raise DataError(_("{path} lists no images: write one row for each.").format(path=table))
    if not any(os.path.exists(store.file(row)) for row in range(len(store))):  # noqa: PTH110
        message = _("None of the images that {path} lists exists ({name}, …): write paths relative to its folder.")
        raise DataError(message.format(path=table, name=names[0]))
    classes, numbers = number_classes(str(table), labels)
    return build_dataset(
        origin=str(table),
        name=dataset_name(table),
        classes=classes,
        labels=numbers,
        given_split=np.array([splits.get(cell, Split.NONE) for cell in split_cells], np.uint8),
        store=store,
        split_names=splits,
        notices=notices,
    )


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


def _lists_images(cells: Cells) -> bool:
    """Return, by content, whether the rows name images, or there are no rows."""
    if not cells or not next(iter(cells.values())):
        return True
    examples = {name.lower(): next((cell for cell in column if cell), "") for name, column in cells.items()}
    if {"path", "label"} <= examples.keys():
        return not examples["path"].replace(".", "").isdigit()
    return any(is_image_name(cell) for cell in examples.values())


def _read_columns(table: Path, cells: Cells) -> tuple[list[str], list[str], list[str]]:
    """Return paths, labels and splits as text, "" where there is nothing."""
    columns = {name.lower(): column for name, column in cells.items()}
    n_rows = len(next(iter(cells.values()), []))
    if n_rows and not {"path", "label"} <= columns.keys():
        message = _("{path} needs the columns path and label, and has {names}: rename its columns.")
        raise DataError(message.format(path=table, names=", ".join(columns)))
    names = columns.get("path", [])
    for row, name in enumerate(names, start=1):
        if not name or "\0" in name:
            message = _("{path} names no image in row {row}: fill in its path, or delete the row.")
            raise DataError(message.format(path=table, row=row))
    labels = [normalize_name(label) for label in columns.get("label", [])]
    return names, labels, columns.get("split", [""] * n_rows)
