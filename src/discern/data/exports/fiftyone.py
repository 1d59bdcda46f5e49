"""FiftyOne: ``labels.json`` beside the folder ``data``, images by their names without endings.

Format: https://docs.voxel51.com/user_guide/import_datasets.html#fiftyoneimageclassificationdataset.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from discern.data.columns import ColumnSpec
from discern.data.exports.listing import Listing
from discern.data.exports.sniff import read_json_text
from discern.errors import DataError
from discern.i18n import _

TOOL = "FiftyOne"


def is_labels(path: Path, head: str) -> bool:
    """Return whether the file holds an object with labels, and classes that these count or nothing else."""
    return (
        path.suffix.lower() == ".json"
        and head.lstrip().startswith(('{"classes"', '{"labels"', "{"))
        and ('"labels"' in head or head.lstrip().replace(" ", "").replace("\n", "").startswith('{"classes":'))
    )


def read_labels(path: Path, spec: ColumnSpec) -> Listing | None:
    """Read the labels; None where there is no object of them by name."""
    content = read_json_text(path)
    labels = content.get("labels") if isinstance(content, dict) else None
    classes = content.get("classes") if labels else None
    if not isinstance(labels, dict) or not isinstance(classes, list | None):
        return None
    listing = Listing(folder="data", has_endings=False)
    for name, target in labels.items():
        targets = target if isinstance(target, list) else [target]
        if any(isinstance(inner, dict) and "bounding_box" in inner for inner in targets):
            listing.regions.append(name)
        listing.add(name, [_class_name(path, name, inner, classes) for inner in targets])
    return listing


def _class_name(path: Path, name: str, target: Any, classes: list[str] | None) -> str:
    label = target.get("label") if isinstance(target, dict) else target
    if label is None:
        return ""
    if classes is None or isinstance(label, str):
        return str(label)
    if not isinstance(label, int) or not 0 <= label < len(classes):
        message = _("{path}: the label {label} of {name} is none of its {n} classes; export it again.")
        raise DataError(message.format(path=path, label=label, name=name, n=len(classes)))
    return str(classes[label])
