"""Arrow files, as ``save_to_disk`` of the ``datasets`` library writes them: mapped into memory, read where they lie."""

from __future__ import annotations

import bisect
import itertools
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from discern.data.dataset import Store, hash_versions
from discern.data.names import normalize_name
from discern.errors import DataError
from discern.i18n import _

if TYPE_CHECKING:
    import pyarrow as pa


def is_arrow(file: Path) -> bool:
    """Return whether a file is called as an arrow file is."""
    return file.suffix.lower() == ".arrow"


def map_table(file: Path) -> pa.Table:
    """Map an arrow file, of either kind, into memory; a `DataError` says where it is none, or damaged."""
    import pyarrow as pa

    try:
        source = pa.memory_map(str(file))
        try:
            return pa.ipc.open_stream(source).read_all()
        except pa.ArrowInvalid:
            return pa.ipc.open_file(source).read_all()
    except (pa.ArrowException, OSError) as error:
        message = _("{path} is truncated or corrupt: copy or download it again.")
        raise DataError(message.format(path=file)) from error


class ArrowStore(Store):
    """Reads encoded images from arrow files, each given with the dotted name of its column of bytes.

    In another process it maps the files anew. ``root`` is the folder that names are relative to.
    """

    def __init__(self, root: Path, files: Sequence[tuple[Path, str]]) -> None:
        self._root, self._files = root, tuple(files)
        self._columns: list[Any] | None = [_image_column(*file) for file in self._files]
        self._ends = list(itertools.accumulate(len(column) for column in self._columns))

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_columns": None}

    def __len__(self) -> int:
        return self._ends[-1] if self._ends else 0

    def read(self, index: int) -> bytes:
        number, row = self._locate(index)
        if self._columns is None:
            self._columns = [_image_column(*file) for file in self._files]
        return self._columns[number][row].as_py() or b""  # a null is an empty image

    def path(self, index: int) -> str:
        number, row = self._locate(index)
        return f"{normalize_name(self._files[number][0].relative_to(self._root).as_posix())}#{row}"

    def version_key(self) -> str:
        return hash_versions(self._files)

    def _locate(self, index: int) -> tuple[int, int]:
        if not 0 <= index < len(self):
            raise IndexError(index)
        number = bisect.bisect_right(self._ends, index)
        return number, index - (self._ends[number - 1] if number else 0)


def _image_column(file: Path, name: str) -> pa.ChunkedArray:
    outer, _dot, inner = name.partition(".")
    column = map_table(file).column(outer)
    if not inner:
        return column
    import pyarrow.compute as pc

    return pc.struct_field(column, inner)
