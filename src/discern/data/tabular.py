"""A table of numbers: a row is an example, one of its columns the class or the number to learn."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from discern.data.build import number_classes, number_groups, resolve_splits
from discern.data.cell_values import read_groups, read_splits
from discern.data.columns import AUTO, NO_GROUPS, ColumnSpec, find_named, require_column
from discern.data.dataset import UNLABELED, RowStore, Split, TableDataset, require_columns
from discern.data.groups import is_pattern
from discern.data.names import abbreviate, dataset_name, normalize_name, splits_from_names
from discern.data.table_file import MISSING, Cells, parse_number
from discern.errors import ConfigError, DataError, suggest
from discern.i18n import _
from discern.notices import Notice

TARGETS = ("class", "label", "target", "species", "variety")  # a column so called is the one to learn
_IDENTIFIER = re.compile(r"(?:^|[\W_])[ug]?u?id$|[a-zA-Z](?:_id|Id|ID)$", re.ASCII)
MAX_CLASSES = 20  # more different whole numbers than these are a number to learn and not classes


def build_table_dataset(table: Path, cells: Cells, column_spec: ColumnSpec = AUTO) -> TableDataset:
    """Build the data set of a table of numbers, whose file holds ``cells``.

    The column to learn is the one of ``column_spec``, else one called class, label, target, species or variety, else
    the last. It is a number to learn (a regression) where its values have fractions, or are more than 20 different
    whole numbers; else they are classes. A column ``split`` that says train and test gives the splits. A column of
    words, and one of row numbers, is left out, with a notice. A `DataError` names row and column of an invalid number,
    or says that there is nothing to learn; a `ConfigError` that the table lacks the column to learn.

    Examples
    --------
    >>> fat = build_table_dataset(Path("fat.csv"), {"fat": ["22", "25", "10"], "sex": ["f", "f", "m"]})
    >>> fat.classes, fat.store.columns
    (('f', 'm'), ('fat',))
    """
    target, notice = _choose_target(table, list(cells), column_spec.target or column_spec.label)
    notices = [notice]
    split_column, splits, given_split = _read_splits(table, cells, target, column_spec, notices)
    group_column, groups = _read_groups(table, cells, (target, split_column), column_spec, notices)
    others = [name for name in cells if name not in (target, split_column, group_column)]
    columns = column_spec.columns
    if columns:
        unused = [name for name in others if name not in columns]
        notices += [Notice("data.columns_unused", {"names": abbreviate(unused)})] if unused else []
    else:
        columns = tuple(_choose_columns(table, cells, others, notices))
    store = select_columns(table, cells, columns, target)
    classes, labels, targets = _read_targets(table, target, cells[target], column_spec)
    given_split, resolved = resolve_splits(str(table), given_split, labels, splits)
    notices += resolved
    if targets is not None:
        notices.append(Notice("data.target_regression", {"target": target}))
    return TableDataset(
        dataset_name(table),
        str(table),
        classes,
        labels,
        given_split,
        store,
        tuple(notices),
        "classification" if targets is None else "regression",
        targets,
        number_groups(groups) if groups else None,
    )


def select_columns(table: Path, cells: Cells, columns: Sequence[str], target: str = "") -> RowStore:
    """Parse some columns of a table into rows of numbers; a `DataError` where one is missing, or a number invalid."""
    require_columns(str(table), columns, list(cells))
    values = [parse_numbers(table, name, cells[name]) for name in columns]
    return RowStore(table.name, columns, np.stack(values, axis=1), target)


def parse_numbers(table: Path, name: str, column: Sequence[str]) -> np.ndarray:
    """Parse a column: float64 (N,), nan where a cell says that there is none; a `DataError` where it is no number."""
    numbers = [math.nan if cell.casefold() in MISSING else parse_number(cell) for cell in column]
    if None in numbers:
        row = numbers.index(None)
        message = _("{path}, row {row}, column {column}: '{cell}' is not a number; correct it, or empty the cell.")
        raise DataError(message.format(path=table, row=row + 1, column=name, cell=column[row]))
    return np.array(numbers, dtype=np.float64)


def _read_targets(
    table: Path, target: str, column: Sequence[str], column_spec: ColumnSpec
) -> tuple[tuple[str, ...], np.ndarray, np.ndarray | None]:
    """Read what is to be learnt: classes and int32 (N,) labels; of a regression its name, and float64 (N,) numbers."""
    numbers = [parse_number(cell) for cell in column if cell.casefold() not in MISSING]
    is_numeric = None not in numbers
    labels = ["" if is_numeric and cell.casefold() in MISSING else normalize_name(cell) for cell in column]
    classes, numbered = number_classes(str(table), labels)
    min_classes = 1 if column_spec.columns else 2  # what is only to be predicted may be of one class
    if len(classes) < min_classes:
        raise DataError(_nothing_to_learn(str(table), target, classes))
    if column_spec.task == "regression" or (column_spec.task == "auto" and is_numeric and _is_continuous(numbers)):
        targets = parse_numbers(table, target, column)
        return (target,), np.where(np.isnan(targets), UNLABELED, 0).astype(np.int32), targets
    return tuple(classes), numbered, None


def _nothing_to_learn(origin: str, target: str, classes: Sequence[str]) -> str:
    if not classes:
        return _("{path}: the column {target} is empty: choose another.").format(path=origin, target=target)
    message = _("{path}: the column {target} is {value} in every row, so there is nothing to learn: choose another.")
    return message.format(path=origin, target=target, value=classes[0])


def _is_continuous(cells: Sequence[float | None]) -> bool:
    """Return whether numbers have fractions, or are more than `MAX_CLASSES` different whole ones."""
    numbers = [number for number in cells if number is not None]
    return any(not number.is_integer() for number in numbers) or len(set(numbers)) > MAX_CLASSES


def _choose_target(table: Path, columns: list[str], requested: str) -> tuple[str, Notice]:
    """Choose the column to learn, and say why it is this one."""
    if requested and requested not in columns:
        message = _('Unknown column "{name}" in {path}{hint}.')
        raise ConfigError(message.format(path=table, name=requested, hint=suggest(requested, columns)))
    well_known = [name for word in TARGETS for name in columns if name.casefold() == word]
    if requested:
        target, reason = requested, "word.target_requested"
    elif well_known:
        target, reason = well_known[0], "word.target_by_name"
    else:
        target, reason = columns[-1], "word.target_last"
    return target, Notice("data.target", {"table": table.name, "target": target, "reason": Notice(reason)})


def _read_splits(
    table: Path, cells: Cells, target: str, column_spec: ColumnSpec, notices: list[Notice]
) -> tuple[str, dict[str, Split], np.ndarray]:
    """Return the column of splits, "" for none, what its cells stand for, and uint8 (N,) of `Split`.

    Numbers are read in a column called split or is_test; in one called phase they may be a measurement.
    """
    given_split = np.full(len(cells[target]), Split.NONE, dtype=np.uint8)
    if column_spec.split:
        name = require_column(str(table), column_spec.split, list(cells))
    else:
        named = find_named("split", [name for name in cells if name != target])
        name = next((name for name in named if _names_splits(name, cells[name])), "")
    if not name:
        return "", {}, given_split
    splits, noted = read_splits(name, cells[name], bool(column_spec.split))
    notices += noted
    return name, splits, np.array([splits.get(word, Split.NONE) for word in cells[name]], dtype=np.uint8)


def _names_splits(name: str, column: Sequence[str]) -> bool:
    if re.fullmatch(r"(?i)split|is_?(valid|val|test|train)(ation|ing)?", name):
        return bool(read_splits(name, column, requested=False)[0])
    return bool(splits_from_names(filter(None, dict.fromkeys(column))))


def _read_groups(
    table: Path, cells: Cells, taken: Sequence[str], column_spec: ColumnSpec, notices: list[Notice]
) -> tuple[str, list[str]]:
    """Return the column of groups, "" for none, and the group of each row, none where it groups nothing."""
    if column_spec.group == NO_GROUPS or is_pattern(column_spec.group):
        return "", []
    requested = require_column(str(table), column_spec.group, list(cells)) if column_spec.group else ""
    named = find_named("group", [name for name in cells if name not in taken])
    name = requested or (named[0] if len(named) == 1 else "")
    if not name:
        return "", []
    groups, noted = read_groups(name, cells[name], cells[taken[0]])
    notices += noted
    return (name, groups) if groups or requested else ("", [])


def _choose_columns(table: Path, cells: Cells, candidates: list[str], notices: list[Notice]) -> list[str]:
    """Choose the columns that carry information: numeric ones that are not row numbers."""
    not_numeric = [name for name in candidates if not is_numeric(cells[name])]
    numeric = [name for name in candidates if name not in not_numeric]
    row_numbers = [name for name in numeric if _is_row_number(name, parse_numbers(table, name, cells[name]))]
    for code, names in (("data.columns_not_numeric", not_numeric), ("data.columns_row_numbers", row_numbers)):
        if names:
            notices.append(Notice(code, {"names": abbreviate(names)}))
    columns = [name for name in numeric if name not in row_numbers]
    if not columns:
        message = _(
            "{path} needs a column of images (--image COLUMN) and one of labels (--label COLUMN), or columns of "
            "numbers, and has {names}."
        )
        raise DataError(message.format(path=table, names=", ".join(cells)))
    return columns


def is_numeric(column: Sequence[str]) -> bool:
    """Return whether more than half of the filled cells are numbers, or none is filled."""
    filled = [parse_number(cell) is None for cell in column if cell.casefold() not in MISSING]
    return not any(filled) or 2 * sum(filled) < len(filled)


def _is_row_number(name: str, column: np.ndarray) -> bool:
    """Return whether the numbers count rows: each one more than the last, or, of a column called id, all different."""
    is_identifier = bool(find_named("row", [name]) or find_named("image", [name]) or _IDENTIFIER.search(name))
    is_counting = len(column) > 2 and bool((np.diff(column) == 1).all())
    return is_counting or (is_identifier and len(np.unique(column)) == len(column))
