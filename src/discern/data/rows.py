"""A table of numbers: a row is an example, one of its columns the class or the number to learn."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from discern.data.assemble import parts_named, readable, settled_parts, shortened, table_name
from discern.data.cells import Cells, as_number
from discern.data.dataset import UNLABELLED, Dataset, Part, Store
from discern.data.order import natural
from discern.errors import ConfigError, DataError, nearest
from discern.i18n import _

TARGETS = ("class", "label", "target", "species", "variety")  # a column so called is the one to learn
CLASSES = 20  # more different whole numbers than these are a number to learn and not classes
SPLIT = "split"
MISSING = ("", "na", "n/a", "nan", "null", "none", "?")  # what a cell without a number may say


class RowStore(Store):
    """Rows of numbers, held in memory.

    Parameters
    ----------
    name : str
        Of the file, for the names of rows: ``iris.csv#1`` is its first row.
    columns : sequence of str
        What the F columns are called.
    values : numpy.ndarray
        float64 (N, F), nan where nothing stands.
    target : str
        Of the column that is learnt.
    """

    def __init__(self, name: str, columns: Sequence[str], values: np.ndarray, target: str) -> None:
        self.name, self.columns, self.values, self.target = name, tuple(columns), values, target

    def __len__(self) -> int:
        return len(self.values)

    def read(self, index: int) -> np.ndarray:
        """The row's numbers, float64 (F,): a row is no picture, and whoever reads one reads `values`."""
        found: np.ndarray = self.values[index]
        return found

    def path(self, index: int) -> str:
        return f"{self.name}#{index + 1}"

    def select(self, columns: Sequence[str]) -> np.ndarray:
        """The values of some columns, by name: float64 (N, len(columns)).

        Raises
        ------
        DataError
            When one is not there.
        """
        _refuse_lacking(self.name, columns, self.columns)
        return self.values[:, [self.columns.index(name) for name in columns]]

    def stamp(self) -> str:
        return hashlib.blake2b(np.ascontiguousarray(self.values).data, digest_size=16).hexdigest()


@dataclass(frozen=True)
class Question:
    """What is asked of a table.

    Attributes
    ----------
    target : str
        The column to learn; empty to choose it by its name, else the last.
    task : {"auto", "classification", "regression"}
        Whether it names classes or is a number.
    columns : tuple of str
        The columns to read, in this order; empty for all that are numbers.
    """

    target: str = ""
    task: str = "auto"
    columns: tuple[str, ...] = ()


ANY = Question()


def open_rows(table: Path, held: Cells, question: Question = ANY) -> Dataset:
    """The data set of a table of numbers, of whose file ``held`` are the cells.

    The column to learn is the one asked for, else one called class, label, target, species or variety, else the last.
    It is a number to learn (a regression) where its values have fractions, or are more than 20 different whole numbers;
    else they are classes. A column ``split`` that says train and test gives the parts. A column of words, and one that
    only counts the rows, is left out, which a note tells.

    Raises
    ------
    DataError
        When a number is none, or there is nothing to learn; the sentence names row and column.
    ConfigError
        When it lacks the column asked for.

    Examples
    --------
    >>> found = open_rows(Path("fat.csv"), {"fat": ["22", "25", "10"], "sex": ["f", "f", "m"]})
    >>> found.classes, found.store.columns
    (('f', 'm'), ('fat',))
    """
    target, how = _target(table, list(held), question.target)
    notes = [how]
    split, parts, given = _given(held, target)
    rest = [name for name in held if name not in (target, split)]
    columns = _asked(question.columns, rest, notes) if question.columns else _telling(table, held, rest, notes)
    store = rows_of(table, held, columns, target)
    classes, labels, targets = _answers(table, target, held[target], question)
    given, settled = settled_parts(str(table), given, labels, parts)
    notes += settled
    if targets is not None:
        sentence = _("{target} is a number to learn (regression); --set task=classification makes its values classes.")
        notes.append(sentence.format(target=target))
    return Dataset(table_name(table), str(table), classes, labels, given, store, tuple(notes), targets)


def rows_of(table: Path, held: Cells, columns: Sequence[str], target: str = "") -> RowStore:
    """The rows of some columns.

    Raises
    ------
    DataError
        When one is not there, or a number is none.
    """
    _refuse_lacking(str(table), columns, list(held))
    values = [numbers_of(table, name, held[name]) for name in columns]
    return RowStore(table.name, columns, np.stack(values, axis=1), target)


def numbers_of(table: Path, name: str, cells: Sequence[str]) -> np.ndarray:
    """A column's numbers: float64 (N,), nan where a cell says that none is there.

    Raises
    ------
    DataError
        When a cell is something else.
    """
    found = [math.nan if cell.casefold() in MISSING else as_number(cell) for cell in cells]
    if None in found:
        bad = found.index(None)
        sentence = _("{path}, row {row}, column {column}: '{cell}' is not a number; correct it, or empty the cell.")
        raise DataError(sentence.format(path=table, row=bad + 1, column=name, cell=cells[bad]))
    return np.array(found, dtype=np.float64)


