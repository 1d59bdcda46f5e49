"""Vertex AI: CSV without a header (``[ML_USE,]gs://bucket/image.jpg,LABEL``) and JSON lines.

Format: https://cloud.google.com/vertex-ai/docs/image-data/classification/prepare-data. The images are downloaded from
the bucket, so they are found by their names.
"""

from __future__ import annotations

from pathlib import Path

from discern.data.columns import ColumnSpec
from discern.data.exports.listing import Listing
from discern.data.exports.sniff import read_csv_rows, read_json_lines

TOOL = "Vertex AI"
_BUCKET = "gs://"
_SPLITS = {"UNASSIGNED": "", "VALIDATE": "validation"}  # other words are those of any table
_ML_USE = "aiplatform.googleapis.com/ml_use"


def is_csv(path: Path, head: str) -> bool:
    """Return whether the first row names an image in a bucket, in its first or second cell."""
    cells = [cell.strip(' "\r') for cell in head.partition("\n")[0].split(",")]
    return path.suffix.lower() == ".csv" and any(cell.startswith(_BUCKET) for cell in cells[:2])


def is_json_lines(path: Path, head: str) -> bool:
    """Return whether the objects name an image in a bucket."""
    return path.suffix.lower() in (".jsonl", ".json") and '"imageGcsUri"' in head


def read_csv(path: Path, spec: ColumnSpec) -> Listing | None:
    """Read a CSV: rows of an object detection have four more cells."""
    listing = Listing()
    for cells in read_csv_rows(path):
        place = 0 if cells[0].startswith(_BUCKET) else 1
        split, image, labels = cells[0] if place else "", cells[place] if len(cells) > place else "", cells[place + 1 :]
        if len(labels) > 4 and all(_is_coordinate(cell) for cell in labels[1:]) and any(labels[1:]):
            listing.regions.append(image)
        listing.add(image, labels, _SPLITS.get(split.upper(), split))
    return listing


def _is_coordinate(cell: str) -> bool:
    return not cell or cell.replace(".", "", 1).isdigit()


def read_json(path: Path, spec: ColumnSpec) -> Listing | None:
    """Read JSON lines."""
    listing = Listing()
    for row in read_json_lines(path):
        image = str(row.get("imageGcsUri", ""))
        if any(name in row for name in ("boundingBoxAnnotations", "segmentationAnnotations", "polygonAnnotations")):
            listing.regions.append(image)
        annotations = [row.get("classificationAnnotation"), *(row.get("classificationAnnotations") or ())]
        labels = [inner.get("displayName", "") for inner in annotations if isinstance(inner, dict)]
        split = str((row.get("dataItemResourceLabels") or {}).get(_ML_USE) or "")
        listing.add(image, labels, _SPLITS.get(split.upper(), split))
    return listing
