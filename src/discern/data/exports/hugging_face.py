"""Hugging Face ImageFolder: ``metadata.csv``, ``.jsonl`` or ``.parquet`` beside the images, or above their splits.

Format: https://huggingface.co/docs/datasets/image_dataset; ``file_name`` is relative to the file with the metadata.
"""

from __future__ import annotations

from pathlib import Path

from discern.data.columns import ColumnSpec, find_named
from discern.data.dataset import Split
from discern.data.exports.fields import list_columns
from discern.data.exports.listing import Listing
from discern.data.names import split_from_name
from discern.data.table_file import Cells, read_cells
from discern.errors import DataError
from discern.i18n import _

TOOL = "Hugging Face ImageFolder"
FILES = ("metadata.csv", "metadata.jsonl", "metadata.parquet")
_IMAGE = "file_name"


def is_metadata(path: Path, head: str) -> bool:
    """Return whether the file is called so and has the column ``file_name``."""
    return path.name in FILES and (path.suffix == ".parquet" or _IMAGE in head)


def read_metadata(path: Path, spec: ColumnSpec) -> Listing | None:
    """Read the metadata; None where no column says a class, so that folders may."""
    cells = _read_parquet(path) if path.suffix == ".parquet" else read_cells(path)
    others = [name for name in cells if name != _IMAGE]
    if _IMAGE not in cells or not (spec.label or find_named("label", others)):
        return None
    listing = list_columns(path, cells, _IMAGE, spec)
    listing.splits = [word or _split_of_path(name) for name, word in zip(cells[_IMAGE], listing.splits, strict=True)]
    return listing


def _split_of_path(name: str) -> str:
    """Return the folder of a split that a path begins with, "" where it begins otherwise."""
    first = name.replace("\\", "/").partition("/")[0]
    return first if "/" in name and split_from_name(first) != Split.NONE else ""


def _read_parquet(path: Path) -> Cells:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        columns = pq.read_table(path).to_pydict()
    except (pa.ArrowException, OSError) as error:
        message = _("{path} is not a valid table ({reason}): correct it, or save it again.")
        raise DataError(message.format(path=path, reason=error)) from error
    return {name: ["" if value is None else str(value) for value in column] for name, column in columns.items()}