def _answers(
    table: Path, target: str, cells: Sequence[str], question: Question
) -> tuple[tuple[str, ...], np.ndarray, np.ndarray | None]:
    """What is to be learnt: the classes and int32 (N,) labels; of a regression its name, and float64 (N,) numbers."""
    numbers = [as_number(cell) for cell in cells if cell.casefold() not in MISSING]
    numeric = None not in numbers
    words = ["" if numeric and cell.casefold() in MISSING else readable(cell) for cell in cells]
    there = sorted({word for word in words if word}, key=natural)
    least = 1 if question.columns else 2  # what is only to be answered may be of one class
    if len(there) < least:
        raise DataError(_nothing_to_learn(str(table), target, there))
    if question.task == "regression" or (question.task == "auto" and numeric and _is_number(numbers)):
        targets = numbers_of(table, target, cells)
        return (target,), np.where(np.isnan(targets), UNLABELLED, 0).astype(np.int32), targets
    place = {word: place for place, word in enumerate(there)} | {"": UNLABELLED}
    return tuple(there), np.array([place[word] for word in words], dtype=np.int32), None


def _nothing_to_learn(origin: str, target: str, there: Sequence[str]) -> str:
    if not there:
        return _("{path}: the column {target} is empty: name another.").format(path=origin, target=target)
    sentence = _("{path}: the column {target} says {value} in every row: there is nothing to learn; name another.")
    return sentence.format(path=origin, target=target, value=there[0])


def _is_number(found: Sequence[float | None]) -> bool:
    """The rule: fractions, or more than `CLASSES` different whole numbers."""
    numbers = [number for number in found if number is not None]
    return any(not number.is_integer() for number in numbers) or len(set(numbers)) > CLASSES


def _target(table: Path, names: list[str], asked: str) -> tuple[str, str]:
    """The column to learn, and why it is this one."""
    sentence = _("{table} is a table of numbers, and {target} is the column to learn ({why}).")
    if asked:
        if asked not in names:
            close = ", ".join(nearest(asked, names) or names)
            sentence = _("{path} has no column {name}: there are {close}.")
            raise ConfigError(sentence.format(path=table, name=asked, close=close))
        return asked, sentence.format(table=table.name, target=asked, why=_("as asked"))
    called = [name for word in TARGETS for name in names if name.casefold() == word]
    if called:
        return called[0], sentence.format(table=table.name, target=called[0], why=_("by its name"))
    why = _("the last; --target COLUMN names another")
    return names[-1], sentence.format(table=table.name, target=names[-1], why=why)


def _given(held: Cells, target: str) -> tuple[str | None, dict[str, Part], np.ndarray]:
    """The column that says train and test, if there is one, what its words stand for, and uint8 (N,) of `Part`."""
    split = next((name for name in held if name.casefold() == SPLIT and name != target), None)
    parts = parts_named(dict.fromkeys(word for word in held[split] if word)) if split else {}
    if split is None or not parts:
        return None, {}, np.full(len(held[target]), Part.NONE, dtype=np.uint8)
    return split, parts, np.array([parts.get(word, Part.NONE) for word in held[split]], dtype=np.uint8)


def _asked(columns: tuple[str, ...], there: list[str], notes: list[str]) -> tuple[str, ...]:
    """The columns that a model reads."""
    extra = [name for name in there if name not in columns]
    if extra:
        notes.append(_("The model does not read these columns: {names}.").format(names=shortened(extra)))
    return columns


def _refuse_lacking(path: str, columns: Sequence[str], there: Sequence[str]) -> None:
    missing = [name for name in columns if name not in there]
    if missing:
        sentence = _("{path} lacks the columns {missing}; it has {there}: the model reads {columns}.")
        facts = {"missing": ", ".join(missing), "there": ", ".join(there) or "-", "columns": ", ".join(columns)}
        raise DataError(sentence.format(path=path, **facts))


def _telling(table: Path, held: Cells, rest: list[str], notes: list[str]) -> list[str]:
    """The columns that say something: those that are no words and do not just count the rows."""
    words = [name for name in rest if _is_words(held[name])]
    counting = [name for name in rest if name not in words and _counts(numbers_of(table, name, held[name]))]
    if words:
        notes.append(_("Columns that are no numbers are left out: {names}.").format(names=shortened(words)))
    if counting:
        sentence = _("Columns that count the rows are left out: {names}. They say where a row stands, not what it is.")
        notes.append(sentence.format(names=shortened(counting)))
    kept = [name for name in rest if name not in (*words, *counting)]
    if not kept:
        sentence = _("{path} needs the columns path and label of pictures, or columns of numbers, and has {names}.")
        raise DataError(sentence.format(path=table, names=", ".join(held)))
    return kept


def _is_words(cells: Sequence[str]) -> bool:
    """Whether at least half of the filled cells are no numbers."""
    filled = [as_number(cell) is None for cell in cells if cell.casefold() not in MISSING]
    return any(filled) and 2 * sum(filled) >= len(filled)


def _counts(column: np.ndarray) -> bool:
    return len(column) > 2 and bool((np.diff(column) == 1).all())
