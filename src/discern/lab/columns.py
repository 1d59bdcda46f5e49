"""Numbers of one's own: a CSV with a row for each example, numbers in its columns and, if wanted, a class."""

from __future__ import annotations

import csv
import io
import math
from dataclasses import dataclass

import numpy as np

from discern.data.order import natural
from discern.errors import ConfigError, nearest
from discern.i18n import _
from discern.lab.options import read

CLASS_NAMES = ("class", "label", "target", "species", "variety")


@dataclass(frozen=True)
class Columns:
    """Columns of a file.

    Attributes
    ----------
    names : tuple of str
        Of the columns of numbers.
    values : numpy.ndarray
        float64 (N, F).
    classes : tuple of str
        In natural order; empty where no column says them.
    labels : numpy.ndarray
        int64 (N,), positions in ``classes``; all 0 without classes.
    """

    names: tuple[str, ...]
    values: np.ndarray
    classes: tuple[str, ...]
    labels: np.ndarray


def place(names: tuple[str, ...], wanted: str) -> int:
    """The position of a column that a person names, or numbers from 1.

    Raises
    ------
    ConfigError
        When there is none.

    Examples
    --------
    >>> place(("width", "height"), "height"), place(("width", "height"), "1")
    (1, 0)
    """
    if wanted in names:
        return names.index(wanted)
    if wanted.isdigit() and 1 <= int(wanted) <= len(names):
        return int(wanted) - 1
    sentence = _("There is no column of numbers called {name}: take one of {names}.")
    raise ConfigError(sentence.format(name=repr(wanted), names=", ".join(nearest(wanted, names) or names)))


def read_columns(path: str) -> Columns:
    """Read a CSV: commas, semicolons or tabs between its cells, and names of columns in its first row if wanted.

    The class is in the column called class, label, target, species or variety, else in the last in which no cell is
    a number, else nowhere.

    Raises
    ------
    ConfigError
        When it cannot be read, is empty, has rows of unequal length, or has text where a number is wanted; the
        sentence says in which row and column.

    Examples
    --------
    >>> import tempfile, pathlib
    >>> file = pathlib.Path(tempfile.mkdtemp()) / "fat.csv"
    >>> count = file.write_text("fat,sex\\n22,F\\n10,M\\n")
    >>> found = read_columns(str(file))
    >>> found.names, found.values.tolist(), found.classes, found.labels.tolist()
    (('fat',), [[22.0], [10.0]], ('F', 'M'), [0, 1])
    """
    names, lines, rows = _cells(path)
    said = _class_column(names, rows)
    numeric = [column for column in range(len(names)) if column != said]
    if not numeric:
        raise ConfigError(_("{path} has no column of numbers: add one.").format(path=path))
    values = np.empty((len(rows), len(numeric)))
    for i, row in enumerate(rows):
        for j, column in enumerate(numeric):
            number = _number(row[column])
            if number is None:
                sentence = _("{path}, row {row}, column {column}: {cell} is not a number: write one, or drop the row.")
                told = {"path": path, "row": lines[i], "column": names[column], "cell": repr(row[column])}
                raise ConfigError(sentence.format(**told))
            values[i, j] = number
    kept = tuple(names[column] for column in numeric)
    if said is None:
        return Columns(kept, values, (), np.zeros(len(rows), dtype=np.int64))
    words = [row[said].strip() for row in rows]
    if "" in words:
        sentence = _("{path}, row {row}, column {column}: the class is missing: write one, or drop the row.")
        raise ConfigError(sentence.format(path=path, row=lines[words.index("")], column=names[said]))
    classes = tuple(sorted(set(words), key=natural))
    return Columns(kept, values, classes, np.array([classes.index(word) for word in words], dtype=np.int64))


def _cells(path: str) -> tuple[list[str], list[int], list[list[str]]]:
    """Names of the columns; the line of each row in the file, from 1, and its cells."""
    text = read(path).decode("utf-8-sig", "replace")
    opening = text.lstrip().split("\n", 1)[0]
    between = max(",;\t", key=opening.count)
    reader = csv.reader(io.StringIO(text), delimiter=between)
    filled = [(reader.line_num, row) for row in reader if any(cell.strip() for cell in row)]
    named = bool(filled) and all(_number(cell) is None for cell in filled[0][1])
    body = filled[1:] if named else filled
    if not body:
        raise ConfigError(_("{path} has no rows of numbers: write one for each example.").format(path=path))
    width = len(filled[0][1])
    for line, row in body:
        if len(row) != width:
            sentence = _("{path}, row {row}: {n} cells where {wanted} columns are: fill it, or drop the row.")
            raise ConfigError(sentence.format(path=path, row=line, n=len(row), wanted=width))
    unnamed = [_("column {number}").format(number=column + 1) for column in range(width)]
    names = [cell.strip() for cell in filled[0][1]] if named else unnamed
    return names, [line for line, _row in body], [row for _line, row in body]


def _class_column(names: list[str], rows: list[list[str]]) -> int | None:
    for column, name in enumerate(names):
        if name.lower() in CLASS_NAMES:
            return column
    words = [column for column in range(len(names)) if all(_number(row[column]) is None for row in rows)]
    return words[-1] if words else None


def _number(cell: str) -> float | None:
    try:
        number = float(cell)
    except ValueError:
        return None
    return number if math.isfinite(number) else None
