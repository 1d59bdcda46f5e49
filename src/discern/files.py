"""Files that are complete or absent: written under a temporary name, then renamed; and where the cache lives."""

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
            message = _("The disk that holds {path} is full: free some space, or choose another folder.")
            raise DiskError(message.format(path=path)) from error
        if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTDIR, errno.EEXIST):
            raise DiskError(_("{path} is not writable: choose another folder.").format(path=path)) from error
        raise


@contextmanager
def atomic_write(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Write to a temporary path that becomes ``path`` if the block ends well, and is removed if not.

    Raises
    ------
    DiskError
        When the disk is full or the folder is not writable.

    Examples
    --------
    >>> import tempfile
    >>> target = Path(tempfile.mkdtemp()) / "note.txt"
    >>> with atomic_write(target) as temporary:
    ...     count = temporary.write_text("complete")
    >>> target.read_text()
    'complete'
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
    """Write ``text`` as UTF-8, complete or not at all."""
    with atomic_write(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_json(path: str | os.PathLike[str], value: Any, indent: int | None = 2) -> None:
    """Write ``value`` as JSON, complete or not at all."""
    write_text(path, json.dumps(value, ensure_ascii=False, indent=indent) + "\n")


def read_json(path: str | os.PathLike[str]) -> Any:
    """Read a JSON file."""
    return json.loads(Path(path).read_text(encoding="utf-8"))


def cache_folder() -> Path:
    """Return the folder of decoded pixels and downloads: ``DISCERN_CACHE``, else in the user's cache folder."""
    setting = os.environ.get("DISCERN_CACHE")
    if setting:
        return Path(setting).expanduser()
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "discern"


def data_folders() -> list[Path]:
    """Return the folders in which a data set is looked up by name, in order: ``DISCERN_DATA``, the cache folder."""
    setting = os.environ.get("DISCERN_DATA")
    return ([Path(setting).expanduser()] if setting else []) + [cache_folder() / "data"]


def weights_folders() -> list[Path]:
    """Return the folders of weights, in order: ``DISCERN_WEIGHTS``, ``weights`` beside the data, the cache folder."""
    setting = os.environ.get("DISCERN_WEIGHTS")
    first = [Path(setting).expanduser()] if setting else []
    return [*first, *(folder.parent / "weights" for folder in data_folders())]
