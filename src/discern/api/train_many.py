"""Several models on one split."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from discern.display import reporting
from discern.progress import Reporter
from discern.runs.leaderboard import Leaderboard, train_models
from discern.runs.prepare import DataLike
from discern.runs.request import split_request


def train_many(
    data: DataLike,
    models: Sequence[str],
    *,
    out: str | os.PathLike[str] | None = None,
    reporter: Reporter | None = None,
    **settings: Any,
) -> Leaderboard:
    """Train each of ``models`` on the identical split.

    Parameters
    ----------
    data : path, name or Dataset
        What `discern.open_data` takes.
    models : sequence of str
        Names of networks and classical models.
    out : path, optional
        A folder for the runs, one a model; ``runs`` unless given.
    reporter : Reporter, optional
        Follows the work; stderr shows it unless given.
    **settings
        As `discern.train` takes them; each goes to the models that have it.

    Raises
    ------
    DataError, ConfigError, ModelError
        Before anything is trained, when a name, a setting or the data cannot be used; afterwards when every model
        failed.

    Examples
    --------
    >>> leaderboard = train_many("digits", ["knn", "svm-rbf", "forest"])  # doctest: +SKIP
    >>> leaderboard.rows()[0]["model"]  # doctest: +SKIP
    'svm-rbf'
    """
    requests = split_request(data, models, settings, out)
    with reporting(reporter) as shown:
        return train_models(requests, None if out is None else Path(out), shown)
