"""A table that lists pictures: .csv, .tsv, .json or .jsonl with the columns path, label and, if wanted, split."""

from __future__ import annotations

import csv
import itertools
import json
import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from discern.data.assemble import assemble, part_named, parts_named, readable, shortened
from discern.data.dataset import UNLABELLED, Dataset, Part
from discern.data.filestore import FileStore
from discern.data.order import natural
from discern.errors import DataError
from discern.i18n import _

TABLE_SUFFIXES = (".csv", ".tsv", ".json", ".jsonl")


def open_table(path: str | os.PathLike[str]) -> Dataset:
    """Open a table of pictures.

    Paths are relative to the table's folder. A row without a label is kept aside as unlabelled; a row whose picture is
    missing is kept, and the audit names it. A JSON table is a list of objects, or an object with such a list as
    ``data``.

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
    names, labels, splits = _columns(table)
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
    stem = table.resolve().parent.name if part_named(table.stem) != Part.NONE else table.stem
    return assemble(
        origin=str(table),
        name=readable(stem),
        classes=classes,
        labels=np.array([number[label] for label in labels], np.int32),
        given=np.array([parts.get(split, Part.NONE) for split in splits], np.uint8),
        store=store,
        part_names=parts,
        notes=notes,
    )


def _columns(table: Path) -> tuple[list[str], list[str], list[str]]:
    """Paths, labels and splits as text, "" where there is nothing."""
    names: list[str] = []
    labels: list[str] = []
    splits: list[str] = []
    try:
        for number, row in enumerate(_rows(table), start=1):
            if number == 1 and not {"path", "label"} <= row.keys():
                raise DataError(
                    _("{path} needs the columns path and label, and has {names}: rename its columns.").format(
                        path=table, names=", ".join(map(str, row))
                    )
                )
            name = _text(row.get("path"))
            if not name or "\0" in name:
                raise DataError(
                    _("{path} names no picture in row {row}: fill in its path, or delete the row.").format(
                        path=table, row=number
                    )
                )
            names.append(os.fsdecode(os.fsencode(name)))
            labels.append(readable(_text(row.get("label"))))
            splits.append(_text(row.get("split")))
    except UnicodeDecodeError as error:
        raise DataError(_("{path} is not UTF-8 text: save it as UTF-8.").format(path=table)) from error
    except (csv.Error, ValueError, RecursionError) as error:
        raise DataError(
            _("{path} cannot be read as a table ({reason}): correct it, or save it again.").format(
                path=table, reason=error
            )
        ) from error
    except OSError as error:
        raise DataError(
            _("{path} may not be read ({reason}): check its name and permissions.").format(
                path=table, reason=error.strerror or error
            )
        ) from error
    return names, labels, splits


def _text(value: object) -> str:
    return "" if value is None else str(value).strip()


def _rows(table: Path) -> Iterator[Mapping[str, Any]]:
    suffix = table.suffix.lower()
    with table.open(encoding="utf-8-sig", newline="") as file:
        if suffix in (".csv", ".tsv"):
            reader = csv.reader(file, delimiter="," if suffix == ".csv" else "\t")
            header = [name.strip().lower() for name in next(reader, [])]
            yield from (dict(itertools.zip_longest(header, row[: len(header)])) for row in reader if row)
        elif suffix == ".jsonl":
            yield from _objects(json.loads(line) for line in file if line.strip())
        else:
            found = json.load(file)
            rows = found.get("data") if isinstance(found, dict) else found
            yield from _objects(rows if isinstance(rows, list) else [rows])


def _objects(found: Iterable[Any]) -> Iterator[Mapping[str, Any]]:
    for item in found:
        if not isinstance(item, dict):
            raise ValueError(_("a row is not an object with path and label"))
        yield {str(name).strip().lower(): value for name, value in item.items()}
