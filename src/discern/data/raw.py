"""Images as bare pixels in files of records of one length (IDX, the CIFAR binaries), mapped into memory."""

from __future__ import annotations

import gzip
import hashlib
import tarfile
import zlib
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np

from discern.data.dataset import Store, file_version, hash_versions
from discern.errors import DataError
from discern.files import atomic_write, cache_folder
from discern.i18n import _

MAX_BYTES = 1 << 30  # of one unpacked file: far above the real ones, far below a disk


@dataclass(frozen=True)
class Records:
    """One file of records."""

    file: Path  # unpacked
    name: str  # for a person to read
    header: int  # bytes before the first record
    length: int  # bytes of each record
    before: int  # bytes in each record before its pixels
    shape: tuple[int, ...]  # (H, W), or (3, H, W) where the three channels lie one after the other
    count: int  # records

    def map(self) -> np.ndarray:
        """Map the records as uint8 (count, length), read from the disk when touched."""
        return np.memmap(self.file, np.uint8, "r", offset=self.header, shape=(self.count, self.length))


class RawStore(Store):
    """Reads pixels from one or more files of records; each process maps the files for itself."""

    def __init__(self, sources: Sequence[Records]) -> None:
        self._sources = tuple(sources)
        self._firsts = np.cumsum([0, *(source.count for source in sources)]).tolist()
        self._maps: dict[int, np.ndarray] = {}

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__ | {"_maps": {}}

    def __len__(self) -> int:
        return int(self._firsts[-1])

    def read(self, index: int) -> np.ndarray:
        number, record = self._locate(index)
        source = self._sources[number]
        if number not in self._maps:
            self._maps[number] = source.map()
        pixels = np.array(self._maps[number][record, source.before :]).reshape(source.shape)
        return pixels if pixels.ndim == 2 else np.ascontiguousarray(pixels.transpose(1, 2, 0))  # (3, H, W) -> (H, W, 3)

    def path(self, index: int) -> str:
        number, record = self._locate(index)
        return f"{self._sources[number].name}#{record}"

    def version_key(self) -> str:
        return hash_versions((source.file,) for source in self._sources)

    def _locate(self, index: int) -> tuple[int, int]:
        if not 0 <= index < len(self):
            raise IndexError(index)
        number = bisect_right(self._firsts, index) - 1
        return number, index - self._firsts[number]


def unpack_gzip(archive: Path) -> Path:
    """Unpack a .gz file into a plain file in the cache folder, once.

    A `DataError` says where it is damaged, or unpacks to more than `MAX_BYTES`.
    """
    target = _unpacked_path(archive, "")
    if not target.exists():
        with _report_damage(archive), gzip.open(archive) as packed:
            _copy(packed, target, archive)
    return target


def unpack_members(archive: Path, names: Sequence[str]) -> dict[str, Path]:
    """Unpack the members of a .tar.gz that are called ``names``, in whatever folder of it, into plain files, once.

    Nothing is ever written under a name that the archive chooses. A `DataError` says where it is damaged or lacks a
    member, or a member unpacks to more than `MAX_BYTES`.
    """
    targets = {name: _unpacked_path(archive, name) for name in names}
    missing = {name for name, target in targets.items() if not target.exists()}
    if missing:
        with _report_damage(archive), tarfile.open(archive, "r:gz") as packed:
            for item in packed:
                name = item.name.rsplit("/", 1)[-1]
                content = packed.extractfile(item) if item.isfile() and name in missing else None
                if content is not None:
                    _copy(content, targets[name], archive)
                    missing.discard(name)
    if missing:
        message = _("{path} lacks {names}: delete it and download it again.")
        raise DataError(message.format(path=archive, names=", ".join(sorted(missing))))
    return targets


def _unpacked_path(archive: Path, member: str) -> Path:
    status = archive.stat()
    identity = f"{archive.resolve()}\0{member}\0{file_version(status)}"
    digest = hashlib.blake2b(identity.encode("utf-8", "surrogateescape"), digest_size=16)
    return cache_folder() / "unpacked" / digest.hexdigest()


@contextmanager
def _report_damage(archive: Path) -> Iterator[None]:
    try:
        yield
    except (EOFError, gzip.BadGzipFile, zlib.error, tarfile.TarError) as error:
        message = _("{path} is truncated or corrupt ({reason}): delete it and download it again.")
        raise DataError(message.format(path=archive, reason=error)) from error


def _copy(content: IO[bytes] | gzip.GzipFile, target: Path, archive: Path) -> None:
    with atomic_write(target) as temporary, temporary.open("wb") as file:
        while block := content.read(1 << 20):
            file.write(block)
            if file.tell() > MAX_BYTES:
                message = _("{path} unpacks to more than {limit} bytes: it is not what its name says, delete it.")
                raise DataError(message.format(path=archive, limit=MAX_BYTES))
