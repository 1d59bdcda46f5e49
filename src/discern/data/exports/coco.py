"""COCO with categories of whole images, as iNaturalist and exports of classification have them.

Format: https://cocodataset.org/#format-data; an annotation without box and outline, or with one around the whole
image, is a label of the image.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from discern.data.columns import ColumnSpec
from discern.data.exports.listing import Listing
from discern.data.exports.sniff import read_json_text

TOOL = "COCO"


def is_coco(path: Path, head: str) -> bool:
    """Return whether one of the lists that the format has begins in the first part of the file."""
    plain = "".join(head.split())
    return path.suffix.lower() == ".json" and any(
        f'"{name}":[' in plain for name in ("images", "categories", "annotations")
    )


def read_coco(path: Path, spec: ColumnSpec) -> Listing | None:
    """Read images and their categories; None where one of the three lists is missing."""
    content = read_json_text(path)
    if not isinstance(content, dict):
        return None
    images, categories, annotations = (content.get(name) for name in ("images", "categories", "annotations"))
    if not isinstance(images, list) or not isinstance(categories, list) or "file_name" not in (images or [{}])[0]:
        return None
    names = {category["id"]: str(category.get("name", category["id"])) for category in categories}
    labels: dict[object, list[str]] = defaultdict(list)
    with_objects = set()
    by_id = {image.get("id"): image for image in images}
    for annotation in annotations or ():
        image = annotation.get("image_id")
        category = annotation.get("category_id")
        labels[image].append(names.get(category, str(category)))
        if _is_object(annotation, by_id.get(image, {})):
            with_objects.add(image)
    listing = Listing(folder="images")
    for image in images:
        key, name = image.get("id"), str(image["file_name"])
        if key in with_objects:
            listing.regions.append(name)
        own = [names.get(image["category_id"], "")] if "category_id" in image else []
        listing.add(name, labels[key] or own)
    return listing


def _is_object(annotation: Mapping[str, Any], image: Mapping[str, Any]) -> bool:
    """Return whether it has an outline, or a box that is not the whole image."""
    if annotation.get("segmentation") or annotation.get("keypoints"):
        return True
    box = annotation.get("bbox") or [0, 0, 0, 0]
    width, height = image.get("width", 0), image.get("height", 0)
    return bool(box[2] and box[3]) and not (box[2] >= width - 1 and box[3] >= height - 1)
