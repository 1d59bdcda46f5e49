"""Images that are files in a folder: their names in one block of bytes, so that a million of them cost some 50 MB."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from discern.data.dataset import Store, file_version
from discern.files import read_file


class FileStore(Store):
    """Reads files by position, whose names are relative to ``root``, ``/`` between folders.

    The names come in ``groups``, so that no list of all of them is ever made.

    Examples
    --------
    >>> import tempfile
    >>> root = tempfile.mkdtemp()
    >>> with open(os.path.join(root, "1.jpg"), "wb") as file:
    ...     count = file.write(b"image")
    >>> store = FileStore(root, [["1.jpg"]])
    >>> store.read(0), store.path(0), len(store)
    (b'image', '1.jpg', 1)
    """

    def __init__(self, root: str, groups: Iterable[Sequence[str]], repeats: Mapping[int, str] | None = None) -> None:
        self.root = root
        self._repeats = dict(repeats or {})  # what a person knows a file by that is there twice, by position
        names, ends = bytearray(), [np.zeros(1, np.int64)]
        for group in groups:
            encoded = [os.fsencode(name) for name in group]
            ends.append(len(names) + np.cumsum([len(name) for name in encoded], dtype=np.int64))
            names += b"".join(encoded)
        self._names = bytes(names)
        self._ends = np.concatenate(ends)  # (N + 1,): name i is the bytes from end i to end i + 1

    def __len__(self) -> int:
        return len(self._ends) - 1

    def file(self, index: int) -> str:
        """Return the path to open for image ``index``."""
        return os.path.join(self.root, os.fsdecode(self._name(index)))  # noqa: PTH118 - a million of them

    def read(self, index: int) -> bytes:
        return read_file(self.file(index))

    def path(self, index: int) -> str:
        return self._repeats.get(index) or self._name(index).decode("utf-8", "backslashreplace")

    def version_key(self) -> str:
        """Hash all names and versions; asks the file system about each file, at every call, for files are replaced."""
        root = os.fsencode(self.root)
        versions = np.full((len(self), 4), -1, np.int64)  # -1: the file is missing
        for index in range(len(self)):
            try:
                status = os.stat(os.path.join(root, self._name(index)))  # noqa: PTH116, PTH118
            except OSError:
                continue
            versions[index] = file_version(status)
        digest = hashlib.blake2b(root, digest_size=16)
        for block in (self._names, self._ends.tobytes(), versions.tobytes()):
            digest.update(block)
        return digest.hexdigest()

    def _name(self, index: int) -> bytes:
        if index < 0:
            raise IndexError(index)
        return self._names[self._ends[index] : self._ends[index + 1]]
