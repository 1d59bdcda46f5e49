"""Pictures decoded and resized once, kept as one uint8 array in the cache folder, and mapped or held from then on.

A file is whole or absent: it is written under a temporary name, with its space reserved first so that a full disk is an
error and not a dead process, then renamed. The file is a plain ``.npy``.
"""

from __future__ import annotations

import errno
import functools
import hashlib
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

import numpy as np
from PIL import Image

from discern.data.dataset import Dataset, Store
from discern.data.picture import Box, decode_reduced
from discern.data.scan import Facts
from discern.data.workers import each_batch
from discern.errors import ConfigError, DataError, PictureError
from discern.files import cache_folder, disk_errors, replacing
from discern.i18n import _
from discern.progress import Progress, silent

DEFAULT_LIMIT = 20.0  # gigabytes
_ABANDONED = 3600  # seconds without a write after which a temporary file has no writer any more
_VERSION = 2  # raise it when the same spec gives other bytes


class Spec(Protocol):
    """What happens to a picture before it is kept: the preprocessing spec, as far as this file cares."""

    @property
    def key(self) -> str:
        """Changes whenever `pixels` would give other bytes."""

    @property
    def shape(self) -> tuple[int, int, int]:
        """(H, W, C) of what `pixels` returns."""

    @property
    def at_least(self) -> int:
        """Pixels along the shorter side that must be decoded; see `discern.data.picture.decode_reduced`."""

    def pixels(self, image: Image.Image, box: Box | None = None) -> np.ndarray:
        """uint8 (H, W, C) of the part of ``image`` within ``box``."""


def pixels(dataset: Dataset, indices: np.ndarray, facts: Facts, spec: Spec, progress: Progress = silent) -> np.ndarray:
    """The pixels of some pictures, from the cache folder if they were decoded before.

    Parameters
    ----------
    dataset : Dataset
        Where the pictures are.
    indices : numpy.ndarray
        int64 (N,), the pictures wanted, none of them broken.
    facts : Facts
        Of the whole data set: the content of the pictures is the key.
    spec : Spec
        How a picture becomes (H, W, C); sent to worker processes.
    progress : Progress
        Told after every batch.

    Returns
    -------
    numpy.ndarray
        uint8 (N, H, W, C): in memory where it takes less than a quarter of what is free, else mapped and read-only.

    Raises
    ------
    DiskError
        When the disk is full or the cache folder may not be written; nothing half-made stays.
    DataError
        When a picture cannot be decoded any more.
    ConfigError
        When ``DISCERN_CACHE_LIMIT`` is no number of gigabytes.
    """
    shape = (len(indices), *spec.shape)
    if not len(indices):
        return np.zeros(shape, np.uint8)
    about = f"{_VERSION} {facts.fingerprint(indices)} {shape} {spec.key}"
    folder = cache_folder() / "pixels"
    path = folder / f"{hashlib.blake2b(about.encode(), digest_size=16).hexdigest()}.npy"
    found = _read(path, shape)
    if found is not None:
        return found
    with disk_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
    with _alone(path, progress):
        found = _read(path, shape)  # another process may have made it while this one waited
        if found is None:
            evict(folder, room_for=int(np.prod(shape)))
            _make(path, shape, dataset.store, indices, spec, progress)
            found = _read(path, shape)
    if found is None:
        raise DataError(_("{path} was removed while it was in use: try again.").format(path=path))
    return found


def _read(path: Path, shape: tuple[int, ...]) -> np.ndarray | None:
    """The array at ``path``, marked as used now; None where it is missing or damaged."""
    held = int(np.prod(shape)) < available_memory() / 4
    try:
        array = np.load(path, mmap_mode=None if held else "r", allow_pickle=False)
        os.utime(path)
    except (OSError, ValueError, EOFError):
        return None
    if array.shape != shape or array.dtype != np.uint8:
        return None
    return array


def _make(
    path: Path, shape: tuple[int, ...], store: Store, indices: np.ndarray, spec: Spec, progress: Progress
) -> None:
    what = _("decoding the pictures")
    rows = np.stack([np.arange(len(indices)), np.asarray(indices, dtype=np.int64)], axis=1)  # (N, 2): row, picture
    with replacing(path) as temporary:
        start = _reserve(temporary, shape)
        progress(what, 0, len(indices))
        done = 0
        for batch, _nothing in each_batch(functools.partial(_write, os.fspath(temporary), start, spec), store, rows):
            done += len(batch)
            progress(what, done, len(indices))


def _reserve(path: Path, shape: tuple[int, ...]) -> int:
    """Write the header of a ``.npy`` file, take the space of its array, and return where the array starts."""
    with path.open("wb") as file:
        header = {"descr": "|u1", "fortran_order": False, "shape": shape}
        np.lib.format.write_array_header_2_0(file, header)
        file.flush()
        start, size = file.tell(), int(np.prod(shape))
        try:
            os.posix_fallocate(file.fileno(), start, size)
        except AttributeError:  # macOS and Windows have no such call
            _fill(path, start, size)
        except OSError as error:
            if error.errno not in (errno.EOPNOTSUPP, errno.EINVAL):
                raise
            _fill(path, start, size)
    return start


