"""Exports whose fields the person named: found by meaning, as the columns of any table are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from discern.data.cell_values import read_labels, read_one_hot, read_splits
from discern.data.columns import ColumnSpec, choose_roles
from discern.data.exports.listing import Listing


def list_columns(path: Path, columns: Mapping[str, Sequence[str]], image: str, spec: ColumnSpec) -> Listing:
    """Return the images in the column ``image`` with what the other columns say of them.

    A `ConfigError` lists the columns where several could hold the labels, or a name that ``spec`` gives is none; a
    `DataError` says how many images have several labels.

    Examples
    --------
    >>> listing = list_columns(Path("t.csv"), {"f": ["1.jpg", "2.jpg"], "Class": ["ant", "bee"]}, "f", ColumnSpec())
    >>> listing.images, listing.labels
    (['1.jpg', '2.jpg'], ['ant', 'bee'])
    """
    origin = str(path)
    roles = choose_roles(origin, columns, spec, [image])
    column, one_hot = roles.labels.column, roles.labels.one_hot
    labels = read_labels(origin, columns[column]) if column else read_one_hot(origin, columns, one_hot)
    listing = Listing(images=list(columns[image]), labels=labels)
    listing.splits = listing.groups = [""] * len(labels)
    if roles.split:
        cells = columns[roles.split]
        splits, notices = read_splits(roles.split, cells, bool(spec.split))
        listing.splits = [splits[word].name.lower() if splits.get(word) else word for word in cells]
        listing.notices += notices
    if roles.group:
        listing.groups, listing.group_field = list(columns[roles.group]), roles.group
    return listing


def with_label(spec: ColumnSpec, label: str) -> ColumnSpec:
    """Return ``spec`` with a column of labels, where it names none."""
    return spec if spec.label else replace(spec, label=label)
