"""A table file as columns of text: .csv, .tsv, .json or .jsonl."""

from __future__ import annotations

import csv
import itertools
import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from discern.errors import DataError
from discern.i18n import _

TABLE_SUFFIXES = (".csv", ".tsv", ".json", ".jsonl")
Cells = dict[str, list[str]]


def read_cells(table: Path) -> Cells:
    """The columns by their names, each with a text a row; "" where there is nothing.

    A JSON table is a list of objects, or an object with such a list as ``data``.

    Raises
    ------
    DataError
        When it cannot be read.
    """
    found: Cells = {}
    try:
        for number, row in enumerate(_rows(table)):
            for name in (name for name in row if name not in found):
                found[name] = [""] * number
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


def _text(value: object) -> str:
    found = "" if value is None else str(value).strip()
    found.encode()  # JSON may hold half of a character
    return found


def _rows(table: Path) -> Iterator[Mapping[str, Any]]:
    suffix = table.suffix.lower()
    with table.open(encoding="utf-8-sig", newline="") as file:
        if suffix in (".csv", ".tsv"):
            reader = csv.reader(file, delimiter="," if suffix == ".csv" else "\t")
            header = [name.strip() or f"column{place}" for place, name in enumerate(next(reader, []), 1)]
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
        yield {str(name).strip(): value for name, value in item.items()}
