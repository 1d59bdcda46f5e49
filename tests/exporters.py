"""One known data set in the format of each tool: what `tests/data/test_round_trip.py` reads back."""

from __future__ import annotations

import csv
import hashlib
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote
from xml.sax.saxutils import quoteattr

SPLITS = ("train", "validation", "test")


class Example(NamedTuple):
    """An image: file name, class, split and group, as text."""

    name: str
    label: str
    split: str
    group: str


def by_split(examples: Sequence[Example]) -> dict[str, list[Example]]:
    return {split: [e for e in examples if e.split == split] for split in SPLITS}


def put(e: Example, root: Path, path: str) -> None:
    """Write an image file whose content is the name of the example, by which it is known again; nothing decodes it."""
    (root / path).parent.mkdir(parents=True, exist_ok=True)
    (root / path).write_bytes(e.name.encode())


def write_rows(
    path: Path, rows: Sequence[Sequence[object]], delimiter: str = ",", quoting: int = csv.QUOTE_MINIMAL
) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file, delimiter=delimiter, quoting=quoting, lineterminator="\n").writerows(rows)
    return path


def write_json(path: Path, value: object) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value, ensure_ascii=False), encoding="utf-8")
    return path


def write_lines(path: Path, values: Sequence[object]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(value, ensure_ascii=False) + "\n" for value in values), encoding="utf-8")
    return path


def label_studio_json(root: Path, examples: Sequence[Example]) -> Path:
    tasks = []
    for number, e in enumerate(examples):
        image = _upload(root, e, number)
        result = [{"from_name": "choice", "to_name": "image", "type": "choices", "value": {"choices": [e.label]}}]
        annotation = {"id": number, "completed_by": 1, "result": result, "was_cancelled": False}
        task = {"id": number, "annotations": [annotation], "file_upload": image.rpartition("/")[2], "predictions": []}
        tasks.append({**task, "data": {"image": image, "split": e.split, "group": e.group}, "meta": {}})
    return write_json(root / "project-1-at-2026-01-02.json", tasks)


def label_studio_json_min(root: Path, examples: Sequence[Example]) -> Path:
    return write_json(root / "project-1-min.json", _flat_records(root, examples))


def label_studio_csv(root: Path, examples: Sequence[Example]) -> Path:
    return _label_studio_table(root / "project-1.csv", examples, ",")


def label_studio_tsv(root: Path, examples: Sequence[Example]) -> Path:
    return _label_studio_table(root / "project-1.csv", examples, "\t")


def _upload(root: Path, e: Example, number: int) -> str:
    """Write the image under the name that the tool gives an upload; return its address, which is quoted."""
    name = e.name.replace(" ", "_").replace(",", "")
    put(
        e, root, f"media/{hashlib.md5(e.name.encode()).hexdigest()[:8]}-{name}" if number % 2 else f"originals/{e.name}"
    )
    return quote(f"/data/upload/1/{hashlib.md5(e.name.encode()).hexdigest()[:8]}-{name}")


def _flat_records(root: Path, examples: Sequence[Example]) -> list[dict[str, object]]:
    own = {"annotator": 1, "created_at": "2026-01-02", "updated_at": "2026-01-02", "lead_time": 2.5}
    return [
        {"image": _upload(root, e, i), "split": e.split, "group": e.group, "id": i, "choice": e.label}
        | {"annotation_id": i, **own}
        for i, e in enumerate(examples)
    ]


def _label_studio_table(path: Path, examples: Sequence[Example], delimiter: str) -> Path:
    records = _flat_records(path.parent, examples)
    header = sorted(records[0])
    rows = [header, *([record[name] for name in header] for record in records)]
    return write_rows(path, rows, delimiter, csv.QUOTE_NONNUMERIC)


def _copy_name(e: Example) -> str:
    """Name an image as Roboflow names a copy of its group."""
    digest = hashlib.md5(e.name.encode()).hexdigest()
    stem = f"{e.group}_{Path(e.name).stem[:3]}" if not e.group else e.group
    return f"{stem}_jpg.rf.{digest if len(e.name) % 2 else digest[:20].swapcase()}.jpg"


def roboflow_folder(root: Path, examples: Sequence[Example]) -> Path:
    for e in examples:
        put(e, root, f"{'valid' if e.split == 'validation' else e.split}/{e.label}/{_copy_name(e)}")
    (root / "README.roboflow.txt").write_text("fruit - v1")
    return root


