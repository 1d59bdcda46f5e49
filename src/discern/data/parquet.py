"""Parquet in the Hugging Face image-classification layout: a file, or a folder of train*, validation*, test* files.

A column of structs holds the encoded images (``bytes``), another the labels; class names stand in the schema
metadata. Columns are found by their type, since data sets call them ``image``, ``img``, ``label``, ``fine_label`` and
so on.
"""

from __future__ import annotations

import bisect
import itertools
import json
import re
import threading
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from discern.data.build import build_dataset, number_classes
from discern.data.dataset import ImageDataset, Split, Store, hash_versions
from discern.data.names import abbreviate, natural_key, normalize_name, split_from_name, splits_from_names
from discern.errors import DataError
from discern.i18n import _
from discern.notices import Notice

if TYPE_CHECKING:
    import pyarrow as pa

CHUNK = 2048  # images of a row group that are read together
MAX_CACHED = 256 << 20  # bytes of encoded images that a `ParquetStore` holds in memory
_LABEL_NAMES = ("label", "labels", "fine_label", "class", "target")


class ParquetStore(Store):
    """Reads encoded images from parquet files; the row groups used last stay in memory.

    In another process it opens the files anew, and reads a row group as far as images of it are asked for. ``root`` is
    the folder that names are relative to; ``files`` are each file and the dotted name of its column of bytes.
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
        self._cache: OrderedDict[int, tuple[list[Any], Iterator[Any]]] = OrderedDict()
        self._lock = threading.Lock()

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in self.__dict__.items() if name not in ("_cache", "_lock")}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state, _cache=OrderedDict(), _lock=threading.Lock())

    def __len__(self) -> int:
        return self._total

    def read(self, index: int) -> bytes:
        if not 0 <= index < self._total:
            raise IndexError(index)
        group = bisect.bisect_right(self._starts, index) - 1
        row = index - self._starts[group]
        for chunk in self._chunks(group, row):
            if row < len(chunk):
                return chunk[row].as_py() or b""  # a null is an empty image
            row -= len(chunk)
        raise IndexError(index)

    def path(self, index: int) -> str:
        number = bisect.bisect_right(self._firsts, index) - 1
        name = self._files[number][0].relative_to(self._root).as_posix()
        return f"{normalize_name(name)}#{index - self._firsts[number]}"

    def version_key(self) -> str:
        return hash_versions(self._files)

    def _chunks(self, group: int, row: int) -> list[Any]:
        """Return arrays of bytes, one after the other the images of a row group, up to ``row`` at least."""
        with self._lock:
            chunks, remaining = self._cache.setdefault(group, ([], self._iter_chunks(group)))
            self._cache.move_to_end(group)
            missing = row + 1 - sum(map(len, chunks))
            if missing > 0:
                try:
                    self._extend(chunks, remaining, missing)
                except OSError:
                    del self._cache[group]
                    raise
            return chunks

    def _extend(self, chunks: list[Any], remaining: Iterator[Any], missing: int) -> None:
        """Read ``missing`` images more, and drop the row groups used longest ago where they are too many."""
        while missing > 0 and (chunk := next(remaining, None)) is not None:
            chunks.append(chunk)
            missing -= len(chunk)
        while len(self._cache) > 1 and self._cached_bytes() > MAX_CACHED:
            self._cache.popitem(last=False)

    def _cached_bytes(self) -> int:
        return sum(chunk.nbytes for chunks, _remaining in self._cache.values() for chunk in chunks)

    def _iter_chunks(self, group: int) -> Iterator[Any]:
        """Yield the images of a row group, `CHUNK` after `CHUNK`: one of the first does not wait for all."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        number, within = self._groups[group]
        path, column = self._files[number]
        try:
            with pq.ParquetFile(path, memory_map=True) as file:
                for batch in file.iter_batches(CHUNK, row_groups=[within], columns=[column], use_threads=False):
                    images = batch.column(0)
                    yield images.flatten()[0] if pa.types.is_struct(images.type) else images
        except pa.ArrowException as error:
            raise OSError(f"{path}: {error}") from error


def find_parquet_files(folder: Path) -> list[Path]:
    """Find the parquet files in ``folder``, or in its sub-folder ``data``, in natural order."""
    for place in (folder, folder / "data"):
        files = [path for path in place.glob("*.parquet") if not path.name.startswith(".")]
        if files:
            return sorted(files, key=lambda path: natural_key(path.name))
    return []


