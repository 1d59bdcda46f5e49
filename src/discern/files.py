"""Files that are complete or absent: written under a temporary name, then renamed; and where the cache lives."""

from __future__ import annotations

import errno
import json
import os
import re
import stat
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from discern.errors import DiskError
from discern.i18n import _

MAX_FILE_BYTES = 2 << 30  # of an image or a stored file that is read into memory
# Opening a pipe that nobody writes to would wait for ever without O_NONBLOCK; a regular file ignores it.
_READ_FLAGS = os.O_RDONLY | sum(getattr(os, name, 0) for name in ("O_NONBLOCK", "O_NOCTTY", "O_BINARY"))


@contextmanager
def disk_errors(path: Path) -> Iterator[None]:
    """Turn the operating system's refusal to write at ``path`` into a `DiskError` that says what to do.

    safetensors tells of such a refusal in an exception of its own; what fails about an unrelated file stays as it is.
    """
    try:
        yield
    except Exception as error:
        number = _find_errno(error)
        if number is None or not _concerns(error, path):
            raise
        reason = os.strerror(number)
        raise DiskError(_describe_refusal(number).format(path=path, reason=reason)) from error


def _find_errno(error: Exception) -> int | None:
    """Return the number of the system's error; None where ``error`` is of another kind."""
    if isinstance(error, OSError):
        return error.errno or (errno.ENOSPC if "requested and" in str(error) else None)  # numpy: "9 requested and 4 …"
    if type(error).__module__.startswith("safetensors") and (found := re.search(r"os error (\d+)", str(error))):
        return int(found[1])
    return None


def _concerns(error: Exception, path: Path) -> bool:
    """Return whether ``error`` is about ``path``, a folder above it, or a file beside it; if it names none, it is."""
    name = getattr(error, "filename", None)
    if not isinstance(name, str | bytes | os.PathLike):
        return True
    named = Path(os.fsdecode(name))
    return path.is_relative_to(named) or named.parent == path.parent


def _describe_refusal(number: int) -> str:
    if number in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        return _("The disk that holds {path} is full: free some space, or choose another folder.")
    if number in (errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTDIR, errno.EEXIST, errno.EISDIR):
        return _("{path} is not writable: choose another folder.")
    if number == errno.ENAMETOOLONG:
        return _("The name {path} is too long for this disk: choose a shorter one.")
    return _("{path} was not written ({reason}): check the disk, or choose another folder.")


@contextmanager
def read_errors(path: str | os.PathLike[str]) -> Iterator[None]:
    """Turn the operating system's refusal to read ``path`` into a `DiskError`: it is no damage, nor is it missing."""
    try:
        check_regular(path)
        os.close(os.open(path, _READ_FLAGS))  # safetensors calls missing what it may not read
        yield
    except OSError as error:
        if error.errno in (None, errno.ENOENT):  # None: what Python says of damage
            raise
        message = _("{path} is not readable ({reason}): check its permissions and the disk.")
        raise DiskError(message.format(path=path, reason=error.strerror or error)) from error


def check_regular(path: str | os.PathLike[str], max_bytes: int | None = None) -> None:
    """Raise an `OSError` where ``path`` is a pipe, a device or a socket, which may never end, or too large.

    Examples
    --------
    >>> check_regular("/dev/zero")
    Traceback (most recent call last):
    OSError: [Errno 22] not a regular file: '/dev/zero'
    """
    _check_status(os.stat(path), path, max_bytes)  # noqa: PTH116 - as `read_file`


def read_file(path: str | os.PathLike[str], max_bytes: int = MAX_FILE_BYTES) -> bytes:
    """Read a regular file of at most ``max_bytes``; raise an `OSError` at once for what is none, and never wait for it.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.NamedTemporaryFile() as file:
    ...     read_file(file.name)
    b''
    """
    descriptor = os.open(path, _READ_FLAGS)
    try:
        size = _check_status(os.fstat(descriptor), path, max_bytes)
        pieces = [os.read(descriptor, size + 1)]
        while pieces[-1] and len(pieces[0]) != size:  # a network disk may give less at a time; /proc states no sizes
            pieces.append(os.read(descriptor, 1 << 20))
            if sum(map(len, pieces)) > max_bytes:
                raise _too_large(path, max_bytes)
    finally:
        os.close(descriptor)
    return pieces[0] if len(pieces) == 1 else b"".join(pieces)


def _check_status(status: os.stat_result, path: str | os.PathLike[str], max_bytes: int | None) -> int:
    """Return the size of a regular file in bytes."""
    if stat.S_ISDIR(status.st_mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    if not stat.S_ISREG(status.st_mode):
        raise OSError(errno.EINVAL, _("not a regular file"), str(path))
    if max_bytes is not None and status.st_size > max_bytes:
        raise _too_large(path, max_bytes)
    return status.st_size


def _too_large(path: str | os.PathLike[str], max_bytes: int) -> OSError:
    return OSError(errno.EFBIG, _("larger than {size:,} MB").format(size=max_bytes >> 20), str(path))


@contextmanager
def atomic_write(path: str | os.PathLike[str], durable: bool = False) -> Iterator[Path]:
    """Write to a temporary path that becomes ``path`` if the block ends well, and is removed if not.

    ``durable`` waits until file and name are on the disk, so that they outlive a power cut together.
    Raises `DiskError` when the disk is full, fails, or is not writable.

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
            if durable:
                _flush(temporary)
            temporary.replace(path)
            if durable and os.name == "posix":  # elsewhere a folder cannot be opened
                _flush(path.parent)
        except BaseException:
            with suppress(OSError):
                temporary.unlink(missing_ok=True)
            raise


def _flush(path: Path) -> None:
    """Wait until what was written to a file or a folder is on the disk; a few disks know no such call."""
    descriptor = os.open(path, os.O_RDONLY if os.name == "posix" else os.O_RDWR)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.EOPNOTSUPP):
            raise
    finally:
        os.close(descriptor)


def write_text(path: str | os.PathLike[str], text: str) -> None:
    r"""Write ``text`` as UTF-8, complete or not at all.

    A file name that is no text holds halves of characters, which become ``\udc80``: in JSON, that reads back as it was.
    """
    with atomic_write(path) as temporary:
        temporary.write_text(text, encoding="utf-8", errors="backslashreplace")


def write_json(path: str | os.PathLike[str], value: Any, indent: int | None = 2) -> None:
    """Write ``value`` as JSON, complete or not at all."""
    write_text(path, json.dumps(value, ensure_ascii=False, indent=indent) + "\n")


def read_json(path: str | os.PathLike[str]) -> Any:
    """Read a JSON file; raise a `DiskError` where it is not readable, a `ValueError` where it is no JSON.

    JSON nested deeper than Python's stack, or with a whole number of more than 4,300 digits, counts as none.
    """
    with read_errors(path):
        text = read_file(path)
    try:
        return json.loads(text.decode("utf-8"))
    except RecursionError as error:
        raise ValueError("too many brackets within each other") from error


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
