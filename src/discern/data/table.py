"""A table that lists pictures, with the columns path, label and, if wanted, split; or a table of numbers."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from discern.data.assemble import assemble, parts_named, readable, shortened, table_name
from discern.data.cells import TABLE_SUFFIXES, Cells, read_cells
from discern.data.dataset import UNLABELLED, Dataset, Part
from discern.data.filestore import FileStore
from discern.data.order import natural
from discern.data.picture import is_picture_name
from discern.data.rows import ANY, Question, RowStore, open_rows, rows_of
from discern.errors import DataError
from discern.i18n import _


def open_table(path: str | os.PathLike[str], question: Question = ANY) -> Dataset:
    """Open a table: of pictures where its rows name some, else of numbers (`discern.data.rows.open_rows`).

    Paths are relative to the table's folder. A row without a label is kept aside as unlabelled; a row whose picture is
    missing is kept, and the audit names it.

    Raises
    ------
    DataError
        When it cannot be read, lacks a column, lists nothing, or none of its pictures is there.

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
    held = read_cells(table)
    if not _names_pictures(held):
        return open_rows(table, held, question)
    names, labels, splits = _columns(table, held)
    parts = parts_named(dict.fromkeys(split for split in splits if split))
    notes = []
    left_out = {split for split, part in parts.items() if part == Part.NONE}
    if left_out:
        notes.append(
            _("Rows whose split is none of train, validation, test are left out: {names}.").format(
                names=shortened(sorted(left_out))
            )
        )
        rows = [row for row, split in enumerate(splits) if split not in left_out]
        names, labels, splits = ([column[row] for row in rows] for column in (names, labels, splits))
    store = FileStore(str(table.parent), [names])
    if not names:
        raise DataError(_("{path} lists no pictures: write one row for each.").format(path=table))
    if not any(os.path.exists(store.file(row)) for row in range(len(store))):  # noqa: PTH110
        raise DataError(
            _("No picture that {path} lists is there ({name}, …): write paths relative to its folder.").format(
                path=table, name=names[0]
            )
        )
    classes = sorted({label for label in labels if label}, key=natural)
    number = {label: place for place, label in enumerate(classes)} | {"": UNLABELLED}
    return assemble(
        origin=str(table),
        name=table_name(table),
        classes=classes,
        labels=np.array([number[label] for label in labels], np.int32),
        given=np.array([parts.get(split, Part.NONE) for split in splits], np.uint8),
        store=store,
        part_names=parts,
        notes=notes,
    )


def read_rows(table: Path, columns: Sequence[str]) -> RowStore:
    """Some columns of a table of numbers, whatever else is in it.

    Raises
    ------
    DataError
        When it is no table, lacks a column, or a number is none.
    """
    if table.suffix.lower() not in TABLE_SUFFIXES:
        sentence = _("{path} is no table ({suffixes}), and the model reads rows with the columns {columns}.")
        suffixes = ", ".join(TABLE_SUFFIXES)
        raise DataError(sentence.format(path=table, suffixes=suffixes, columns=", ".join(columns)))
    held = read_cells(table)
    if not held:
        raise DataError(_("{path} has no rows.").format(path=table))
    return rows_of(table, held, columns)


def _names_pictures(held: Cells) -> bool:
    """By content: whether the rows name pictures, or there are no rows."""
    if not held or not next(iter(held.values())):
        return True
    starts = {name.lower(): next((cell for cell in cells if cell), "") for name, cells in held.items()}
    if {"path", "label"} <= starts.keys():
        return not starts["path"].replace(".", "").isdigit()
    return any(is_picture_name(cell) for cell in starts.values())


def _columns(table: Path, held: Cells) -> tuple[list[str], list[str], list[str]]:
    """Paths, labels and splits as text, "" where there is nothing."""
    lowered = {name.lower(): cells for name, cells in held.items()}
    rows = len(next(iter(held.values()), []))
    if rows and not {"path", "label"} <= lowered.keys():
        raise DataError(
            _("{path} needs the columns path and label, and has {names}: rename its columns.").format(
                path=table, names=", ".join(lowered)
            )
        )
    names = lowered.get("path", [])
    for row, name in enumerate(names, start=1):
        if not name or "\0" in name:
            raise DataError(
                _("{path} names no picture in row {row}: fill in its path, or delete the row.").format(
                    path=table, row=row
                )
            )
    labels = [readable(label) for label in lowered.get("label", [])]
    return names, labels, lowered.get("split", [""] * rows)