def _fill(path: Path, start: int, size: int) -> None:
    """Take space by writing zeros."""
    block = bytes(1 << 20)
    with path.open("r+b") as file:
        file.seek(start)
        for position in range(0, size, len(block)):
            file.write(block[: size - position])


def _write(path: str, start: int, spec: Spec, store: Store, rows: np.ndarray) -> None:
    """Decode a batch and write it to its place; ``rows`` (B, 2) holds consecutive rows and their pictures.

    Written, not mapped: a full disk then is an error, where a mapped page would kill the process.
    """
    height, width, channels = spec.shape
    with Path(path).open("r+b", buffering=1 << 20) as file:
        file.seek(start + int(rows[0, 0]) * height * width * channels)
        for index in rows[:, 1].tolist():
            file.write(decoded(spec, store, index).data)


def decoded(spec: Spec, store: Store, index: int) -> np.ndarray:
    """A picture as ``spec`` has it: contiguous uint8 (H, W, C).

    Raises
    ------
    DataError
        When it cannot be decoded any more.
    """
    try:
        array = spec.pixels(*decode_reduced(store.read(index), spec.at_least))
    except (PictureError, OSError) as error:
        raise DataError(
            _("{path} cannot be read any more: {reason}").format(path=store.path(index), reason=error)
        ) from error
    if array.shape != spec.shape or array.dtype != np.uint8:
        raise TypeError(f"spec.pixels gave {array.dtype} {array.shape}, not uint8 {spec.shape}")
    return np.ascontiguousarray(array)


@contextmanager
def _alone(path: Path, progress: Progress) -> Iterator[None]:
    """Hold the lock of ``path``; wait while another process holds it. The lock of a killed process is free.

    Where there are no locks (Windows, some network disks) two processes may both do the work; the file is whole anyway.
    """
    try:
        import fcntl
    except ImportError:
        yield
        return
    with disk_errors(path), path.with_suffix(".lock").open("wb") as lock:
        locked = _lock(lock.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB, progress)
        if locked:
            for left in path.parent.glob(f".{path.name}.*.part"):
                left.unlink(missing_ok=True)
        yield


def _lock(descriptor: int, how: int, progress: Progress) -> bool:
    import fcntl

    while True:
        try:
            fcntl.flock(descriptor, how)
            return True
        except BlockingIOError:
            progress(_("waiting for another process that decodes the same pictures"), 0, 1)
            time.sleep(0.1)
        except OSError:
            return False


def cache_limit() -> int:
    """Bytes that decoded pictures may take: ``DISCERN_CACHE_LIMIT`` in gigabytes, else 20.

    Raises
    ------
    ConfigError
        When it is no positive number.
    """
    chosen = os.environ.get("DISCERN_CACHE_LIMIT", "")
    try:
        gigabytes = float(chosen) if chosen else DEFAULT_LIMIT
    except ValueError:
        gigabytes = -1.0
    if not 0 < gigabytes < 1e9:
        raise ConfigError(
            _("DISCERN_CACHE_LIMIT is {value}: give a number of gigabytes above 0, for example 20.").format(
                value=chosen
            )
        )
    return int(gigabytes * 1e9)


def evict(folder: Path, room_for: int) -> None:
    """Delete the arrays used longest ago until ``room_for`` bytes more stay within `cache_limit`.

    Temporary files that nobody writes any more go as well. A process that has a deleted file mapped keeps it.
    """
    for left in folder.glob(".*.part"):
        with _may_vanish():
            if time.time() - left.stat().st_mtime > _ABANDONED:
                left.unlink()
    kept: list[tuple[float, int, Path]] = []
    for path in folder.glob("*.npy"):
        with _may_vanish():
            seen = path.stat()
            kept.append((seen.st_mtime, seen.st_size, path))
    total = sum(size for _used, size, _path in kept) + room_for
    for _used, size, path in sorted(kept):
        if total <= cache_limit():
            break
        with _may_vanish():
            path.unlink()
            path.with_suffix(".lock").unlink()
        total -= size


@contextmanager
def _may_vanish() -> Iterator[None]:
    """Another process may delete the same file first; Windows refuses to delete one in use."""
    try:
        yield
    except (FileNotFoundError, PermissionError):
        return


def available_memory() -> int:
    """Bytes of memory that are free for use: the machine's, or less where a control group sets a limit."""
    found = []
    try:
        for line in Path("/proc/meminfo").read_text(encoding="ascii").splitlines():
            if line.startswith("MemAvailable:"):
                found.append(int(line.split()[1]) * 1024)
        group = Path("/sys/fs/cgroup")
        limit = (group / "memory.max").read_text(encoding="ascii").strip()
        if limit != "max":
            found.append(int(limit) - int((group / "memory.current").read_text(encoding="ascii")))
    except (OSError, ValueError):
        pass
    return max(0, min(found)) if found else 4 << 30  # elsewhere: what a small laptop has to spare
