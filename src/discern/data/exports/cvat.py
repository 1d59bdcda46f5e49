"""CVAT: its own XML, ImageNet lists (``train.txt`` and ``synsets.txt``) and Open Images tables of labels.

Formats: https://docs.cvat.ai/docs/dataset_management/formats; folders of the ImageNet format are class folders.
"""

from __future__ import annotations

import re
from collections import defaultdict
from pathlib import Path
from xml.etree import ElementTree

from discern.data.columns import ColumnSpec
from discern.data.exports.listing import Listing
from discern.data.exports.sniff import read_content, read_csv_rows
from discern.errors import DataError
from discern.i18n import _

TOOL = "CVAT"
_NAMES = "synsets.txt"
# A name with spaces has quotes around all but its ending: "two words".jpg 0
_QUOTED = re.compile(r'"(?P<stem>[^"]*)"(?P<ending>\S*)(?P<labels>(?:\s+\d+)*)\s*')
_BARE = re.compile(r"(?P<stem>\S.*?)(?P<ending>)(?P<labels>(?:\s+\d+)*)\s*")
_LABELS = "-annotations-human-imagelabels.csv"
_BOXES = "-annotations-bbox.csv"


def is_imagenet_list(path: Path, head: str) -> bool:
    """Return whether the file lists images and numbers, beside the names of these."""
    if path.suffix.lower() != ".txt" or path.name == _NAMES or not path.with_name(_NAMES).is_file():
        return False
    match = _match_line(head.partition("\n")[0].strip())
    return bool(match and match["labels"])


def read_imagenet_list(path: Path, spec: ColumnSpec) -> Listing | None:
    """Read one list; the numbers count the lines of ``synsets.txt`` from 0."""
    names = [line.strip() for line in read_content(path.with_name(_NAMES)).split("\n")]
    listing = Listing(folder="images")
    for number, line in enumerate(read_content(path).split("\n"), start=1):
        match = _match_line(line.strip())
        if not match:
            continue
        labels = [int(label) for label in match["labels"].split()]
        if any(label >= len(names) or not names[label] for label in labels):
            message = _("{path}, row {row}: {names} has no line {label}; export both files again.")
            raise DataError(message.format(path=path, row=number, names=_NAMES, label=max(labels)))
        listing.add(match["stem"] + match["ending"], [names[label] for label in labels])
    return listing


def _match_line(line: str) -> re.Match[str] | None:
    return (_QUOTED if line.startswith('"') else _BARE).fullmatch(line)


def is_xml(path: Path, head: str) -> bool:
    """Return whether the file is "CVAT for images"; the first image may come late, after the labels."""
    return path.suffix.lower() == ".xml" and "<annotations>" in head and ("<image " in head or "<meta>" in head)


def read_xml(path: Path, spec: ColumnSpec) -> Listing | None:
    """Read images with their tags; what else is drawn in an image is an object."""
    text = read_content(path)
    if "<!DOCTYPE" in text or "<!ENTITY" in text:  # could expand to more than memory holds
        raise ValueError("DOCTYPE")
    listing, n_objects = Listing(folder="images"), 0
    for image in ElementTree.fromstring(text).iter("image"):
        name, tags = image.get("name", ""), [part for part in image if part.tag == "tag"]
        has_objects = len(tags) < len(image)
        n_objects += has_objects and bool(tags)
        if has_objects and not tags:
            listing.regions.append(name)
        listing.add(name, [tag.get("label", "") for tag in tags], image.get("subset", ""))
    listing.note_objects(n_objects)
    return listing if listing.images else None


def is_open_images(path: Path, head: str) -> bool:
    """Return whether the file is a table of labels, or of boxes, of the Open Images format."""
    return path.name.endswith((_LABELS, _BOXES)) and "ImageID" in head.partition("\n")[0]


def read_open_images(path: Path, spec: ColumnSpec) -> Listing | None:
    """Read the labels of a subset that were confirmed (confidence above 0), by image."""
    rows = read_csv_rows(path)
    header = next(rows)
    image, label, confidence = (header.index(name) for name in ("ImageID", "LabelName", "Confidence"))
    listing = Listing(folder="images", has_endings=False)
    labels: dict[str, list[str]] = defaultdict(list)
    if path.name.endswith(_BOXES):
        beside = path.with_name(path.name.removesuffix(_BOXES) + _LABELS)
        listing.regions = [] if beside.is_file() else list(dict.fromkeys(row[image] for row in rows))
        return listing
    names = _read_class_names(path)
    for row in rows:
        labels[row[image]] += [names.get(row[label], row[label])] if float(row[confidence] or 0) > 0 else []
    subset = path.name.removesuffix(_LABELS).removeprefix("oidv6-").removeprefix("oidv7-")
    for name, given in labels.items():
        listing.add(f"{subset}/{name}", given, subset)
    return listing


def _read_class_names(path: Path) -> dict[str, str]:
    """Return what the codes of labels (``/m/01yrx``) stand for; with or without a header."""
    tables = sorted(path.parent.glob("*class-descriptions*.csv"))
    return {row[0]: row[1] for table in tables for row in read_csv_rows(table) if len(row) > 1}