def open_parquet(path: str | Path) -> ImageDataset:
    """Open a parquet file, or a folder of them.

    The split of a file is how its name begins: ``train-00000-of-00002.parquet``. A `DataError` says which file is not
    parquet or corrupt, or has no column of images or of labels.
    """
    path = Path(path)
    files = find_parquet_files(path) if path.is_dir() else [path]
    root = path if path.is_dir() else path.parent
    splits = splits_from_names(dict.fromkeys(_first_word(file) for file in files))
    notices = []
    left_out = [file.name for file in files if splits and splits[_first_word(file)] == Split.NONE]
    if left_out:
        files = [file for file in files if file.name not in left_out]
        notices.append(Notice("data.files_left_out", {"names": abbreviate(left_out)}))
    layouts = [_read_layout(file) for file in files]
    columns = _read_labels(path, files, layouts)
    names = next((layout.names for layout in layouts if layout.names), ())
    classes, labels = number_classes(str(path), list(itertools.chain.from_iterable(columns)), names)
    given_split = np.array([splits.get(_first_word(file), Split.NONE) for file in files], np.uint8)
    return build_dataset(
        origin=str(path),
        name=_dataset_name(path),
        classes=classes,
        labels=labels,
        given_split=np.repeat(given_split, [len(column) for column in columns]),
        store=ParquetStore(root, [(file, layout.images) for file, layout in zip(files, layouts, strict=True)]),
        split_names=splits,
        notices=notices,
    )


def _dataset_name(path: Path) -> str:
    path = path.resolve()
    if path.is_dir():
        return normalize_name(path.name)
    return normalize_name(path.parent.name if split_from_name(_first_word(path)) != Split.NONE else path.stem)


def _first_word(file: Path) -> str:
    return re.split(r"[-_.]", file.name, maxsplit=1)[0]


@dataclass(frozen=True)
class _Layout:
    """Columns of the images and the labels in a file, and the class names ("" names: labels are names themselves)."""

    images: str
    labels: str
    names: tuple[str, ...]


def _read_layout(file: Path) -> _Layout:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        schema = pq.read_schema(file)
    except (pa.ArrowException, OSError) as error:
        message = _("{path} is truncated or corrupt: copy or download it again.")
        raise DataError(message.format(path=file)) from error
    features = _read_features(schema)
    images = next((name for field in schema if (name := _bytes_column(field))), None)
    labels = _label_column(schema, features)
    if images is None or labels is None:
        message = _(
            "{path} needs a column of images (a struct with bytes) and a column of labels, and has {names}: "
            "save it in the Hugging Face image-classification layout."
        )
        raise DataError(message.format(path=file, names=", ".join(schema.names)))
    names = features.get(labels, {}).get("names") or ()
    return _Layout(images, labels, tuple(str(name) for name in names))


def _read_features(schema: pa.Schema) -> dict[str, dict[str, Any]]:
    """Read the Hugging Face description of the columns, as far as it is valid."""
    try:
        features = json.loads((schema.metadata or {}).get(b"huggingface", b"{}"))["info"]["features"]
        return {name: value for name, value in features.items() if isinstance(value, dict)}
    except (ValueError, KeyError, TypeError, AttributeError):
        return {}


def _bytes_column(field: pa.Field) -> str | None:
    import pyarrow as pa

    binary = (pa.binary(), pa.large_binary())
    if field.type in binary:
        return str(field.name)
    inner = field.type if pa.types.is_struct(field.type) else ()
    return next((f"{field.name}.{child.name}" for child in inner if child.type in binary), None)


def _label_column(schema: pa.Schema, features: dict[str, dict[str, Any]]) -> str | None:
    import pyarrow as pa

    def is_possible(kind: pa.DataType) -> bool:
        is_text = pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_dictionary(kind)
        return bool(pa.types.is_integer(kind) or is_text)

    described = [name for name in schema.names if features.get(name, {}).get("_type") == "ClassLabel"]
    columns = described or [field.name for field in schema if is_possible(field.type)]
    well_known = [name for name in _LABEL_NAMES if name in columns]
    return (well_known or columns or [None])[0]


def _read_labels(path: Path, files: list[Path], layouts: list[_Layout]) -> list[list[int | str | None]]:
    """Read the labels of each file."""
    import pyarrow.parquet as pq

    if len({layout.names for layout in layouts if layout.names}) > 1:
        message = _("The files of {path} name different classes: open one of them, or save them again.")
        raise DataError(message.format(path=path))
    return [
        pq.ParquetFile(file).read([layout.labels], use_threads=False).column(0).to_pylist()  # read_table loads more
        for file, layout in zip(files, layouts, strict=True)
    ]
