"""What is in a data set: classes and counts, sizes, the split it would get, and the audit."""

from __future__ import annotations

from typing import Any

from discern.data.columns import ColumnSpec
from discern.data.config import make_read_config
from discern.data.summary import DataSummary
from discern.display import reporting
from discern.progress import Reporter
from discern.runs.prepare import DataLike, prepare


def inspect_data(data: DataLike, *, reporter: Reporter | None = None, **settings: Any) -> DataSummary:
    """Look at ``data`` without training.

    Parameters
    ----------
    data : path, name or Dataset
        What `discern.open_data` takes.
    reporter : Reporter, optional
        Follows the work; stderr shows it unless given.
    settings
        Of how the data are read and split, as in `discern.train`: ``seed``, ``test``, ``label``, ``group`` and others.

    Raises
    ------
    DataError
        When it cannot be used.
    ConfigError
        When a setting is unknown or not allowed.

    Examples
    --------
    >>> from discern.progress import NullReporter
    >>> summary = inspect_data("digits", reporter=NullReporter())
    >>> summary.n, len(summary.classes)
    (1797, 10)
    """
    config = make_read_config(settings)
    with reporting(reporter) as shown:
        target = ColumnSpec(config.table.target, config.table.task)
        return prepare(data, config.seed, config.data, shown, target).summarize()
