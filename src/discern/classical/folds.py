"""Folds of the training part, for whatever is judged on examples that did not teach it."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from discern.errors import ConfigError
from discern.i18n import _

UNLABELLED = -1
Folds = list[tuple[np.ndarray, np.ndarray]]


def folds(answers: np.ndarray, groups: np.ndarray, cv: int, seed: int, classes: tuple[str, ...]) -> Folds:
    """Seeded (train, held) positions, class by class; copies stay together, and what has no label only trains.

    Raises
    ------
    ConfigError
        When a class, or a regression, has fewer examples than folds; copies count once.
    """
    known = np.flatnonzero(answers != UNLABELLED) if classes else np.arange(len(answers))
    rest = np.setdiff1d(np.arange(len(answers)), known)
    strata = answers[known] if classes else np.zeros(len(known), dtype=np.int64)
    label, n = fewest(strata, groups[known])
    if n < cv:
        name = classes[label] if classes else _("the training part")
        sentence = _(
            "--cv {cv} is more folds than there are training examples of {name} ({n}): take 2 to {n}, or give more."
        )
        raise ConfigError(sentence.format(cv=cv, name=name, n=n))
    found = _parted(strata, groups[known], cv, seed)
    return [(np.concatenate([known[train], rest]), known[held]) for train, held in found]


def fewest(strata: np.ndarray, groups: np.ndarray) -> tuple[int, int]:
    """The label with the fewest examples that are no copies of each other, and how many they are.

    Examples
    --------
    >>> fewest(np.array([0, 0, 1, 1, 1]), np.array([0, 1, 2, 2, 2]))
    (1, 1)
    """
    labels, counts = np.unique(np.unique(np.stack([strata, groups], axis=1), axis=0)[:, 0], return_counts=True)
    return int(labels[counts.argmin()]), int(counts.min())


def _parted(strata: np.ndarray, groups: np.ndarray, cv: int, seed: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold

    if len(np.unique(groups)) == len(groups):  # dealing one group at a time is slow
        return iter(StratifiedKFold(cv, shuffle=True, random_state=seed).split(strata, strata))
    return iter(StratifiedGroupKFold(cv, shuffle=True, random_state=seed).split(strata, strata, groups))
