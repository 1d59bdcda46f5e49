"""What belongs together beside copies: images of one patient, camera, burst or video, by a pattern over the path."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np

from discern.data.dataset import Dataset
from discern.errors import ConfigError
from discern.i18n import _
from discern.notices import Notice


def is_pattern(group: str) -> bool:
    """Return whether the setting ``group`` is a pattern over the path, and not the name of a column.

    Examples
    --------
    >>> is_pattern("patient_(.*?)_"), is_pattern("patient_id")
    (True, False)
    """
    return "(" in group


def group_by_pattern(dataset: Dataset, pattern: str) -> Dataset:
    """Group examples by what ``pattern``, a regular expression, captures in their paths.

    Without parentheses that capture, a group is what the whole pattern matches; of several the captures together make
    it. Examples whose path does not match are in no group. A `ConfigError` says where the pattern is none, or groups
    nothing.

    Examples
    --------
    >>> from discern.data.open import open_data
    >>> open_data("digits").store.path(0)
    'digits#0'
    >>> group_by_pattern(open_data("digits"), "(.)$").groups[8:12].tolist()
    [8, 9, 0, 1]
    """
    try:
        search = re.compile(pattern).search
    except re.error as error:
        message = _('"{pattern}" is no regular expression ({reason}): give one such as "patient_(.*?)_".')
        raise ConfigError(message.format(pattern=pattern, reason=error)) from error
    numbers: dict[tuple[str, ...], int] = {}
    groups = np.full(len(dataset), -1, dtype=np.int64)
    path = dataset.store.path
    for index in range(len(dataset)):
        match = search(path(index))
        if match:
            captured = match.groups("") or (match[0],)
            groups[index] = numbers.setdefault(captured, len(numbers))
    if len(numbers) < 2:
        message = _(
            'The pattern "{pattern}" finds {n} groups in the paths of {data} ({path}): it must capture what changes '
            'from one group to the next, as "patient_(.*?)_" does.'
        )
        fields = {"pattern": pattern, "n": len(numbers), "data": dataset.origin, "path": path(0)}
        raise ConfigError(message.format(**fields))
    example, rest = "".join(next(iter(numbers))), int((groups < 0).sum())
    notice = Notice("data.groups_by_pattern", {"n": len(numbers), "pattern": pattern, "name": example})
    notices = [notice, Notice("data.ungrouped", {"n": rest})] if rest else [notice]
    if dataset.groups is not None:  # copies of one original, which stay together as well
        groups = join_groups(join_groups(np.arange(len(dataset)), dataset.groups), groups)
    return replace(dataset, groups=groups, notices=(*dataset.notices, *notices))


def join_groups(first: np.ndarray, second: np.ndarray | None) -> np.ndarray:
    """Return what must stay together because of either grouping: int64 (N,), equal numbers for one group.

    Of ``second`` (N,) negative numbers are no group; None is none at all.

    Examples
    --------
    >>> join_groups(np.array([0, 0, 1, 2, 3]), np.array([-1, 7, 7, 8, -1])).tolist()
    [0, 0, 0, 1, 2]
    """
    if second is None or not (second >= 0).any():
        return first
    from scipy.sparse import coo_matrix  # type: ignore[import-untyped]
    from scipy.sparse.csgraph import connected_components  # type: ignore[import-untyped]

    grouped = np.flatnonzero(second >= 0)
    n = int(first.max()) + 1
    total = n + int(second.max()) + 1
    ends = (first[grouped], n + second[grouped])
    component = connected_components(
        coo_matrix((np.ones(len(grouped), np.int8), ends), (total, total)), directed=False
    )[1]
    joined: np.ndarray = component[first].astype(np.int64)
    return joined
