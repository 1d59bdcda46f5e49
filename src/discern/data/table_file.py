"""A table file as columns of text: .csv, .tsv, .json or .jsonl; and what of it is a number."""

from __future__ import annotations

import csv
import itertools
import json
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from discern.data.image import is_image_name
from discern.errors import DataError
from discern.files import check_regular
from discern.i18n import _

TABLE_SUFFIXES = (".csv", ".tsv", ".json", ".jsonl")
MISSING = ("", "na", "n/a", "nan", "null", "none", "<na>", "?")  # what a cell without a number may say
Cells = dict[str, list[str]]


def read_cells(table: Path) -> Cells:
    """Read the columns by their names, each with a text a row; "" where there is nothing.

    A JSON table is a list of objects, or an object with such a list as ``data`` or with labels by path. Between the
    cells of a CSV there are commas, semicolons, tabs or bars; where its first row is numbers as the second is, or
    names an image, its columns are column1, column2, … A `DataError` says where it is not readable.

    Examples
    --------
    >>> import tempfile
    >>> table = Path(tempfile.mkdtemp()) / "fat.csv"
    >>> count = table.write_text("fat;sex\\n22;F\\n10;M\\n")
    >>> read_cells(table)
    {'fat': ['22', '10'], 'sex': ['F', 'M']}
    """
    columns: Cells = {}
    try:
        for n_before, row in enumerate(_iter_rows(table)):
            for name in (name for name in row if name not in columns):
                columns[name] = [""] * n_before
            for name, cells in columns.items():
                cells.append(to_text(row.get(name)))
    except UnicodeDecodeError as error:
        raise DataError(_("{path} is not UTF-8 text: save it as UTF-8.").format(path=table)) from error
    except (csv.Error, ValueError, RecursionError) as error:
        message = _("{path} is not a valid table ({reason}): correct it, or save it again.")
        raise DataError(message.format(path=table, reason=error)) from error
    except OSError as error:
        message = _("{path} is not readable ({reason}): check its name and permissions.")
        raise DataError(message.format(path=table, reason=error.strerror or error)) from error
    return columns


def parse_number(cell: str) -> float | None:
    """Return the finite number in a cell, or None."""
    try:
        number = float(cell)
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def to_text(value: object) -> str:
    """Return the text of a cell: "" for None, a list or an object as JSON; a ValueError for half of a character."""
    if isinstance(value, (dict, list)):
        value = json.dumps(value, ensure_ascii=False)
    text = value.strip() if isinstance(value, str) else "" if value is None or value != value else str(value)  # nan
    text.encode()  # JSON may hold half of a character
    return text


def _iter_rows(table: Path) -> Iterator[Mapping[str, Any]]:
    suffix = table.suffix.lower()
    check_regular(table)
    with table.open(encoding="utf-8-sig", newline="") as file:
        if suffix == ".jsonl":
            yield from _iter_objects(json.loads(line) for line in file if line.strip())
        elif suffix == ".json":
            content = json.load(file)
            rows = content.get("data") if isinstance(content, dict) else content
            if isinstance(content, dict) and content and all(map(is_image_name, content)):  # {"img/1.jpg": "ant"}
                rows = [{"path": name, "label": label} for name, label in content.items()]
            yield from _iter_objects(rows if isinstance(rows, list) else [rows])
        else:
            opening = next((line for line in file if line.strip()), "")
            file.seek(0)
            delimiter = "\t" if suffix == ".tsv" else max(",;\t|", key=opening.count)
            yield from _name_columns(filter(None, csv.reader(file, delimiter=delimiter, skipinitialspace=True)))


def _name_columns(rows: Iterator[list[str]]) -> Iterator[Mapping[str, Any]]:
    """Yield each row of a CSV by the names of its columns."""
    opening = list(itertools.islice(rows, 2))
    if not opening:
        return
    header = opening.pop(0) if _is_header(opening) else [""] * len(opening[0])
    header = [name.strip() or f"column{number}" for number, name in enumerate(header, 1)]
    if len(set(header)) < len(header):
        repeated = next(name for name in header if header.count(name) > 1)
        raise ValueError(_("two columns are called {name}").format(name=repeated))
    for number, row in enumerate(itertools.chain(opening, rows), 1):
        if any(cell.strip() for cell in row[len(header) :]):
            message = _("row {row} has {n} cells, expected {columns}")
            raise ValueError(message.format(row=number, n=len(row), columns=len(header)))
        yield dict(itertools.zip_longest(header, row[: len(header)]))


def _is_header(opening: Sequence[Sequence[str]]) -> bool:
    """Return whether the first of two rows names columns.

    Then it has no numbers, not where the second has, or 0, 1, 2, …; and it names no image file.
    """
    if any(map(is_image_name, opening[0])):
        return False
    first, *below = ([parse_number(cell) for cell in row] for row in opening)
    numbers = [number for number in first if number is not None]
    is_alike = [[cell is None for cell in row] == [cell is None for cell in first] for row in below]
    return not numbers or not any(is_alike) or numbers == list(range(len(numbers)))


def _iter_objects(rows: Iterable[Any]) -> Iterator[Mapping[str, Any]]:
    for row in rows:
        if not isinstance(row, dict):
            raise ValueError(_("a row is not an object with path and label"))
        yield {str(name).strip(): value for name, value in row.items()}
