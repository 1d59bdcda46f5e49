"""One training at a time writes a run."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from discern.errors import RunError
from discern.i18n import _
from discern.printable import quote_argument

_ABANDONED = 3600  # seconds after which a temporary file beside the checkpoints has no writer any more


@contextmanager
def lock_run(path: Path) -> Iterator[None]:
    """Hold the lock of the run at ``path`` and sweep what a killed training left half-written; the dead hold no lock.

    Raises `RunError` where another training, of this process or another, holds it. The folder itself is locked, so no
    file stays; where there are no such locks (Windows, some network disks), two trainings are not told apart.

    Examples
    --------
    >>> import tempfile
    >>> with lock_run(Path(tempfile.mkdtemp())):
    ...     pass
    """
    try:
        import fcntl
    except ImportError:
        yield
        return
    try:
        descriptor = os.open(path, os.O_RDONLY)
    except OSError:  # it is missing or no folder, of which whoever reads it has a sentence
        yield
        return
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        _sweep(path)
    except BlockingIOError as error:
        os.close(descriptor)
        message = _("{run} is being trained already: wait until that training ends, or stop it, and resume again.")
        raise RunError(message.format(run=quote_argument(path))) from error
    except OSError:
        pass
    try:
        yield
    finally:
        os.close(descriptor)


def _sweep(path: Path) -> None:
    """Remove temporary files: at once where training alone writes, after an hour where a report may be written."""
    for leftover in (path / "checkpoint").rglob(".*.part"):
        leftover.unlink(missing_ok=True)
    for leftover in path.glob(".*.part"):
        with suppress(FileNotFoundError):
            if time.time() - leftover.stat().st_mtime > _ABANDONED:
                leftover.unlink()