def roboflow_classes(root: Path, examples: Sequence[Example]) -> Path:
    classes = sorted({e.label for e in examples})
    for split, members in by_split(examples).items():
        folder = root / ("valid" if split == "validation" else split)
        lines = [", ".join(["filename", *(f'"{name}"' if "," in name else name for name in classes)])]
        for e in members:
            put(e, folder, _copy_name(e))
            lines.append(",".join([_copy_name(e), *(" 1" if name == e.label else " 0" for name in classes)]))
        (folder / "_classes.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return root


def cvat_imagenet(root: Path, examples: Sequence[Example]) -> Path:
    classes = sorted({e.label for e in examples})
    (root / "synsets.txt").write_text("".join(f"{name}\n" for name in classes), encoding="utf-8")
    for split, members in by_split(examples).items():
        lines = []
        for e in members:
            put(e, root, f"images/{e.name}")
            stem, suffix = Path(e.name).stem, Path(e.name).suffix
            name = f'"{stem}"{suffix}' if " " in stem else e.name
            lines.append(f"{name} {classes.index(e.label)}\n")
        (root / f"{split}.txt").write_text("".join(lines), encoding="utf-8")
    return root


def cvat_xml(root: Path, examples: Sequence[Example]) -> Path:
    images = []
    for number, e in enumerate(examples):
        put(e, root, f"images/{e.split}/{e.name}")
        image = f"<image id='{number}' name={quoteattr(e.name)} subset='{e.split}' width='8' height='8'>"
        images.append(f"{image}<tag label={quoteattr(e.label)} source='manual'></tag></image>")
    text = f"<annotations><version>1.1</version><meta></meta>{''.join(images)}</annotations>"
    (root / "annotations.xml").write_text(text, encoding="utf-8")
    return root


def cvat_open_images(root: Path, examples: Sequence[Example]) -> Path:
    classes = sorted({e.label for e in examples})
    codes = {name: f"/m/{number:03}" for number, name in enumerate(classes)}
    write_rows(root / "annotations" / "class-descriptions.csv", [(code, name) for name, code in codes.items()])
    for split, members in by_split(examples).items():
        rows: list[Sequence[object]] = [("ImageID", "Source", "LabelName", "Confidence")]
        for e in members:
            put(e, root, f"images/{split}/{e.name}")
            rows.append((Path(e.name).stem, "verification", codes[e.label], 1))
            rows.append((Path(e.name).stem, "verification", codes[classes[e.label == classes[0]]], 0))
        write_rows(root / "annotations" / f"{split}-annotations-human-imagelabels.csv", rows)
    return root


def _put_in_buckets(root: Path, examples: Sequence[Example]) -> None:
    for e in examples:
        put(e, root, f"downloads/{e.name}")


def vertex_csv(root: Path, examples: Sequence[Example]) -> Path:
    _put_in_buckets(root, examples)
    return write_rows(root / "import.csv", [(e.split, f"gs://bucket/some/{e.name}", e.label) for e in examples])


def vertex_jsonl(root: Path, examples: Sequence[Example]) -> Path:
    _put_in_buckets(root, examples)
    use = "aiplatform.googleapis.com/ml_use"
    return write_lines(
        root / "import.jsonl",
        [
            {
                "imageGcsUri": f"gs://bucket/some/{e.name}",
                "classificationAnnotation": {"displayName": e.label, "annotationResourceLabels": {}},
                "dataItemResourceLabels": {use: "training" if e.split == "train" else e.split},
            }
            for e in examples
        ],
    )


def azure_custom_vision(root: Path, examples: Sequence[Example]) -> Path:
    images = []
    for e in examples:
        key = hashlib.md5(e.name.encode()).hexdigest()
        put(e, root, f"images/{key}.jpg")
        host = "https://irisprodwe.blob.core.windows.net/i-1"
        tags = [{"tagId": e.label[::-1], "tagName": e.label, "created": "2026-01-02"}]
        images.append({"id": key, "width": 8, "originalImageUri": f"{host}/o-{key}?sv=1&sig=x", "tags": tags})
    return write_json(root / "tagged.json", images)


def azure_automl(root: Path, examples: Sequence[Example]) -> Path:
    _put_in_buckets(root, examples)
    place = "azureml://subscriptions/s/resourcegroups/r/workspaces/w/datastores/d/paths/images"
    for split, members in by_split(examples).items():
        rows = [{"image_url": f"{place}/{quote(e.name)}", "label": e.label, "image_details": {}} for e in members]
        write_lines(root / f"{split}_annotations.jsonl", rows)
    return root


def fiftyone_labels(root: Path, examples: Sequence[Example]) -> Path:
    classes = sorted({e.label for e in examples})
    for e in examples:
        put(e, root, f"data/{e.name}")
    labels = {Path(e.name).stem: classes.index(e.label) for e in examples}
    return write_json(root / "labels.json", {"classes": classes, "labels": labels}).parent


def coco_image_level(root: Path, examples: Sequence[Example]) -> Path:
    classes = sorted({e.label for e in examples})
    categories = [{"id": number, "name": name} for number, name in enumerate(classes, start=1)]
    for split, members in by_split(examples).items():
        images, annotations = [], []
        for number, e in enumerate(members):
            put(e, root, f"images/{e.name}")
            images.append({"id": number, "file_name": e.name, "width": 8, "height": 8})
            annotations.append({"id": number, "image_id": number, "category_id": classes.index(e.label) + 1})
        value = {"info": {}, "images": images, "annotations": annotations, "categories": categories}
        write_json(root / "annotations" / f"instances_{split}2026.json", value)
    return root


def hugging_face_csv(root: Path, examples: Sequence[Example]) -> Path:
    for split, members in by_split(examples).items():
        for e in members:
            put(e, root, f"{split}/{e.name}")
        rows = [("file_name", "label", "patient"), *((e.name, e.label, e.group) for e in members)]
        write_rows(root / split / "metadata.csv", rows)
    return root


def hugging_face_root_jsonl(root: Path, examples: Sequence[Example]) -> Path:
    for e in examples:
        put(e, root, f"{e.split}/{e.name}")
    rows = [{"file_name": f"{e.split}/{e.name}", "label": e.label, "group": e.group} for e in examples]
    write_lines(root / "metadata.jsonl", rows)
    return root


def hugging_face_parquet(root: Path, examples: Sequence[Example]) -> Path:
    import pyarrow as pa
    import pyarrow.parquet as pq

    for e in examples:
        put(e, root, f"{e.split}/{e.name}")
    columns = {"file_name": [f"{e.split}/{e.name}" for e in examples], "label": [e.label for e in examples]}
    pq.write_table(pa.table({**columns, "group": [e.group for e in examples]}), root / "metadata.parquet")
    return root


def class_folders(root: Path, examples: Sequence[Example]) -> Path:
    for e in examples:
        put(e, root, f"{e.label}/{e.name}")
    return root


def split_folders(root: Path, examples: Sequence[Example]) -> Path:
    for e in examples:
        put(e, root, f"{e.split}/{e.label}/{e.name}")
    return root


def _manifest(root: Path, examples: Sequence[Example]) -> list[dict[str, str]]:
    for e in examples:
        put(e, root, f"images/{e.name}")
    return [{"path": f"images/{e.name}", "label": e.label, "split": e.split, "group": e.group} for e in examples]


def manifest_csv(root: Path, examples: Sequence[Example]) -> Path:
    rows = _manifest(root, examples)
    return write_rows(root / "fruit.csv", [list(rows[0]), *(list(row.values()) for row in rows)])


def manifest_tsv(root: Path, examples: Sequence[Example]) -> Path:
    rows = _manifest(root, examples)
    return write_rows(root / "fruit.tsv", [list(rows[0]), *(list(row.values()) for row in rows)], "\t")


def manifest_jsonl(root: Path, examples: Sequence[Example]) -> Path:
    return write_lines(root / "fruit.jsonl", _manifest(root, examples))


def parquet(root: Path, examples: Sequence[Example]) -> Path:
    import pyarrow as pa
    import pyarrow.parquet as pq

    for split, members in by_split(examples).items():
        images = [{"bytes": e.name.encode(), "path": e.name} for e in members]
        table = pa.table({"image": images, "label": [e.label for e in members], "group": [e.group for e in members]})
        pq.write_table(table, root / f"{split}-00000-of-00001.parquet")
    return root


Writer = Callable[[Path, Sequence[Example]], Path]
ALL = frozenset(("label", "split", "group"))
LABEL, WITH_SPLIT = frozenset(("label",)), frozenset(("label", "split"))
WRITERS: dict[Writer, frozenset[str]] = {  # and what the format can hold
    label_studio_json: ALL,
    label_studio_json_min: ALL,
    label_studio_csv: ALL,
    label_studio_tsv: ALL,
    roboflow_folder: ALL,
    roboflow_classes: ALL,
    cvat_imagenet: WITH_SPLIT,
    cvat_xml: WITH_SPLIT,
    cvat_open_images: WITH_SPLIT,
    vertex_csv: WITH_SPLIT,
    vertex_jsonl: WITH_SPLIT,
    azure_custom_vision: LABEL,
    azure_automl: WITH_SPLIT,
    fiftyone_labels: LABEL,
    coco_image_level: WITH_SPLIT,
    hugging_face_csv: ALL,
    hugging_face_root_jsonl: ALL,
    hugging_face_parquet: ALL,
    class_folders: LABEL,
    split_folders: WITH_SPLIT,
    manifest_csv: ALL,
    manifest_tsv: ALL,
    manifest_jsonl: ALL,
    parquet: ALL,
}
