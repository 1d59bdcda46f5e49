"""Files that are whole or absent: written to a temporary name, then renamed; and where the cache lives."""

from __future__ import annotations

import errno
import json
import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from discern.errors import DiskError
from discern.i18n import _


@contextmanager
def disk_errors(path: Path) -> Iterator[None]:
    """Turn the operating system's refusal to write at ``path`` into a `DiskError` that says what to do."""
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            raise DiskError(
                _("The disk that holds {path} is full: free some space, or choose another place.").format(path=path)
            ) from error
        if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTDIR, errno.EEXIST):
            raise DiskError(_("{path} may not be written: choose a folder that is yours.").format(path=path)) from error
        raise


@contextmanager
def replacing(path: str | os.PathLike[str]) -> Iterator[Path]:
    """A temporary path beside ``path`` to write to; it becomes ``path`` if the block ends well, else it is removed.

    Raises
    ------
    DiskError
        When the disk is full or the folder may not be written.

    Examples
    --------
    >>> import tempfile
    >>> target = Path(tempfile.mkdtemp()) / "note.txt"
    >>> with replacing(target) as temporary:
    ...     count = temporary.write_text("whole")
    >>> target.read_text()
    'whole'
    """
    path = Path(path)
    with disk_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = path.with_name(f".{path.name}.{uuid.uuid4().hex[:8]}.part")
        try:
            yield temporary
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)


def write_text(path: str | os.PathLike[str], text: str) -> None:
    """Write ``text`` as UTF-8, whole or not at all."""
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_json(path: str | os.PathLike[str], value: Any, indent: int | None = 2) -> None:
    """Write ``value`` as JSON, whole or not at all."""
    write_text(path, json.dumps(value, ensure_ascii=False, indent=indent) + "\n")


def read_json(path: str | os.PathLike[str]) -> Any:
    """Read a JSON file."""
    return json.loads(Path(path).read_text(encoding="utf-8"))


def cache_folder() -> Path:
    """Where decoded pixels and downloads are kept: ``DISCERN_CACHE``, else the user's cache folder."""
    chosen = os.environ.get("DISCERN_CACHE")
    if chosen:
        return Path(chosen).expanduser()
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "discern"


def data_folders() -> list[Path]:
    """Where data sets named on the command line are looked up, in order: ``DISCERN_DATA``, then the cache folder."""
    chosen = os.environ.get("DISCERN_DATA")
    return ([Path(chosen).expanduser()] if chosen else []) + [cache_folder() / "data"]


def weights_folders() -> list[Path]:
    """Where weights are looked up, in order: ``DISCERN_WEIGHTS``, ``weights`` beside the data, the cache folder."""
    chosen = os.environ.get("DISCERN_WEIGHTS")
    named = [Path(chosen).expanduser()] if chosen else []
    return [*named, *(folder.parent / "weights" for folder in data_folders())]
