"""Finished runs side by side."""

from __future__ import annotations

import os
from collections.abc import Sequence

from discern.evaluation.comparison import Comparison
from discern.runs.compare import compare_runs
from discern.runs.run import Run


def compare(
    runs: Sequence[str | os.PathLike[str] | Run], *, sort: str = "accuracy", model_code: str | None = None
) -> Comparison:
    """Compare runs on the test split they share (on validation where not all have one); times are measured now.

    Parameters
    ----------
    runs : sequence of path or Run
        Two or more.
    sort : str
        accuracy, loss, parameters, size, training, latency, batch, memory or name; the best first.
    model_code : str, optional
        ``file.py:function`` that builds the networks that are your own.

    Raises
    ------
    RunError
        When one is no finished run or has no stored predictions, or when classes or what they were tested on differ.
    ConfigError
        When fewer than two are given, or there is no such key.

    Examples
    --------
    >>> compare(["runs/lenet", "runs/resnet18"]).best.text()  # doctest: +SKIP
    'There is no evidence that lenet is better than resnet18 on 153 images: ...'
    """
    return compare_runs(runs, sort, model_code)
