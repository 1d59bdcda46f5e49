"""Parquet in the Hugging Face image-classification layout: a file, or a folder of train*, validation*, test* files.

A column of structs holds the encoded pictures (``bytes``), another the labels; class names stand in the schema
metadata. Columns are found by their type, since data sets call them ``image``, ``img``, ``label``, ``fine_label`` and
so on.
"""

from __future__ import annotations

import bisect
import hashlib
import json
import re
import threading
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from discern.data.assemble import assemble, class_numbers, part_named, parts_named, readable, shortened
from discern.data.dataset import UNLABELLED, Dataset, Part, Store
from discern.data.order import natural
from discern.errors import DataError
from discern.i18n import _

if TYPE_CHECKING:
    import pyarrow as pa

AT_ONCE = 2048  # pictures of a row group that are read together
HELD = 256 << 20  # bytes of encoded pictures that a `ParquetStore` keeps in memory
_LABEL_NAMES = ("label", "labels", "fine_label", "class", "target")


class ParquetStore(Store):
    """Reads encoded pictures from parquet files, keeping the row groups used last in memory.

    In another process it opens the files anew, and reads a row group as far as pictures of it are asked for.

    Parameters
    ----------
    root : Path
        The folder that names are relative to.
    files : sequence of (Path, str)
        Each file and the dotted name of its column of bytes.
    """

    def __init__(self, root: Path, files: Sequence[tuple[Path, str]]) -> None:
        import pyarrow.parquet as pq

        self._root = root
        self._files = tuple(files)
        self._groups: list[tuple[int, int]] = []  # file and row group
        starts, firsts, total = [], [], 0
        for number, (path, _column) in enumerate(files):
            metadata = pq.read_metadata(path)
            firsts.append(total)
            for group in range(metadata.num_row_groups):
                self._groups.append((number, group))
                starts.append(total)
                total += metadata.row_group(group).num_rows
        self._starts, self._firsts, self._total = starts, firsts, total
        self._held: OrderedDict[int, tuple[list[Any], Iterator[Any]]] = OrderedDict()
        self._lock = threading.Lock()

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in self.__dict__.items() if name not in ("_held", "_lock")}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state, _held=OrderedDict(), _lock=threading.Lock())

    def __len__(self) -> int:
        return self._total

    def read(self, index: int) -> bytes:
        if not 0 <= index < self._total:
            raise IndexError(index)
        group = bisect.bisect_right(self._starts, index) - 1
        row = index - self._starts[group]
        for chunk in self._chunks(group, row):
            if row < len(chunk):
                return chunk[row].as_py() or b""  # a null is an empty picture
            row -= len(chunk)
        raise IndexError(index)

    def path(self, index: int) -> str:
        number = bisect.bisect_right(self._firsts, index) - 1
        name = self._files[number][0].relative_to(self._root).as_posix()
        return f"{readable(name)}#{index - self._firsts[number]}"

    def stamp(self) -> str:
        digest = hashlib.blake2b(digest_size=16)
        for path, column in self._files:
            found = path.stat()
            digest.update(
                f"{path}\0{column}\0{found.st_size}\0{found.st_mtime_ns}\0".encode("utf-8", "surrogateescape")
            )
        return digest.hexdigest()

    def _chunks(self, group: int, row: int) -> list[Any]:
        """Arrays of bytes, one after the other the pictures of a row group, up to ``row`` at least."""
        with self._lock:
            held, more = self._held.setdefault(group, ([], self._load(group)))
            self._held.move_to_end(group)
            missing = row + 1 - sum(map(len, held))
            if missing > 0:
                try:
                    self._read_on(held, more, missing)
                except OSError:
                    del self._held[group]
                    raise
            return held

    def _read_on(self, held: list[Any], more: Iterator[Any], missing: int) -> None:
        """Read ``missing`` pictures more, and forget the row groups used least where they are too many."""
        while missing > 0 and (chunk := next(more, None)) is not None:
            held.append(chunk)
            missing -= len(chunk)
        while len(self._held) > 1 and sum(c.nbytes for chunks, _more in self._held.values() for c in chunks) > HELD:
            self._held.popitem(last=False)

    def _load(self, group: int) -> Iterator[Any]:
        """The pictures of a row group, `AT_ONCE` after `AT_ONCE`: one of the first does not wait for all."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        number, within = self._groups[group]
        path, column = self._files[number]
        try:
            with pq.ParquetFile(path, memory_map=True) as file:
                for batch in file.iter_batches(AT_ONCE, row_groups=[within], columns=[column], use_threads=False):
                    found = batch.column(0)
                    yield found.flatten()[0] if pa.types.is_struct(found.type) else found
        except pa.ArrowException as error:
            raise OSError(f"{path}: {error}") from error


def parquet_files(folder: Path) -> list[Path]:
    """The parquet files in ``folder``, or in its sub-folder ``data``, in natural order."""
    for place in (folder, folder / "data"):
        found = [path for path in place.glob("*.parquet") if not path.name.startswith(".")]
        if found:
            return sorted(found, key=lambda path: natural(path.name))
    return []


def open_parquet(path: str | Path) -> Dataset:
    """Open a parquet file, or a folder of them.

    The part of a file is how its name begins: ``train-00000-of-00002.parquet``.

    Raises
    ------
    DataError
        When a file is not parquet or damaged, or has no column of pictures or of labels.
    """
    path = Path(path)
    files = parquet_files(path) if path.is_dir() else [path]
    root = path if path.is_dir() else path.parent
    parts = parts_named(dict.fromkeys(_beginning(file) for file in files))
    notes = []
    left_out = [file.name for file in files if parts and parts[_beginning(file)] == Part.NONE]
    if left_out:
        files = [file for file in files if file.name not in left_out]
        notes.append(_("Beside the parts, these files are left out: {names}.").format(names=shortened(left_out)))
    layouts = [_layout(file) for file in files]
    classes, labels = _labels(path, files, layouts)
    given = [
        np.full(len(found), parts.get(_beginning(file), Part.NONE)) for file, found in zip(files, labels, strict=True)
    ]
    return assemble(
        origin=str(path),
        name=_name(path),
        classes=classes,
        labels=np.concatenate(labels),
        given=np.concatenate(given),
        store=ParquetStore(root, [(file, layout.pictures) for file, layout in zip(files, layouts, strict=True)]),
        part_names=parts,
        notes=notes,
    )


def _name(path: Path) -> str:
    path = path.resolve()
    if path.is_dir():
        return readable(path.name)
    return readable(path.parent.name if part_named(_beginning(path)) != Part.NONE else path.stem)


def _beginning(file: Path) -> str:
    return re.split(r"[-_.]", file.name, maxsplit=1)[0]


@dataclass(frozen=True)
class _Layout:
    """Where in a file the pictures and the labels are, and what the labels are called ("" names: as they stand)."""

    pictures: str
    labels: str
    names: tuple[str, ...]


def _layout(file: Path) -> _Layout:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        schema = pq.read_schema(file)
    except (pa.ArrowException, OSError) as error:
        raise DataError(
            _("{path} is not a whole parquet file: copy or download it again.").format(path=file)
        ) from error
    features = _features(schema)
    pictures = next((name for field in schema if (name := _bytes_column(field))), None)
    labels = _label_column(schema, features)
    if pictures is None or labels is None:
        raise DataError(
            _(
                "{path} needs a column of pictures (a struct with bytes) and a column of labels, and has {names}: "
                "save it in the Hugging Face image-classification layout."
            ).format(path=file, names=", ".join(schema.names))
        )
    names = features.get(labels, {}).get("names") or ()
    return _Layout(pictures, labels, tuple(str(name) for name in names))


def _features(schema: pa.Schema) -> dict[str, dict[str, Any]]:
    """The Hugging Face description of the columns, as far as it can be read."""
    try:
        found = json.loads((schema.metadata or {}).get(b"huggingface", b"{}"))["info"]["features"]
        return {name: value for name, value in found.items() if isinstance(value, dict)}
    except (ValueError, KeyError, TypeError, AttributeError):
        return {}


def _bytes_column(field: pa.Field) -> str | None:
    import pyarrow as pa

    def binary(kind: pa.DataType) -> bool:
        return bool(pa.types.is_binary(kind) or pa.types.is_large_binary(kind))

    if binary(field.type):
        return str(field.name)
    if pa.types.is_struct(field.type):
        return next((f"{field.name}.{child.name}" for child in field.type if binary(child.type)), None)
    return None


def _label_column(schema: pa.Schema, features: dict[str, dict[str, Any]]) -> str | None:
    import pyarrow as pa

    def possible(kind: pa.DataType) -> bool:
        of_words = pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_dictionary(kind)
        return bool(pa.types.is_integer(kind) or of_words)

    described = [name for name in schema.names if features.get(name, {}).get("_type") == "ClassLabel"]
    columns = described or [field.name for field in schema if possible(field.type)]
    usual = [name for name in _LABEL_NAMES if name in columns]
    return (usual or columns or [None])[0]


def _labels(path: Path, files: list[Path], layouts: list[_Layout]) -> tuple[list[str], list[np.ndarray]]:
    """Class names, and each file's labels as positions in them."""
    import pyarrow.parquet as pq

    columns = [
        pq.ParquetFile(file).read([layout.labels], use_threads=False).column(0).to_pylist()  # read_table loads more
        for file, layout in zip(files, layouts, strict=True)
    ]
    named = {layout.names for layout in layouts if layout.names}
    if len(named) > 1:
        raise DataError(
            _("The files of {path} name different classes: give one of them, or save them again.").format(path=path)
        )
    values = (value for column in columns for value in column)
    classes, number = class_numbers(str(path), values, named.pop() if named else ())
    return classes, [np.array([number.get(value, UNLABELLED) for value in column], np.int32) for column in columns]
