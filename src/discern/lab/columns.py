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

CLASS_NAMES = ("class", "label", "target", "species", "variety", "y")


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

    def place(self, wanted: str) -> int:
        """The position of a column that a person names, or numbers from 1.

        Raises
        ------
        ConfigError
            When there is none.

        Examples
        --------
        >>> Columns(("width", "height"), np.zeros((1, 2)), (), np.zeros(1)).place("height")
        1
        """
        if wanted in self.names:
            return self.names.index(wanted)
        if wanted.isdigit() and 1 <= int(wanted) <= len(self.names):
            return int(wanted) - 1
        sentence = _("There is no column of numbers called {name}: take one of {names}.")
        names = nearest(wanted, self.names) or self.names
        raise ConfigError(sentence.format(name=repr(wanted), names=", ".join(names)))


def read_columns(path: str, label: str = "") -> Columns:
    """Read a CSV; commas, semicolons or tabs stand between its cells, and names of columns in its first row if wanted.

    Parameters
    ----------
    path : str
        The file.
    label : str
        Name of the column that says the class. Unless given, one called class, label, target, species, variety or y,
        else the last in which no cell is a number, else none.

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
    said = _class_column(names, rows, label)
    if label and said is None:
        sentence = _("{path} has no column {name} to say the classes: it has {names}.")
        raise ConfigError(sentence.format(path=path, name=repr(label), names=", ".join(names)))
    numeric = [place for place in range(len(names)) if place != said]
    if not numeric:
        raise ConfigError(_("{path} has no column of numbers: add one.").format(path=path))
    values = np.empty((len(rows), len(numeric)))
    for i, row in enumerate(rows):
        for j, place in enumerate(numeric):
            number = _number(row[place])
            if number is None:
                sentence = _("{path}, row {row}, column {column}: {cell} is not a number: write one, or drop the row.")
                told = {"path": path, "row": lines[i], "column": names[place], "cell": repr(row[place])}
                raise ConfigError(sentence.format(**told))
            values[i, j] = number
    kept = tuple(names[place] for place in numeric)
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
    unnamed = [_("column {number}").format(number=place + 1) for place in range(width)]
    names = [cell.strip() for cell in filled[0][1]] if named else unnamed
    return names, [line for line, _row in body], [row for _line, row in body]


def _class_column(names: list[str], rows: list[list[str]], label: str) -> int | None:
    if label:
        return names.index(label) if label in names else None
    for place, name in enumerate(names):
        if name.lower() in CLASS_NAMES:
            return place
    words = [place for place in range(len(names)) if all(_number(row[place]) is None for row in rows)]
    return words[-1] if words else None


def _number(cell: str) -> float | None:
    try:
        number = float(cell)
    except ValueError:
        return None
    return number if math.isfinite(number) else None
