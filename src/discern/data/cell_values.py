"""What the cells of a table of images say, however the tool that wrote them put it: a class, a split, a group."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Sequence

import numpy as np

from discern.data.columns import Columns, find_named, is_yes
from discern.data.dataset import Split
from discern.data.names import normalize_name, split_from_name, splits_from_names
from discern.data.table_file import MISSING
from discern.errors import DataError
from discern.i18n import _
from discern.notices import Notice

_SEPARATORS = "|;, "
_MAX_LIST = 10_000  # characters of a cell that is read as a list
_QUOTED = re.compile(r"'([^']*)'|\"([^\"]*)\"")
_SPLITS_BY_NUMBER = {"0": Split.TRAIN, "1": Split.VALIDATION, "2": Split.TEST}


def read_labels(origin: str, column: Sequence[str]) -> list[str]:
    """Return the class that each cell names, "" where it names none.

    ``["ant"]`` and ``{"choices": ["ant"]}`` are ant, ``2.0`` is 2. A `DataError` says how many rows have several
    labels, or that the column holds fractions.

    Examples
    --------
    >>> read_labels("t.csv", ['["ant"]', "bee", ""]), read_labels("t.csv", ["1.0", "0.0", "nan"])
    (['ant', 'bee', ''], ['1', '0', ''])
    """
    names = {cell: _parse_list(cell) for cell in dict.fromkeys(column)}
    names |= _split_combinations(names)
    several = {cell for cell, inner in names.items() if len(inner) > 1}
    if several:
        rows = [row for row, cell in enumerate(column, 1) if cell in several]
        raise _several_labels(origin, rows, names[column[rows[0] - 1]])
    words = _format_integers(origin, {cell: "".join(inner) for cell, inner in names.items()})
    return [words[cell] for cell in column]


def read_one_hot(origin: str, columns: Columns, names: Sequence[str]) -> list[str]:
    """Return the class of each row, the one of ``names`` whose cell is 1; "" where all are 0.

    A `DataError` says how many rows have several.
    """
    yes = np.array([[is_yes(cell) for cell in columns[name]] for name in names])  # (C, N)
    several = np.flatnonzero(yes.sum(axis=0) > 1)
    if len(several):
        labels = [name for name, flag in zip(names, yes[:, several[0]], strict=True) if flag]
        raise _several_labels(origin, (several + 1).tolist(), labels)
    classes = [*map(normalize_name, names), ""]
    number = np.where(yes.any(axis=0), yes.argmax(axis=0), len(names))
    return [classes[i] for i in number.tolist()]


def read_splits(name: str, column: Sequence[str], requested: bool) -> tuple[dict[str, Split], list[Notice]]:
    """Return the split that each different cell of the column called ``name`` stands for; nothing where it is no split.

    Words are read by `splits_from_names`; 0, 1, 2 are train, validation, test, but for a column of folds, unless it is
    ``requested``; yes and no by the name of the column: is_valid, is_test, is_train.

    Examples
    --------
    >>> splits, notices = read_splits("is_valid", ["True", "False"], False)
    >>> splits["True"].name, notices[0].text()
    ('VALIDATION', 'The column is_valid is read as splits: True as validation, False as training.')
    """
    values = [value for value in dict.fromkeys(column) if value]
    bare = re.sub(r"[\W_]", "", name).casefold().removeprefix("is").removesuffix("image")
    meaning = split_from_name(bare)
    numbers = {value: value.removesuffix(".0") for value in values}
    if values and {value.casefold() for value in numbers.values()} <= {"0", "1", "true", "false"} and meaning:
        other = Split.TEST if meaning == Split.TRAIN else Split.TRAIN
        splits = {value: meaning if is_yes(value) else other for value in values}
    elif (
        (requested or bare not in ("fold", "phase"))
        and len(values) > 1
        and set(numbers.values()) <= _SPLITS_BY_NUMBER.keys()
    ):
        splits = {value: _SPLITS_BY_NUMBER[number] for value, number in numbers.items()}
    else:
        splits = splits_from_names(values)
        if splits or not values:
            return splits, []
        notice = Notice("data.split_not_read", {"column": name, "values": _first(values)})
        return {}, [notice] if len(values) > 1 else []
    words = [Notice("word.value_split", {"value": v, "split": Notice(_WORDS[s])}) for v, s in splits.items()]
    return splits, [Notice("data.split_values", {"column": name, "values": words})]


_WORDS = {Split.TRAIN: "word.train", Split.VALIDATION: "word.validation", Split.TEST: "word.test"}


def read_groups(name: str, column: Sequence[str], labels: Sequence[str]) -> tuple[list[str], list[Notice]]:
    """Return the group of each row; none where the column groups nothing: all rows, none, or each class as a whole.

    Examples
    --------
    >>> read_groups("patient", ["a", "a", "b", "b"], ["x", "y", "x", "y"])[0]
    ['a', 'a', 'b', 'b']
    >>> read_groups("patient", ["a", "b", "c", "d"], ["x", "y", "x", "y"])[0]
    []
    """
    counts = Counter(cell for cell in column if cell)
    if not counts or max(counts.values()) == 1:  # as without groups
        return [], []
    n_classes = len({label for label in labels if label})
    pairs = {(cell, label) for cell, label in zip(column, labels, strict=True) if cell and label}
    if len(counts) == 1 or (len(pairs) == len(counts) == n_classes):
        return [], [Notice("data.groups_not_read", {"column": name, "n": len(counts)})]
    return [normalize_name(cell) for cell in column], [Notice("data.groups", {"column": name, "n": len(counts)})]


def _parse_list(cell: str) -> list[str]:
    """Return the different labels in a cell: of a list, as JSON or as Python writes it, else the cell itself."""
    value: object = cell
    if cell[:1] + cell[-1:] in ("[]", "{}", "()") and len(cell) <= _MAX_LIST:
        value = _parse_brackets(cell)
    if isinstance(value, dict):  # {"choices": ["ant"]}, {"label": "ant"}
        fields = find_named("label", list(value)) or list(value)
        value = value[fields[0]] if len(fields) == 1 else cell
    inner: Iterable[object] = value if isinstance(value, list) else [value]
    return list(dict.fromkeys(normalize_name(str(name).strip()) for name in inner if str(name).strip()))


def _parse_brackets(cell: str) -> object:
    try:
        return json.loads(cell)
    except (ValueError, RecursionError):
        quoted = [first or second for first, second in _QUOTED.findall(cell)]  # numpy writes no commas between them
        if quoted or cell[0] == "{":
            return quoted or cell
        return cell[1:-1].split(",") if "," in cell else cell


def _split_combinations(names: dict[str, list[str]]) -> dict[str, list[str]]:
    """Return the cells that join other cells, as ``rust|scab`` does where rust and scab stand alone too."""
    alone = {inner[0] for inner in names.values() if len(inner) == 1}
    joined = {}
    for cell, inner in names.items():
        for separator in _SEPARATORS if len(inner) == 1 else "":
            words = [word.strip() for word in inner[0].split(separator)]
            if len(words) > 1 and alone.issuperset(words):
                joined[cell] = words
    return joined


def _format_integers(origin: str, words: dict[str, str]) -> dict[str, str]:
    """Write whole numbers without a fraction, where all are numbers; a `DataError` where some have one."""
    if not any("." in word for word in words.values()):
        return words
    numbers = {}
    for cell, word in words.items():
        try:
            numbers[cell] = None if word.casefold() in MISSING else float(word)
        except ValueError:
            return words
    fractions = [words[cell] for cell, number in numbers.items() if number is not None and not number.is_integer()]
    if fractions:
        message = _(
            "{path} has labels with fractions ({labels}), which are numbers and not classes: choose another column "
            "with --label COLUMN."
        )
        raise DataError(message.format(path=origin, labels=", ".join(_first(fractions))))
    return {cell: "" if number is None else str(int(number)) for cell, number in numbers.items()}


def _several_labels(origin: str, rows: Sequence[int], labels: Sequence[str]) -> DataError:
    message = _(
        "{path} gives {n} images several labels, which is not supported yet (row {row}: {labels}): keep one label for "
        "each image, or choose a column with --label COLUMN."
    )
    return DataError(message.format(path=origin, n=len(rows), row=rows[0], labels=", ".join(_first(labels))))


def _first(names: Sequence[str]) -> list[str]:
    return [*names[:3], "…"] if len(names) > 3 else list(names)
