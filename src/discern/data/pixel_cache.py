"""Images decoded and resized once, cached as one uint8 array, and mapped or held in memory from then on.

A file is complete or absent: it is written under a temporary name, with its space reserved first so that a full disk is
an error and not a dead process, then renamed. The file is a plain ``.npy``.
"""

from __future__ import annotations

import contextlib
import errno
import functools
import hashlib
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

import numpy as np
from PIL import Image

from discern.data.dataset import Dataset, Store
from discern.data.image import Box, decode_reduced
from discern.data.scan import ImageStats
from discern.data.workers import map_batches
from discern.errors import ConfigError, DataError, ImageError
from discern.files import atomic_write, cache_folder, disk_errors
from discern.i18n import _
from discern.progress import Progress, ignore_progress

DEFAULT_LIMIT = 20.0  # gigabytes
_ABANDONED = 3600  # seconds without a write after which a temporary file has no writer any more
_VERSION = 3  # raise it when the same spec gives other bytes


class Spec(Protocol):
    """What happens to an image before it is cached: the preprocessing spec, as far as this file cares."""

    @property
    def key(self) -> str: ...  # changes whenever `apply` would give other bytes
    @property
    def shape(self) -> tuple[int, int, int]: ...  # (H, W, C) of what `apply` returns
    @property
    def min_side(self) -> int: ...  # for `discern.data.image.decode_reduced`

    def apply(self, image: Image.Image, box: Box | None = None) -> np.ndarray:
        """Return the part of ``image`` within ``box`` as uint8 (H, W, C)."""


def decode_all(
    dataset: Dataset, indices: np.ndarray, stats: ImageStats, spec: Spec, progress: Progress = ignore_progress
) -> np.ndarray:
    """Return the pixels of some images, from the cache folder if they were decoded before.

    Parameters
    ----------
    indices : numpy.ndarray
        int64 (N,), the images wanted, none of them broken.
    stats : ImageStats
        Of the whole data set: the content of the images is the key.
    spec : Spec
        How an image becomes (H, W, C); sent to worker processes.

    Returns
    -------
    numpy.ndarray
        uint8 (N, H, W, C): in memory where it takes less than a quarter of what is free, else mapped and read-only.

    Raises
    ------
    DiskError
        When the disk is full or the cache folder is not writable; no partial file stays.
    DataError, ConfigError
        When an image cannot be decoded any more; when ``DISCERN_CACHE_LIMIT`` is no number of gigabytes.
    """
    shape = (len(indices), *spec.shape)
    if not len(indices):
        return np.zeros(shape, np.uint8)
    version = f"{_VERSION} {stats.fingerprint(indices)} {shape} {spec.key}"
    folder = cache_folder() / "pixels"
    path = folder / f"{hashlib.blake2b(version.encode(), digest_size=16).hexdigest()}.npy"
    cached = _read(path, shape)
    if cached is not None:
        return cached
    with disk_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
    with _exclusive_lock(path, progress):
        cached = _read(path, shape)  # another process may have written it while this one waited
        if cached is None:
            evict(folder, room_for=int(np.prod(shape)))
            _write_array(path, shape, dataset.store, indices, spec, progress)
            cached = _read(path, shape)
    if cached is None:
        raise DataError(_("{path} was removed while it was in use: try again.").format(path=path))
    return cached


def _read(path: Path, shape: tuple[int, ...]) -> np.ndarray | None:
    """Open the array at ``path`` and mark it as used now; None where it is missing or damaged."""
    fits_memory = int(np.prod(shape)) < available_memory() / 4
    try:
        array = np.load(path, mmap_mode=None if fits_memory else "r", allow_pickle=False)
        os.utime(path)
    except (OSError, ValueError, EOFError):
        return None
    return array if array.shape == shape and array.dtype == np.uint8 else None


def _write_array(
    path: Path, shape: tuple[int, ...], store: Store, indices: np.ndarray, spec: Spec, progress: Progress
) -> None:
    jobs = np.stack([np.arange(len(indices)), np.asarray(indices, dtype=np.int64)], axis=1)  # (N, 2): position, image
    with atomic_write(path, durable=True) as temporary:  # else a power cut may leave the name before the pixels
        start = _reserve(temporary, shape)
        write = functools.partial(_write_batch, os.fspath(temporary), start, spec)
        for _batch in map_batches(write, store, jobs, _("decoding the images"), progress):
            pass  # it is written


def _reserve(path: Path, shape: tuple[int, ...]) -> int:
    """Write the header of a ``.npy`` file, take the space of its array, and return where the array starts."""
    with path.open("wb") as file:
        header = {"descr": "|u1", "fortran_order": False, "shape": shape}
        np.lib.format.write_array_header_2_0(file, header)
        file.flush()
        start, size = file.tell(), int(np.prod(shape))
        try:
            os.posix_fallocate(file.fileno(), start, size)
        except (AttributeError, OSError) as error:  # macOS and Windows have no such call, some disks refuse it
            if getattr(error, "errno", errno.EINVAL) not in (errno.EOPNOTSUPP, errno.EINVAL):
                raise
            block = bytes(1 << 20)
            for position in range(0, size, len(block)):
                file.write(block[: size - position])
    return start


