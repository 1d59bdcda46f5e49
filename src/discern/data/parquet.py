"""Parquet (or arrow) in the Hugging Face image-classification layout: a file, or a folder of files by split.

A column of structs holds the encoded images (``bytes``), another the labels; class names stand in the schema
metadata.
"""

from __future__ import annotations

import bisect
import threading
from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from discern.data.arrow_file import ArrowStore, is_arrow
from discern.data.build import build_dataset, number_classes
from discern.data.cell_values import read_groups, read_splits
from discern.data.columns import AUTO, ColumnSpec, choose_roles, names_images
from discern.data.dataset import UNLABELED, Dataset, Split, Store, hash_versions
from discern.data.hub_layout import find_hub_files, split_word
from discern.data.manifest import note_columns, open_cells
from discern.data.names import abbreviate, normalize_name, split_from_name, splits_from_names
from discern.data.parquet_columns import ParquetColumns, choose_image_columns, read_label_values
from discern.errors import DataError
from discern.i18n import _
from discern.notices import Notice

CHUNK = 2048  # images of a row group that are read together
MAX_CACHED = 256 << 20  # bytes of encoded images that a `ParquetStore` holds in memory


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


def open_parquet(path: str | Path, column_spec: ColumnSpec = AUTO) -> Dataset:
    """Open a parquet file, or a folder of them.

    Columns are found as those of a table are (`discern.data.columns`); where none holds images, one may name them. The
    split of a file is how its name begins: ``train-00000-of-00002.parquet``; where the names say nothing, a column may.
    A `DataError` says which file is not parquet or corrupt, or has no images; a `ConfigError` lists the columns where
    several could be meant.
    """
    path = Path(path)
    root, split_of, splits, notices = _choose_files(path)
    files = list(split_of)
    columns = ParquetColumns(files)
    images = choose_image_columns(str(path), columns, column_spec)
    if not images:
        return _open_paths(path, columns, column_spec)
    roles = choose_roles(str(path), columns, column_spec, ())
    image = images[0].split(".")[0]
    used = [
        name for name in roles.used if not (splits and name == roles.split)
    ]  # the names of files go before a column
    notices += note_columns(path.name, columns.with_images(), image, roles, [image, *used], column_spec)
    values = read_label_values(str(path), columns, roles.labels)
    classes, labels = number_classes(str(path), values, columns.class_names(str(path), roles.labels.column))
    given_split = np.array(list(split_of.values()), np.uint8)
    given_split = np.repeat(given_split, columns.counts)
    if roles.split and not splits:
        words, noted = read_splits(roles.split, columns[roles.split], bool(column_spec.split))
        given_split = np.array([words.get(word, Split.NONE) for word in columns[roles.split]], np.uint8)
        labels, noted_left = _without_other_splits(labels, given_split, columns[roles.split], words)
        notices += [*noted, *noted_left]
    store = ArrowStore if any(map(is_arrow, files)) else ParquetStore
    groups: list[str] = []
    if roles.group:
        groups, noted = read_groups(roles.group, columns[roles.group], [str(value) for value in values])
        notices += noted
    return build_dataset(
        origin=str(path),
        name=_dataset_name(path),
        classes=classes,
        labels=labels,
        given_split=given_split,
        store=store(root, list(zip(files, images, strict=True))),
        split_names=splits,
        notices=notices,
        groups=groups,
    )


def _choose_files(path: Path) -> tuple[Path, dict[Path, Split], dict[str, Split], list[Notice]]:
    """Return the folder that names are relative to, the files and their splits, what these are called, and notices."""
    root = path if path.is_dir() else path.parent
    words = {file: split_word(root, file) for file in (find_hub_files(path) if path.is_dir() else [path])}
    splits = splits_from_names(dict.fromkeys(words.values()))
    split_of = {file: splits.get(word, Split.NONE) for file, word in words.items()}
    left_out = [file for file, split in split_of.items() if splits and split == Split.NONE]
    names = [file.relative_to(root).as_posix() for file in left_out]
    notices = [Notice("data.files_left_out", {"names": abbreviate(names)})] if left_out else []
    return root, {file: split for file, split in split_of.items() if file not in left_out}, splits, notices


def _open_paths(path: Path, columns: ParquetColumns, column_spec: ColumnSpec) -> Dataset:
    """Open parquet whose rows name image files, as a table does."""
    if not path.is_dir():
        cells = {name: list(columns[name]) for name in columns}
        if column_spec.image or any(map(names_images, cells.values())):
            return open_cells(path, cells, column_spec)
    message = _(
        "{path} needs a column of images (a struct with bytes) and a column of labels, and has {names}: "
        "save it in the Hugging Face image-classification layout."
    )
    raise DataError(message.format(path=path, names=", ".join(columns)))


def _without_other_splits(
    labels: np.ndarray, given_split: np.ndarray, column: Sequence[str], splits: Mapping[str, Split]
) -> tuple[np.ndarray, list[Notice]]:
    """Take the labels from the rows of a split that is none of the three: nothing is learnt from these."""
    left_out = sorted({word for word, split in splits.items() if split == Split.NONE})
    if not left_out:
        return labels, []
    is_other = np.isin(np.array(column, dtype=object).astype(str), left_out) & (given_split == Split.NONE)
    return np.where(is_other, UNLABELED, labels), [Notice("data.rows_left_out", {"names": abbreviate(left_out)})]


def _dataset_name(path: Path) -> str:
    path = path.resolve()
    if path.is_dir():
        return normalize_name(path.name)
    is_split = split_from_name(split_word(path.parent, path)) != Split.NONE
    return normalize_name(path.parent.name if is_split else path.stem)
