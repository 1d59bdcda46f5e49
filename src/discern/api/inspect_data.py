"""What is in a data set: classes and counts, sizes, the split it would get, and the audit."""

from __future__ import annotations

from discern.data.config import DataConfig
from discern.data.summary import DataSummary, summarize_data
from discern.data.tabular import TargetSpec
from discern.display import reporting
from discern.progress import Reporter
from discern.runs.prepare import DataLike, prepare


def inspect_data(data: DataLike, *, seed: int = 0, target: str = "", reporter: Reporter | None = None) -> DataSummary:
    """Look at ``data`` without training.

    Parameters
    ----------
    data : path, name or Dataset
        What `discern.open_data` takes.
    seed : int
        Random seed of the split.
    target : str
        The column of a table to predict; chosen unless given.
    reporter : Reporter, optional
        Follows the work; stderr shows it unless given.

    Raises
    ------
    DataError
        When it cannot be used.

    Examples
    --------
    >>> from discern.progress import NullReporter
    >>> summary = inspect_data("digits", reporter=NullReporter())
    >>> summary.n, len(summary.classes)
    (1797, 10)
    """
    with reporting(reporter) as shown:
        prepared = prepare(data, seed, DataConfig(), shown, TargetSpec(target))
        return summarize_data(prepared.dataset, prepared.stats, prepared.audit, prepared.split)