def _write_batch(path: str, start: int, spec: Spec, store: Store, jobs: np.ndarray) -> None:
    """Decode a batch and write it; ``jobs`` (B, 2) holds consecutive positions in the array and their images.

    Written, not mapped: a full disk then is an error, where a mapped page would kill the process.
    """
    height, width, channels = spec.shape
    with Path(path).open("r+b", buffering=1 << 20) as file:
        file.seek(start + int(jobs[0, 0]) * height * width * channels)
        for index in jobs[:, 1].tolist():
            file.write(decode_one(spec, store, index).data)


def decode_one(spec: Spec, store: Store, index: int) -> np.ndarray:
    """Read and decode an image: contiguous uint8 (H, W, C); a `DataError` where it cannot be decoded any more."""
    try:
        array = spec.apply(*decode_reduced(store.read(index), spec.min_side))
    except (ImageError, OSError) as error:
        message = _("{path} is not readable any more: {reason}")
        raise DataError(message.format(path=store.path(index), reason=error)) from error
    if array.shape != spec.shape or array.dtype != np.uint8:
        raise TypeError(f"spec.apply returned {array.dtype} {array.shape}, not uint8 {spec.shape}")
    return np.ascontiguousarray(array)


@contextlib.contextmanager
def _exclusive_lock(path: Path, progress: Progress) -> Iterator[None]:
    """Hold the lock of ``path``; wait while another process holds it. The lock of a killed process is free.

    Where there are no locks (Windows, some network disks) two processes may both do the work; the file is complete
    anyway.
    """
    try:
        import fcntl
    except ImportError:
        yield
        return
    with disk_errors(path), path.with_suffix(".lock").open("wb") as lock:
        if _lock(lock.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB, progress):
            for leftover in path.parent.glob(f".{path.name}.*.part"):
                leftover.unlink(missing_ok=True)
        yield


def _lock(descriptor: int, operation: int, progress: Progress) -> bool:
    """Take a lock, waiting for it; return whether there is one."""
    import fcntl

    while True:
        try:
            fcntl.flock(descriptor, operation)
            return True
        except BlockingIOError:
            progress(_("waiting for another process that decodes the same images"), 0, 1)
            time.sleep(0.1)
        except OSError:
            return False


def cache_limit() -> int:
    """Return how many bytes decoded images may take: ``DISCERN_CACHE_LIMIT`` in gigabytes, else 20.

    A `ConfigError` says where it is no positive number.
    """
    setting = os.environ.get("DISCERN_CACHE_LIMIT", "")
    try:
        gigabytes = float(setting) if setting else DEFAULT_LIMIT
    except ValueError:
        gigabytes = -1.0
    if not 0 < gigabytes < 1e9:
        message = _("DISCERN_CACHE_LIMIT is {value}: expected a number of gigabytes above 0, for example 20.")
        raise ConfigError(message.format(value=setting))
    return int(gigabytes * 1e9)


def evict(folder: Path, room_for: int) -> None:
    """Delete the arrays used longest ago until ``room_for`` bytes more stay within `cache_limit`.

    Temporary files that nobody writes any more go as well. A process that has a deleted file mapped keeps it.
    """
    # Another process may delete the same file first, and Windows deletes none that is in use.
    ignore_missing = functools.partial(contextlib.suppress, FileNotFoundError, PermissionError)
    for leftover in folder.glob(".*.part"):
        with ignore_missing():
            if time.time() - leftover.stat().st_mtime > _ABANDONED:
                leftover.unlink()
    arrays: list[tuple[float, int, Path]] = []
    for path in folder.glob("*.npy"):
        with ignore_missing():
            status = path.stat()
            arrays.append((status.st_mtime, status.st_size, path))
    total = sum(size for _used, size, _path in arrays) + room_for
    for _used, size, path in sorted(arrays):
        if total <= cache_limit():
            break
        with ignore_missing():
            path.unlink()
            path.with_suffix(".lock").unlink()
        total -= size


def available_memory() -> int:
    """Return the bytes of memory that are free: the machine's, or less where a control group sets a limit."""
    free = []
    try:
        for line in Path("/proc/meminfo").read_text(encoding="ascii").splitlines():
            if line.startswith("MemAvailable:"):
                free.append(int(line.split()[1]) * 1024)
        group = Path("/sys/fs/cgroup")
        limit = (group / "memory.max").read_text(encoding="ascii").strip()
        if limit != "max":
            free.append(int(limit) - int((group / "memory.current").read_text(encoding="ascii")))
    except (OSError, ValueError):
        pass
    return max(0, min(free)) if free else 4 << 30  # elsewhere: what a small laptop has to spare
