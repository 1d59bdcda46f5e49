"""The report of a run, made from its directory alone."""

from __future__ import annotations

import os
from pathlib import Path

from discern.api.run import Run
from discern.display import display
from discern.evaluation.report.page import page
from discern.evaluation.report.story import read_story
from discern.files import write_text
from discern.progress import Watcher
from discern.run import RunDirectory


def report(run: str | os.PathLike[str] | Run, watch: Watcher | None = None) -> Path:
    """Write ``report.html`` into a run, in the reader's language; training does so when it ends.

    Of an interrupted run the report tells what is there so far, and a notice how to go on. The pictures that the run
    was trained on are not needed: what the report shows of them is kept in the run.

    Parameters
    ----------
    run : path or Run
        A run, finished or not.
    watch : Watcher, optional
        Hears the notices; stderr shows them unless given.

    Returns
    -------
    Path
        Of the page, one file that needs no network.

    Raises
    ------
    RunError
        When there is no such run, or a file of it is damaged.
    DiskError
        When the disk is full or may not be written.

    Examples
    --------
    >>> report("runs/2026-11-22_digits_lenet").name  # doctest: +SKIP
    'report.html'
    """
    directory = run.directory if isinstance(run, Run) else RunDirectory(run)
    story = read_story(directory)
    write_text(directory.report, page(story))
    watch = watch or display()
    try:
        for sentence in filter(None, (story.remedy, story.moved())):
            watch.event({"event": "notice", "text": sentence})
    finally:
        watch.close()
    return directory.report
