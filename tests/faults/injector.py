"""Faults of the system at one chosen operation: a full disk, a failing one, no permission, or death.

Counted are the operations on files below some folders: every open, write, rename, remove and new folder of Python, and
the files that safetensors writes by itself.
"""

from __future__ import annotations

import builtins
import errno
import io
import os
import sys
from pathlib import Path
from typing import Any

import safetensors.torch
from safetensors import SafetensorError

DEATH = 0  # instead of an errno
KINDS = {"full disk": errno.ENOSPC, "failing disk": errno.EIO, "no permission": errno.EACCES, "death": DEATH}
_open, _serialize_file = io.open, safetensors.torch.serialize_file


class Injector:
    """Once `arm` is called, lets the ``point``-th operation below ``folders`` fail; of point 0, it counts only."""

    def __init__(self, folders: list[Path], number: int, point: int) -> None:
        self.folders, self.number, self.point = [str(folder) for folder in folders], number, point
        self.count, self.is_armed = 0, False

    def arm(self) -> None:
        """Start to count; it cannot be undone in this process."""
        self.is_armed = True
        sys.addaudithook(self._audit)
        builtins.open = io.open = self._open  # type: ignore[assignment]
        safetensors.torch.serialize_file = self._serialize_file

    def operate(self, path: object, from_safetensors: bool = False) -> None:
        """Count an operation on ``path``, and fail if it is its turn."""
        if not self.is_armed or not isinstance(path, str | bytes | os.PathLike):
            return
        if not os.fsdecode(path).startswith(tuple(self.folders)):
            return
        self.count += 1
        if self.count != self.point:
            return
        if self.number == DEATH:
            os._exit(9)
        reason = os.strerror(self.number)
        if from_safetensors:
            raise SafetensorError(f"Error while serializing: I/O error: {reason} (os error {self.number})")
        raise OSError(self.number, reason, os.fsdecode(path))

    def _audit(self, event: str, arguments: tuple[Any, ...]) -> None:
        if event in ("open", "os.rename", "os.remove", "os.mkdir", "os.truncate"):
            self.operate(arguments[0])

    def _serialize_file(self, tensors: Any, path: Any, metadata: Any = None) -> None:
        self.operate(path, from_safetensors=True)
        _serialize_file(tensors, path, metadata)

    def _open(self, file: Any, mode: str = "r", buffering: int = -1, encoding: Any = None, *rest: Any) -> Any:
        if isinstance(file, int) or not set(mode) & set("wax+"):
            return _open(file, mode, buffering, encoding, *rest)
        raw = _FaultyFile(file, mode.replace("b", "").replace("t", ""), self)
        if buffering == 0:
            return raw
        buffered: Any = io.BufferedRandom(raw) if "+" in mode else io.BufferedWriter(raw)
        return buffered if "b" in mode else io.TextIOWrapper(buffered, encoding or "utf-8", *rest)


class _FaultyFile(io.FileIO):
    """A file whose writes are counted, too."""

    def __init__(self, file: Any, mode: str, injector: Injector) -> None:
        self.injector = injector
        super().__init__(file, mode)

    def write(self, data: Any) -> int:
        self.injector.operate(self.name)
        return super().write(data)
