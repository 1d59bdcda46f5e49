"""The columns of parquet files: as text, with the class names of the Hugging Face layout, and those of images."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from discern.data.arrow_file import is_arrow, map_table
from discern.data.cell_values import read_labels, read_one_hot
from discern.data.columns import ColumnSpec, Labels, choose_image, require_column
from discern.data.table_file import to_text
from discern.errors import DataError
from discern.files import read_errors
from discern.i18n import _

if TYPE_CHECKING:
    import pyarrow as pa


class ParquetColumns(Mapping[str, Sequence[str]]):
    """The columns of files, one after the other, that hold no images: read as text when asked for.

    A class number is its name where the file has one; a file that lacks a column has "" in it. A `DataError` says
    which file is no parquet, or damaged.
    """

    def __init__(self, files: Sequence[Path]) -> None:
        self._files = tuple(files)
        self.schemas = [_read_schema(file) for file in files]
        self.counts = [_count_rows(file) for file in files]
        names = itertools.chain.from_iterable(_text_columns(schema) for schema in self.schemas)
        self._text: dict[str, list[str] | None] = dict.fromkeys(names)

    def __iter__(self) -> Iterator[str]:
        return iter(self._text)

    def __len__(self) -> int:
        return len(self._text)

    def __getitem__(self, name: str) -> list[str]:
        text = self._text[name]
        if text is None:
            names = self.class_names("", name)
            values = self.read(name)
            text = self._text[name] = [_named(value, names) for value in values] if names else [*map(to_text, values)]
        return text

    def with_images(self) -> list[str]:
        """Return the names of all columns, those of images among them."""
        return list(dict.fromkeys(itertools.chain.from_iterable(schema.names for schema in self.schemas)))

    def read(self, name: str) -> list[Any]:
        """Read a column as Python values, None where there is none."""
        import pyarrow.parquet as pq

        values: list[Any] = []
        for file, schema, count in zip(self._files, self.schemas, self.counts, strict=True):
            if name in schema.names and is_arrow(file):
                values += map_table(file).column(name).to_pylist()
            elif name in schema.names:
                with pq.ParquetFile(file) as opened:  # read_table loads more
                    values += opened.read([name], use_threads=False).column(0).to_pylist()
            else:
                values += [None] * count
        return values

    def class_names(self, origin: str, name: str) -> tuple[str, ...]:
        """Return the class names of a column of class numbers, () for another column.

        A `DataError` says where the files of ``origin`` name different classes; "" takes the first.
        """
        named = [names for schema in self.schemas if (names := _class_names(_read_features(schema).get(name)))]
        if origin and len(set(named)) > 1:
            message = _("The files of {path} name different classes: open one of them, or save them again.")
            raise DataError(message.format(path=origin))
        return named[0] if named else ()


def choose_image_columns(origin: str, columns: ParquetColumns, spec: ColumnSpec) -> list[str]:
    """Return the dotted name of each file's column of encoded images; [] where the files have none.

    A `ConfigError` lists the columns where several could be meant.
    """
    chosen = []
    for schema in columns.schemas:
        fields = {field.name: name for field in schema if (name := _bytes_column(field))}
        described = [name for name in fields if _type_of(_read_features(schema).get(name)) == "Image"]
        candidates = described or list(fields)
        if spec.image and spec.image in columns:  # it names files
            return []
        if spec.image:
            chosen.append(fields[require_column(origin, spec.image, [*fields, *columns])])
        elif candidates:
            chosen.append(fields[choose_image(origin, {name: ["x.jpg"] for name in candidates}, spec)])
    return chosen if len(chosen) == len(columns.schemas) else []


def read_label_values(origin: str, columns: ParquetColumns, labels: Labels) -> list[int | str | None]:
    """Return the label of each row: a number, a name, or None."""
    if labels.one_hot:
        return [*read_one_hot(origin, columns, labels.one_hot)]
    values = columns.read(labels.column)
    if all(value is None or type(value) is int for value in values):
        return values
    names = columns.class_names(origin, labels.column)
    words = read_labels(origin, [to_text(value) for value in values])
    return [int(word) if names and word not in names and word.isdigit() else word for word in words]


def _named(value: object, names: Sequence[str]) -> str:
    return names[value] if isinstance(value, int) and 0 <= value < len(names) else to_text(value)


def _read_schema(file: Path) -> pa.Schema:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with read_errors(file):
            return map_table(file).schema if is_arrow(file) else pq.read_schema(file)
    except (pa.ArrowException, OSError) as error:
        message = _("{path} is truncated or corrupt: copy or download it again.")
        raise DataError(message.format(path=file)) from error


def _count_rows(file: Path) -> int:
    import pyarrow.parquet as pq

    if is_arrow(file):
        return int(map_table(file).num_rows)
    return int(pq.read_metadata(file).num_rows)


def _text_columns(schema: pa.Schema) -> list[str]:
    """Return the columns without bytes in them."""
    return [field.name for field in schema if not _bytes_column(field)]


def _read_features(schema: pa.Schema) -> dict[str, Any]:
    """Read the Hugging Face description of the columns, as far as it is valid."""
    try:
        features = json.loads((schema.metadata or {}).get(b"huggingface", b"{}"))["info"]["features"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return {}
    return features if isinstance(features, dict) else {}


def _class_names(feature: object) -> tuple[str, ...]:
    """Return the class names of a feature, or of the elements of a list of them."""
    if isinstance(feature, list):
        return _class_names(feature[0]) if feature else ()
    if not isinstance(feature, dict):
        return ()
    names = feature.get("names")
    if isinstance(names, list):
        return tuple(str(name) for name in names)
    return _class_names(feature.get("feature"))


def _type_of(feature: object) -> object:
    return feature.get("_type") if isinstance(feature, dict) else None


def _bytes_column(field: pa.Field) -> str | None:
    import pyarrow as pa

    binary = (pa.binary(), pa.large_binary())
    if field.type in binary:
        return str(field.name)
    inner = field.type if pa.types.is_struct(field.type) else ()
    return next((f"{field.name}.{child.name}" for child in inner if child.type in binary), None)
