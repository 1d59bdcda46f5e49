"""The files that a pattern means: ``{000..009}`` and ``{a,b}`` as a shell has them, ``*``, ``?`` and ``[...]``."""

from __future__ import annotations

import glob
import itertools
import re
from pathlib import Path

from discern.data.order import natural
from discern.errors import DataError, nearest
from discern.i18n import _

MOST = 1_000_000  # files


def braces(pattern: str) -> list[str]:
    """What the braces of ``pattern`` mean, in order.

    Examples
    --------
    >>> braces("{train,val}-{08..10}.tar")
    ['train-08.tar', 'train-09.tar', 'train-10.tar', 'val-08.tar', 'val-09.tar', 'val-10.tar']
    """
    pieces: list[list[str]] = []
    total = 1
    for text in re.split(r"(\{[^{}]*\})", pattern):
        pieces.append(_alternatives(text) if text.startswith("{") else [text])
        total *= len(pieces[-1])
        if total > MOST:
            raise DataError(_("{pattern} means more than {most} files.").format(pattern=pattern, most=MOST))
    return ["".join(found) for found in itertools.product(*pieces)]


def _alternatives(braced: str) -> list[str]:
    """``{8..10}``, ``{a,b}``; other braces mean themselves."""
    inner = braced[1:-1]
    numbers = re.fullmatch("([0-9]{1,9})[.][.]([0-9]{1,9})", inner)
    if not numbers:
        return inner.split(",") if "," in inner else [braced]
    first, last = map(int, numbers.groups())
    width = max(map(len, numbers.groups())) if any(len(n) > 1 and n[0] == "0" for n in numbers.groups()) else 0
    if abs(last - first) >= MOST:
        raise DataError(_("{pattern} means more than {most} files.").format(pattern=braced, most=MOST))
    step = 1 if last >= first else -1
    return [f"{number:0{width}d}" for number in range(first, last + step, step)]


def expanded(pattern: str, suffix: str) -> list[Path]:
    """The files that ``pattern`` means, each once; of a folder those that end in ``suffix``.

    Raises
    ------
    DataError
        When one of them is not there.
    """
    names = [pattern] if Path(pattern).exists() else braces(pattern)
    return list(dict.fromkeys(path for name in names for path in _there(name, suffix)))


def _there(name: str, suffix: str) -> list[Path]:
    path = Path(name)
    if path.is_dir():
        found = [inner for inner in path.iterdir() if inner.suffix == suffix and not inner.name.startswith(".")]
        if not found:
            raise DataError(_("{path} holds no {suffix} files.").format(path=path, suffix=suffix))
        return sorted(found, key=lambda inner: natural(inner.name))
    if path.is_file():
        return [path]
    if glob.escape(name) != name:
        found = [Path(inner) for inner in glob.glob(name)]  # noqa: PTH207 - an absolute pattern
        if found:
            return sorted(found, key=lambda inner: natural(str(inner)))
        raise DataError(_("No file is called like {pattern}: check the pattern.").format(pattern=name))
    beside = [inner.name for inner in path.parent.iterdir()] if path.parent.is_dir() else []
    near = ", ".join(str(path.with_name(inner)) for inner in nearest(path.name, beside))
    if near:
        raise DataError(_("There is no file {path}: did you mean {names}?").format(path=path, names=near))
    raise DataError(_("There is no file {path}: check its name.").format(path=path))
