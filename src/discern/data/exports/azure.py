"""Azure: Custom Vision's list of tagged images (JSON), and Machine Learning's AutoML (JSON lines).

Formats: the response of ``GetTaggedImages`` in the Custom Vision training API; and
https://learn.microsoft.com/azure/machine-learning/reference-automl-images-schema.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from discern.data.columns import ColumnSpec
from discern.data.exports.listing import Listing
from discern.data.exports.sniff import read_json_lines, read_json_text

CUSTOM_VISION = "Azure Custom Vision"
AUTOML = "Azure AutoML"
_NAMES = ("filename", "name", "path")  # what scripts that download the images may add
_ADDRESSES = ("originalimageuri", "imageuri", "resizedimageuri")


def is_custom_vision(path: Path, head: str) -> bool:
    """Return whether the images have tags with names; the API's keys, or those of its Python client."""
    plain = head.replace("_", "").lower()
    return path.suffix.lower() == ".json" and '"tags"' in plain and ('"tagname"' in plain or '"tagid"' in plain)


def is_automl(path: Path, head: str) -> bool:
    """Return whether the objects have the address of an image and a label."""
    return path.suffix.lower() in (".jsonl", ".json") and '"image_url"' in head and '"label"' in head


def read_custom_vision(path: Path, spec: ColumnSpec) -> Listing | None:
    """Read tagged images; a file is found by the name of its image or by its id."""
    content = read_json_text(path)
    content = content.get("images", content.get("value")) if isinstance(content, dict) else content
    images = [_plain_keys(image) for image in content or () if isinstance(image, dict)]
    if not any(isinstance(image.get("tags"), list) for image in images):
        return None
    is_named = all(any(image.get(key) for key in _NAMES) for image in images)
    listing = Listing(has_endings=is_named)
    for image in images:
        name = next((str(image[key]) for key in _NAMES if image.get(key)), "") if is_named else _image_id(image)
        if image.get("regions"):
            listing.regions.append(name)
        tags = [tag if isinstance(tag, str) else _plain_keys(tag).get("tagname", "") for tag in image.get("tags") or ()]
        listing.add(name, tags)
    return listing


def _plain_keys(value: Any) -> Mapping[str, Any]:
    return {key.replace("_", "").lower(): inner for key, inner in value.items()} if isinstance(value, dict) else {}


def _image_id(image: Mapping[str, Any]) -> str:
    address = next((str(image[key]) for key in _ADDRESSES if image.get(key)), "")
    return str(image.get("id") or PurePosixPath(address.partition("?")[0]).stem)


def read_automl(path: Path, spec: ColumnSpec) -> Listing | None:
    """Read JSON lines, whose label is a text; of other tasks a list of texts, or of boxes."""
    listing = Listing()
    for row in read_json_lines(path):
        image, label = str(row.get("image_url", "")), row.get("label", "")
        labels = label if isinstance(label, list) else [label]
        if any(isinstance(inner, dict) for inner in labels):
            listing.regions.append(image)
        listing.add(image, [] if image in listing.regions[-1:] else labels)
    return listing
