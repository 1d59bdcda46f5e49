"""What is in a data set: classes and counts, sizes, the split it would get, and the audit."""

from __future__ import annotations

from discern.api.prepare import DataLike, Prepared, prepare
from discern.data.rows import Question
from discern.display import display
from discern.progress import Watcher
from discern.training.config import Config


def inspect(data: DataLike, seed: int = 0, watch: Watcher | None = None, target: str = "") -> Prepared:
    """Look at ``data`` without training.

    Parameters
    ----------
    data : path, name or Dataset
        What `discern.open_data` takes.
    seed : int
        Of the split.
    target : str
        Of a table of numbers, the column to learn; chosen unless given.

    Raises
    ------
    DataError
        When it cannot be used.

    Examples
    --------
    >>> from discern.progress import Watcher
    >>> found = inspect("digits", watch=Watcher())
    >>> len(found.dataset), len(found.dataset.classes)
    (1797, 10)
    """
    watch = watch or display()
    config = Config()
    try:
        return prepare(data, seed, config.validation, config.test, watch, question=Question(target))
    finally:
        watch.close()
