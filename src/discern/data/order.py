"""The order a person expects of names: 2 before 10."""

from __future__ import annotations

import re

_DIGITS = re.compile("[0-9]+")


def natural(name: str) -> str:
    """A sort key under which numbers inside names count as numbers, and letter case only breaks ties.

    Examples
    --------
    >>> sorted(["10.png", "b2", "9.png", "B10", "b1"], key=natural)
    ['9.png', '10.png', 'b1', 'b2', 'B10']
    """
    return _DIGITS.sub(_as_number, name.casefold()) + "\0" + name


def _as_number(digits: re.Match[str]) -> str:
    bare = digits[0].lstrip("0")
    return f"{len(bare):04d}{bare}"  # how many digits, then the digits: orders numbers of any length
