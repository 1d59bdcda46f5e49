"""The files that a pattern means: ``{000..009}`` and ``{a,b}`` as a shell has them, ``*``, ``?`` and ``[...]``."""

from __future__ import annotations

import glob
import itertools
import re
from pathlib import Path

from discern.data.names import natural_key
from discern.errors import DataError, nearest
from discern.i18n import _

MAX_FILES = 1_000_000


def expand_braces(pattern: str) -> list[str]:
    """Return what the braces of ``pattern`` mean, in order.

    Examples
    --------
    >>> expand_braces("{train,val}-{08..10}.tar")
    ['train-08.tar', 'train-09.tar', 'train-10.tar', 'val-08.tar', 'val-09.tar', 'val-10.tar']
    """
    pieces: list[list[str]] = []
    total = 1
    for text in re.split(r"(\{[^{}]*\})", pattern):
        pieces.append(_list_alternatives(text) if text.startswith("{") else [text])
        total *= len(pieces[-1])
        if total > MAX_FILES:
            raise _too_many(pattern)
    return ["".join(combination) for combination in itertools.product(*pieces)]


def _too_many(pattern: str) -> DataError:
    return DataError(_("{pattern} means more than {limit} files.").format(pattern=pattern, limit=MAX_FILES))


def _list_alternatives(braced: str) -> list[str]:
    """Return what ``{8..10}`` or ``{a,b}`` means; other braces mean themselves."""
    inner = braced[1:-1]
    numbers = re.fullmatch("([0-9]{1,9})[.][.]([0-9]{1,9})", inner)
    if not numbers:
        return inner.split(",") if "," in inner else [braced]
    first, last = map(int, numbers.groups())
    width = max(map(len, numbers.groups())) if any(len(n) > 1 and n[0] == "0" for n in numbers.groups()) else 0
    if abs(last - first) >= MAX_FILES:
        raise _too_many(braced)
    step = 1 if last >= first else -1
    return [f"{number:0{width}d}" for number in range(first, last + step, step)]


def expand_pattern(pattern: str, suffix: str) -> list[Path]:
    """Return the files that ``pattern`` means, each once; for a folder those that end in ``suffix``.

    A `DataError` says which of them is missing.
    """
    names = [pattern] if Path(pattern).exists() else expand_braces(pattern)
    return list(dict.fromkeys(path for name in names for path in _find(name, suffix)))


def _find(name: str, suffix: str) -> list[Path]:
    path = Path(name)
    if path.is_dir():
        files = [inner for inner in path.iterdir() if inner.suffix == suffix and not inner.name.startswith(".")]
        if not files:
            raise DataError(_("{path} has no {suffix} files.").format(path=path, suffix=suffix))
        return sorted(files, key=lambda inner: natural_key(inner.name))
    if path.is_file():
        return [path]
    if glob.escape(name) != name:
        files = [Path(inner) for inner in glob.glob(name)]  # noqa: PTH207 - an absolute pattern
        if files:
            return sorted(files, key=lambda inner: natural_key(str(inner)))
        raise DataError(_("No file matches {pattern}: check the pattern.").format(pattern=name))
    beside = [inner.name for inner in path.parent.iterdir()] if path.parent.is_dir() else []
    similar = ", ".join(str(path.with_name(inner)) for inner in nearest(path.name, beside))
    if similar:
        raise DataError(_("There is no file {path} (did you mean {names}?).").format(path=path, names=similar))
    raise DataError(_("There is no file {path}: check its name.").format(path=path))
