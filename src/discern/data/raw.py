"""Pictures as bare pixels in files of records of one length (IDX, the CIFAR binaries), mapped into memory."""

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

from discern.data.dataset import Store
from discern.errors import DataError
from discern.files import cache_folder, replacing
from discern.i18n import _

MOST_BYTES = 1 << 30  # what one unpacked file may hold: far above the real ones, far below a disk


@dataclass(frozen=True)
class Records:
    """One file of records.

    Attributes
    ----------
    file : Path
        An unpacked file.
    name : str
        What a person calls it.
    header, length, before : int
        Bytes before the first record, in each record, and in each record before its pixels.
    shape : tuple of int
        (H, W), or (3, H, W) where the three colours lie one after the other.
    count : int
        How many records there are.
    """

    file: Path
    name: str
    header: int
    length: int
    before: int
    shape: tuple[int, ...]
    count: int

    def map(self) -> np.ndarray:
        """The records as uint8 (count, length), read from the disk when touched."""
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
        number, row = self._place(index)
        source = self._sources[number]
        if number not in self._maps:
            self._maps[number] = source.map()
        pixels = np.array(self._maps[number][row, source.before :]).reshape(source.shape)
        return pixels if pixels.ndim == 2 else np.ascontiguousarray(pixels.transpose(1, 2, 0))  # (3, H, W) -> (H, W, 3)

    def path(self, index: int) -> str:
        number, row = self._place(index)
        return f"{self._sources[number].name}#{row}"

    def stamp(self) -> str:
        digest = hashlib.blake2b(digest_size=16)
        for source in self._sources:
            found = source.file.stat()
            digest.update(f"{source.file}\0{found.st_size}\0{found.st_mtime_ns}\0".encode("utf-8", "surrogateescape"))
        return digest.hexdigest()

    def _place(self, index: int) -> tuple[int, int]:
        if not 0 <= index < len(self):
            raise IndexError(index)
        number = bisect_right(self._firsts, index) - 1
        return number, index - self._firsts[number]


def unpacked(archive: Path) -> Path:
    """A plain file with what a .gz file holds; made once, in the cache folder.

    Raises
    ------
    DataError
        When it is damaged, or unpacks to more than `MOST_BYTES`.
    """
    target = _unpacked_name(archive, "")
    if not target.exists():
        with _damage(archive), gzip.open(archive) as packed:
            _copy(packed, target, archive)
    return target


def unpacked_members(archive: Path, names: Sequence[str]) -> dict[str, Path]:
    """Plain files with the members of a .tar.gz that are called ``names``, in whatever folder of it; made once.

    Nothing is ever written under a name that the archive chooses.

    Raises
    ------
    DataError
        When it is damaged or lacks a member, or a member unpacks to more than `MOST_BYTES`.
    """
    targets = {name: _unpacked_name(archive, name) for name in names}
    missing = {name for name, target in targets.items() if not target.exists()}
    if missing:
        with _damage(archive), tarfile.open(archive, "r:gz") as packed:
            for item in packed:
                name = item.name.rsplit("/", 1)[-1]
                content = packed.extractfile(item) if item.isfile() and name in missing else None
                if content is not None:
                    _copy(content, targets[name], archive)
                    missing.discard(name)
    if missing:
        raise DataError(
            _("{path} lacks {names}: delete it and download it again.").format(
                path=archive, names=", ".join(sorted(missing))
            )
        )
    return targets


def _unpacked_name(archive: Path, member: str) -> Path:
    found = archive.stat()
    identity = f"{archive.resolve()}\0{member}\0{found.st_size}\0{found.st_mtime_ns}"
    digest = hashlib.blake2b(identity.encode("utf-8", "surrogateescape"), digest_size=16)
    return cache_folder() / "unpacked" / digest.hexdigest()


@contextmanager
def _damage(archive: Path) -> Iterator[None]:
    try:
        yield
    except (EOFError, gzip.BadGzipFile, zlib.error, tarfile.TarError) as error:
        raise DataError(
            _("{path} is damaged ({reason}): delete it and download it again.").format(path=archive, reason=error)
        ) from error


def _copy(content: IO[bytes] | gzip.GzipFile, target: Path, archive: Path) -> None:
    with replacing(target) as temporary, temporary.open("wb") as file:
        while block := content.read(1 << 20):
            file.write(block)
            if file.tell() > MOST_BYTES:
                raise DataError(
                    _("{path} unpacks to more than {limit} bytes: it is not what its name says, delete it.").format(
                        path=archive, limit=MOST_BYTES
                    )
                )
