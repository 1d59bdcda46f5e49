"""A table file as columns of text: .csv, .tsv, .json or .jsonl; and what of it is a number."""

from __future__ import annotations

import csv
import itertools
import json
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from discern.errors import DataError
from discern.i18n import _

TABLE_SUFFIXES = (".csv", ".tsv", ".json", ".jsonl")
Cells = dict[str, list[str]]


def read_cells(table: Path) -> Cells:
    """The columns by their names, each with a text a row; "" where there is nothing.

    A JSON table is a list of objects, or an object with such a list as ``data``. Between the cells of a CSV there are
    commas, semicolons or tabs; where its first row is numbers as the second is, its columns are column1, column2, …

    Raises
    ------
    DataError
        When it cannot be read.

    Examples
    --------
    >>> import tempfile
    >>> table = Path(tempfile.mkdtemp()) / "fat.csv"
    >>> count = table.write_text("fat;sex\\n22;F\\n10;M\\n")
    >>> read_cells(table)
    {'fat': ['22', '10'], 'sex': ['F', 'M']}
    """
    found: Cells = {}
    try:
        for place, row in enumerate(_rows(table)):
            for name in (name for name in row if name not in found):
                found[name] = [""] * place
            for name, cells in found.items():
                cells.append(_text(row.get(name)))
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
    return found


def as_number(cell: str) -> float | None:
    """The finite number that a cell says, or None."""
    try:
        found = float(cell)
    except ValueError:
        return None
    return found if math.isfinite(found) else None


def _text(value: object) -> str:
    found = "" if value is None else str(value).strip()
    found.encode()  # JSON may hold half of a character
    return found


def _rows(table: Path) -> Iterator[Mapping[str, Any]]:
    suffix = table.suffix.lower()
    with table.open(encoding="utf-8-sig", newline="") as file:
        if suffix == ".jsonl":
            yield from _objects(json.loads(line) for line in file if line.strip())
        elif suffix == ".json":
            found = json.load(file)
            rows = found.get("data") if isinstance(found, dict) else found
            yield from _objects(rows if isinstance(rows, list) else [rows])
        else:
            opening = next((line for line in file if line.strip()), "")
            file.seek(0)
            between = "\t" if suffix == ".tsv" else max(",;\t", key=opening.count)
            yield from _separated(filter(None, csv.reader(file, delimiter=between)))


def _separated(rows: Iterator[list[str]]) -> Iterator[Mapping[str, Any]]:
    """Each row of a CSV by the names of its columns."""
    opening = list(itertools.islice(rows, 2))
    if not opening:
        return
    header = opening.pop(0) if _is_header(opening) else [""] * len(opening[0])
    header = [name.strip() or f"column{place}" for place, name in enumerate(header, 1)]
    if len(set(header)) < len(header):
        twice = next(name for name in header if header.count(name) > 1)
        raise ValueError(_("two columns are called {name}").format(name=twice))
    for place, row in enumerate(itertools.chain(opening, rows), 1):
        if any(cell.strip() for cell in row[len(header) :]):
            sentence = _("row {row} has {n} cells where {columns} columns are")
            raise ValueError(sentence.format(row=place, n=len(row), columns=len(header)))
        yield dict(itertools.zip_longest(header, row[: len(header)]))


def _is_header(opening: Sequence[Sequence[str]]) -> bool:
    """Whether the first of two rows names columns: it has no numbers, not where the second has, or counts 0, 1, 2, …"""
    first, *below = ([as_number(cell) for cell in row] for row in opening)
    numbers = [found for found in first if found is not None]
    alike = [[found is None for found in row] == [found is None for found in first] for row in below]
    return not numbers or not any(alike) or numbers == list(range(len(numbers)))


def _objects(found: Iterable[Any]) -> Iterator[Mapping[str, Any]]:
    for item in found:
        if not isinstance(item, dict):
            raise ValueError(_("a row is not an object with path and label"))
        yield {str(name).strip(): value for name, value in item.items()}
