"""Which columns of a table or a parquet file mean what."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class ColumnSpec:
    """What the person says of the columns; what is empty is found by its name or its values."""

    target: str = ""  # of a table of numbers, the column to learn
    task: str = "auto"  # classification, where it names classes; regression, where it is a number
    columns: tuple[str, ...] = ()  # of a table of numbers, those to read, in this order; empty for all that are numbers
    image: str = ""  # of a table of images: path or file name
    label: str = ""
    split: str = ""
    group: str = ""  # whose rows must share a split: a patient, a camera


AUTO = ColumnSpec()
