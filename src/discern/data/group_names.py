"""Names that tell what belongs together: patients, cameras, clips and bursts, as people number them."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np

from discern.data.dataset import Dataset

_WORDS = re.compile(
    "(?i)(?<![a-z])((?:patient|subject|pat|subj|case|plant|tree|camera|cam|video|clip|burst|sequence|seq|session|slide|"
    "scene|animal)[-_ ]?)[0-9]+"
)
# Regular expressions over the path, as --group takes them, the surest first.
_PATTERNS = (
    r"((?:19|20)[0-9]{6}[-_T]?[0-9]{4})[0-9]{2}",  # a date and a time, to the minute
    r"([^/]*[0-9][^/]*)[-_ ][a-zA-Z]*[0-9]+\.[^./]+$",  # p03_0012.jpg, clip7-frame15.png
    r"([^/]+)/[^/]+$",  # a folder within that of the class
)
_BLOCKS, _ADJACENT = 20, 500  # names looked at in a large set: files of one group lie side by side
_MIN_COVERED = 0.8  # of the names
_MIN_SIZE = 2.0  # images in a group on average
_MAX_FRACTION = 0.5  # of the images in one group


@dataclass(frozen=True)
class GroupProposal:
    """A pattern that may tell what belongs together, what it captures first, and how many groups it makes."""

    pattern: str
    name: str
    n: int  # groups, among the names looked at


def propose_groups(dataset: Dataset) -> GroupProposal | None:
    """Propose a pattern for --group, from the names of the images; None where they do not repeat a part as groups do.

    Groups are at least twice as many as the classes, and hold two images or more on average, none half of all.

    Examples
    --------
    >>> from discern.data.open import open_data
    >>> propose_groups(open_data("digits")) is None
    True
    """
    n = len(dataset)
    starts = range(0, n, max(_ADJACENT, n // _BLOCKS)) if n > _BLOCKS * _ADJACENT else range(0, n, _ADJACENT)
    indices = [index for start in starts for index in range(start, min(start + _ADJACENT, n))]
    paths = [dataset.store.path(index) for index in indices]
    words = dict.fromkeys(match[1] for path in paths[:_ADJACENT] if (match := _WORDS.search(path)))
    for pattern in (*(f"({word}[0-9]+)" for word in words), *_PATTERNS):
        search = re.compile(pattern).search
        captured = [match[1] if (match := search(path)) else "" for path in paths]
        if _is_grouping(captured, len(dataset.classes)):
            return GroupProposal(pattern, next(filter(None, captured)), len(set(filter(None, captured))))
    return None


def _is_grouping(captured: list[str], n_classes: int) -> bool:
    """Return whether what was captured, "" for nothing, divides the examples as groups do, and not as classes do."""
    names, counts = np.unique([name for name in captured if name], return_counts=True)
    covered = int(counts.sum())
    if covered < _MIN_COVERED * len(captured) or len(names) < max(3, 2 * n_classes):
        return False
    return bool(covered >= _MIN_SIZE * len(names) and counts.max() <= _MAX_FRACTION * covered)
