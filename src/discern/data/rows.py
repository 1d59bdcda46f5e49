"""A table of numbers: a row is an example, one of its columns the class or the number to learn."""

from __future__ import annotations

import hashlib
import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from discern.data.assemble import part_named, parts_named, readable, settled_parts, shortened
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
        missing = [name for name in columns if name not in self.columns]
        if missing:
            raise DataError(_lacking(self.name, missing, self.columns, columns))
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
    names = list(held)
    target, how = _target(table, names, question.target)
    notes = [how]
    split, parts, given = _given(held, target)
    rest = [name for name in names if name not in (target, split)]
    chosen = _wanted(table, question.columns, rest, notes) if question.columns else rest
    words = [] if question.columns else [name for name in chosen if _is_words(held[name])]
    values = {name: numbers_of(table, name, held[name]) for name in chosen if name not in words}
    kept = chosen if question.columns else _kept(values, words, notes)
    if not kept:
        sentence = _("{path} needs the columns path and label of pictures, or columns of numbers, and has {names}.")
        raise DataError(sentence.format(path=table, names=", ".join(held)))
    stem = table.resolve().parent.name if part_named(table.stem) != Part.NONE else table.stem
    store = RowStore(table.name, kept, np.stack([values[name] for name in kept], axis=1), target)
    dataset = _rows(str(table), readable(stem), store, held[target], parts, given, question)
    return replace(dataset, notes=(*notes, *dataset.notes))


def rows_of(table: Path, held: Cells, columns: Sequence[str]) -> RowStore:
    """The rows of some columns, with nothing to learn."""
    chosen = _wanted(table, tuple(columns), list(held), [])
    values = [numbers_of(table, name, held[name]) for name in chosen]
    return RowStore(table.name, columns, np.stack(values, axis=1), "")


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
        raise DataError(_not_a_number(table, bad, name, cells[bad]))
    return np.array(found, dtype=np.float64)


def _rows(
    origin: str,
    name: str,
    store: RowStore,
    answers: Sequence[str],
    parts: Mapping[str, Part],
    given: np.ndarray,
    question: Question,
) -> Dataset:
    """The data set of rows and what stands in their target column, as text."""
    least = 1 if question.columns else 2  # what is only to be answered may be of one class
    numbers = [as_number(answer) for answer in answers if answer.casefold() not in MISSING]
    numeric = None not in numbers
    words = ["" if numeric and answer.casefold() in MISSING else readable(answer) for answer in answers]
    there = sorted({word for word in words if word}, key=natural)
    if len(there) < least or not there:
        raise DataError(_nothing_to_learn(origin, store.target, there))
    regression = question.task == "regression" or (question.task == "auto" and numeric and _is_number(numbers))
    number = {word: 0 if regression else place for place, word in enumerate(there)} | {"": UNLABELLED}
    labels = np.array([number[word] for word in words], dtype=np.int32)
    given, notes = settled_parts(origin, given, labels, parts)
    if not regression:
        return Dataset(name, origin, tuple(there), labels, given, store, tuple(notes))
    bad = next((row for row, word in enumerate(words) if word and as_number(word) is None), None)
    if bad is not None:
        raise DataError(_not_a_number(origin, bad, store.target, words[bad]))
    targets = np.array([as_number(word) if word else np.nan for word in words], dtype=np.float64)
    sentence = _("{target} is a number to learn (regression); --set task=classification makes its values classes.")
    notes.append(sentence.format(target=store.target))
    return Dataset(name, origin, (store.target,), labels, given, store, tuple(notes), targets)


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


def _wanted(table: Path, columns: tuple[str, ...], there: list[str], notes: list[str]) -> list[str]:
    """The columns asked for, matched by name."""
    missing = [name for name in columns if name not in there]
    if missing:
        raise DataError(_lacking(str(table), missing, there, columns))
    extra = [name for name in there if name not in columns]
    if extra:
        notes.append(_("The model does not read these columns: {names}.").format(names=shortened(extra)))
    return list(columns)


def _lacking(path: str, missing: Sequence[str], there: Sequence[str], columns: Sequence[str]) -> str:
    sentence = _("{path} lacks the columns {missing}; it has {there}: the model reads {columns}.")
    facts = {"missing": ", ".join(missing), "there": ", ".join(there) or "-", "columns": ", ".join(columns)}
    return sentence.format(path=path, **facts)


def _is_words(cells: Sequence[str]) -> bool:
    """Whether at least half of the filled cells are no numbers."""
    filled = [as_number(cell) is None for cell in cells if cell.casefold() not in MISSING]
    return any(filled) and 2 * sum(filled) >= len(filled)


def _not_a_number(path: str | os.PathLike[str], row: int, column: str, cell: str) -> str:
    sentence = _("{path}, row {row}, column {column}: '{cell}' is not a number; correct it, or empty the cell.")
    return sentence.format(path=path, row=row + 1, column=column, cell=cell)


def _kept(values: dict[str, np.ndarray], words: Sequence[str], notes: list[str]) -> list[str]:
    """The columns that say something: those that are no words and do not just count the rows."""
    counting = [name for name, column in values.items() if len(column) > 2 and bool((np.diff(column) == 1).all())]
    if words:
        notes.append(_("Columns that are no numbers are left out: {names}.").format(names=shortened(words)))
    if counting:
        sentence = _("Columns that count the rows are left out: {names}. They say where a row stands, not what it is.")
        notes.append(sentence.format(names=shortened(counting)))
    return [name for name in values if name not in counting]
