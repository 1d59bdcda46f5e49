"""Read the files of an export: the beginning to recognize it, the whole as JSON, JSON lines or CSV."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from discern.errors import DataError
from discern.files import check_regular, read_file
from discern.i18n import _

HEAD = 1 << 16  # bytes that tell the tool


def read_head(path: Path) -> str:
    """Return the first 64 KB as text; "" where ``path`` is not readable or no text."""
    try:
        check_regular(path)
        with path.open("rb") as file:
            data = file.read(HEAD)
    except OSError:
        return ""
    return "" if b"\0" in data else data.decode("utf-8-sig", "replace")


def read_content(path: Path) -> str:
    """Return the text of a file; a `DataError` where it is not readable or not UTF-8."""
    try:
        return read_file(path).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise DataError(_("{path} is not UTF-8 text: save it as UTF-8.").format(path=path)) from error
    except OSError as error:
        message = _("{path} is not readable ({reason}): check its name and permissions.")
        raise DataError(message.format(path=path, reason=error.strerror or error)) from error


def read_json_text(path: Path) -> Any:
    """Return the JSON value in a file; a `DataError` where it is none."""
    try:
        return json.loads(read_content(path))
    except (ValueError, RecursionError) as error:
        raise _invalid(path, error) from error


def read_json_lines(path: Path) -> Iterator[dict[str, Any]]:
    """Yield the objects of a file with one a line; a `DataError` where a line is none."""
    for line in read_content(path).split("\n"):
        if line.strip():
            try:
                value = json.loads(line)
            except (ValueError, RecursionError) as error:
                raise _invalid(path, error) from error
            if not isinstance(value, dict):
                raise _invalid(path, line[:40])
            yield value


def read_csv_rows(path: Path, delimiter: str = ",") -> Iterator[list[str]]:
    """Yield the rows of a CSV that are not empty, their cells without surrounding spaces."""
    try:
        # A space after the comma would make a quote part of the cell.
        rows = csv.reader(io.StringIO(read_content(path), newline=""), delimiter=delimiter, skipinitialspace=True)
        yield from ([cell.strip() for cell in row] for row in rows if any(row))
    except csv.Error as error:
        raise _invalid(path, error) from error


def _invalid(path: Path, reason: object) -> DataError:
    message = _("{path} is not a valid table ({reason}): correct it, or save it again.")
    return DataError(message.format(path=path, reason=reason))
