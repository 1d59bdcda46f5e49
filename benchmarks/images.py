"""Folders of images to measure on, written once from the parquet files of the real data."""

from __future__ import annotations

import os
from pathlib import Path

DATA = Path(os.environ.get("DISCERN_DATA") or Path(__file__).resolve().parents[2] / "shared" / "data")


def exported(name: str, most: int | None, into: Path) -> Path:
    """The training part of ``name`` as ``into/name/<class>/<n>.png``, the files as they are in the parquet.

    Parameters
    ----------
    name : str
        ``cifar10`` or ``mnist``.
    most : int or None
        Images to write, evenly spread; all when None.
    """
    import pyarrow.parquet as pq

    folder = into / name
    if not folder.exists():
        table = pq.read_table(DATA / name / "train.parquet")
        rows = table.take(list(range(0, len(table), max(1, len(table) // (most or len(table)))))[:most])
        images, labels = (column.to_pylist() for column in rows.columns)
        for number, (image, label) in enumerate(zip(images, labels, strict=True)):
            file = folder / str(label) / f"{number}.png"
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(image["bytes"])
    return folder


def photos() -> Path:
    """The ants and bees of the transfer-learning tutorial, as they are."""
    return DATA / "hymenoptera" / "train"
