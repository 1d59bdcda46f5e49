"""Roboflow: ``_classes.csv`` beside the images of each split; and copies of one original, told by their names.

Format: one column a class, 0 or 1, with or without a space after the comma. Each file is named
``original_jpg.rf.HASH.jpg``; the augmented copies of an original share what stands before ``.rf.``.
"""

from __future__ import annotations

import re
from pathlib import Path

from discern.data.columns import ColumnSpec
from discern.data.exports.listing import Listing
from discern.data.exports.sniff import read_content, read_csv_rows
from discern.data.folder_names import is_unlabeled
from discern.notices import Notice

TOOL = "Roboflow"
CLASSES = "_classes.csv"
_COPY = re.compile(r"(.+)\.rf\.(?:[0-9a-f]{32}|[0-9A-Za-z]{20})\.[A-Za-z]+$")


def original_name(name: str) -> str:
    """Return what the copies of one original share; "" for a name of another kind.

    Examples
    --------
    >>> original_name("train/cat/7_jpg.rf.0123456789abcdef0123456789abcdef.jpg"), original_name("7.jpg")
    ('train/cat/7_jpg', '')
    """
    match = _COPY.match(name)
    return match[1] if match else ""


def is_classes(path: Path, head: str) -> bool:
    """Return whether the file is a ``_classes.csv``."""
    return path.name == CLASSES and head.lstrip().lower().startswith(("filename", '"filename"'))


def read_classes(path: Path, spec: ColumnSpec) -> Listing | None:
    """Read a ``_classes.csv``; a ValueError where a cell is neither 0 nor 1."""
    classes = next(read_csv_rows(path))[1:]
    lines = [line for line in read_content(path).split("\n")[1:] if line.strip()]
    listing, n_unlabeled = Listing(), 0
    for line in lines:
        # From the right, since a name with commas may stand without quotes.
        name, *flags = (cell.strip().strip('"') for cell in line.rsplit(",", len(classes)))
        if not classes or not name or not set(flags) <= {"0", "1", "0.0", "1.0"}:
            raise ValueError(line)
        labels = [label for label, flag in zip(classes, flags, strict=True) if float(flag)]
        n_unlabeled += any(map(is_unlabeled, labels))
        listing.add(name, [label for label in labels if not is_unlabeled(label)])
    if n_unlabeled:
        listing.notices.append(Notice("data.unlabeled_flag", {"file": path.parent.name, "n": n_unlabeled}))
    return listing
