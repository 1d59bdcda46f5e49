"""The report of a run, made from its directory alone."""

from __future__ import annotations

import os
from pathlib import Path

from discern.display import reporting
from discern.progress import Reporter
from discern.runs.evaluate import write_report
from discern.runs.run import Run
from discern.runs.run_directory import RunDirectory


def report(
    run: str | os.PathLike[str] | Run, *, out: str | os.PathLike[str] | None = None, reporter: Reporter | None = None
) -> Path:
    """Write the report of a run, in the reader's language; training does so when it ends.

    Of an unfinished run the report shows what is there so far, and how to resume it. The images that the run was
    trained on are not needed: those that the report shows are stored in the run.

    Parameters
    ----------
    run : path or Run
        A run, finished or not.
    out : path, optional
        The page to write; ``report.html`` in the run unless given.
    reporter : Reporter, optional
        Gets the notices; stderr shows them unless given.

    Returns
    -------
    Path
        Of the page, one file that needs no network.

    Raises
    ------
    RunError
        When there is no such run, or a file of it is damaged.
    DiskError
        When the disk is full or not writable.

    Examples
    --------
    >>> report("runs/2026-11-22_digits_lenet").name  # doctest: +SKIP
    'report.html'
    """
    directory = run.directory if isinstance(run, Run) else RunDirectory(run)
    with reporting(reporter) as shown:
        return write_report(directory, None if out is None else Path(out), shown)
