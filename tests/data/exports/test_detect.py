from __future__ import annotations

import json
from pathlib import Path

import pytest

from discern.data.columns import ColumnSpec
from discern.data.dataset import ImageDataset, Split
from discern.data.exports.detect import open_export_file, open_export_folder
from discern.data.open import open_data
from discern.errors import ConfigError, DataError


def fill(root: Path, *names: str) -> Path:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(name.encode())
    return root


def write(root: Path, name: str, content: object) -> Path:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    text = content if isinstance(content, str) else json.dumps(content, ensure_ascii=False)
    path.write_text(text, encoding="utf-8")
    return path


def read(path: Path, spec: ColumnSpec | None = None) -> dict[str, str | None]:
    """Return the label of each image by its path; None where it has none."""
    data = open_data(path, column_spec=spec or ColumnSpec())
    assert isinstance(data, ImageDataset)
    return {data.store.path(i): data.classes[n] if n >= 0 else None for i, n in enumerate(data.labels.tolist())}


def notices(path: Path) -> str:
    return " ".join(notice.text() for notice in open_data(path).notices)


def refused(path: Path, spec: ColumnSpec | None = None) -> str:
    with pytest.raises((DataError, ConfigError)) as caught:
        open_data(path, column_spec=spec or ColumnSpec())
    return str(caught.value)


def task(number: int, *choices: str, control: str = "choice", **more: object) -> dict[str, object]:
    result = [{"from_name": control, "to_name": "image", "type": "choices", "value": {"choices": list(choices)}}]
    annotation = {"id": number, "result": result if choices else [], "was_cancelled": False, **more}
    return {"id": number, "annotations": [annotation], "data": {"image": f"/data/upload/1/0123abcd-{number}.jpg"}}


def record(number: int, choice: object) -> dict[str, object]:
    own = {"annotator": 1, "annotation_id": number, "created_at": "", "updated_at": "", "lead_time": 1}
    return {"image": f"/data/upload/1/0123abcd-{number}.jpg", "id": number, "choice": choice, **own}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return fill(tmp_path / "data", *(f"images/{n}.jpg" for n in range(4)))


def test_label_studio_skipped_unlabeled_and_disagreeing(root: Path) -> None:
    skipped = {**task(2, "cat"), "annotations": [{"id": 2, "result": [], "was_cancelled": True}]}
    twice = task(0, "dog", updated_at="2026-01-01")
    twice["annotations"] += task(0, "cat", updated_at="2026-01-02")["annotations"]  # type: ignore[operator]
    path = write(root, "project.json", [twice, task(1, "dog"), skipped, {**task(3), "annotations": []}])
    assert read(path) == {"images/0.jpg": "cat", "images/1.jpg": "dog", "images/3.jpg": None}
    assert "Tasks that were skipped while labeling are left out (1)" in notices(path)
    assert "disagree (1 images)" in notices(path)
    assert "does not list are left out (1): images/2.jpg" in notices(root)


def test_label_studio_fields_are_chosen(root: Path) -> None:
    two = [task(n, "cat" if n else "dog") for n in range(4)]
    for number, one in enumerate(two):
        one["annotations"][0]["result"] += task(0, f"{number % 2}", control="blurred")["annotations"][0]["result"]  # type: ignore[index]
    path = write(root, "project.json", two)
    assert set(read(path).values()) == {"cat", "dog"}  # "choice" says that it is the label
    assert set(read(path, ColumnSpec(label="blurred")).values()) == {"0", "1"}
    assert 'Unknown column "blur"' in refused(path, ColumnSpec(label="blur"))
    other = json.loads(path.read_text().replace('"choice"', '"quality"'))
    assert "quality, blurred" in refused(write(root, "project.json", other))


@pytest.mark.parametrize("kind", ["json", "min", "csv"])
def test_label_studio_several_choices_are_counted(root: Path, kind: str) -> None:
    if kind == "json":
        path = write(root, "p.json", [task(0, "cat"), task(1, "dog"), task(2, "cat", "dog")])
    else:
        records = [record(0, "cat"), record(1, "dog"), record(2, {"choices": ["cat", "dog"]})]
        if kind == "min":
            path = write(root, "p.json", records)
        else:
            header = sorted(records[0])
            cells = [[r[h] if isinstance(r[h], str) else json.dumps(r[h]) for h in header] for r in records]
            quoted = [[c.replace('"', '""') for c in row] for row in [header, *cells]]
            path = write(root, "p.csv", "\n".join(",".join(f'"{c}"' for c in row) for row in quoted))
    assert "gives 1 images several labels" in refused(path)


def test_label_studio_boxes_are_refused(root: Path) -> None:
    boxes = task(0, "x")
    boxes["annotations"][0]["result"] = [{"value": {"x": 1, "rectanglelabels": ["cat"]}, "from_name": "label"}]  # type: ignore[index]
    assert "labels objects inside 1 images" in refused(write(root, "p.json", [boxes]))
    flat = record(0, "") | {"label": [{"x": 1, "width": 2, "rectanglelabels": ["cat"]}]}
    del flat["choice"]
    assert "labels objects inside 1 images" in refused(write(root, "p.json", [flat]))


def test_label_studio_local_files_and_addresses(root: Path) -> None:
    tasks = [task(n, "cat" if n else "dog") for n in range(3)]
    for one, image in zip(
        tasks, ("/data/local-files/?d=images/0.jpg", "s3://b/x/1.jpg", "http://h/2.jpg?k=1"), strict=True
    ):
        one["data"] = {"image": image}
    assert list(read(write(root, "p.json", tasks))) == ["images/0.jpg", "images/1.jpg", "images/2.jpg"]
    for one, image in zip(tasks, ("s3://b/x/0", "s3://b/x/1", "s3://b/x/2"), strict=True):
        one["data"] = {"image": image}
    assert list(read(write(root, "p.json", tasks))) == ["images/0.jpg", "images/1.jpg", "images/2.jpg"]


HASH, NEW_HASH = "0123456789abcdef" * 2, "aB3dE6gH9jK2mN5pQ8sT"


def test_roboflow_copies_share_a_group(tmp_path: Path) -> None:
    copies = [f"1_jpg.rf.{HASH}.jpg", f"1_jpg.rf.{NEW_HASH}.jpg", f"2_png.rf.{HASH}.jpg"]
    data = open_data(fill(tmp_path, *(f"train/{label}/{name}" for label in ("cat", "dog") for name in copies)))
    assert data.groups is not None and data.groups.tolist() == [0, 0, 1, 2, 2, 3]  # a name in two classes is no copy
    by_original = open_data(tmp_path, column_spec=ColumnSpec(group="/([12])_"))  # and by what a pattern finds
    assert by_original.groups is not None and len(set(by_original.groups.tolist())) == 2
    single = open_data(fill(tmp_path / "b", *(f"{label}/{copies[0]}" for label in ("cat", "dog"))))
    assert single.groups is None


def test_roboflow_several_classes_an_image(root: Path) -> None:
    for rows in ("0.jpg,1,0\n1.jpg,0,1\n2.jpg,1,1\n", "0.jpg, 1, 0\n1.jpg, 0, 1\n2.jpg, 1, 1\n"):
        assert "gives 1 images several labels (2.jpg" in refused(
            write(root, "images/_classes.csv", "filename,cat,dog\n" + rows)
        )
    path = write(root, "images/_classes.csv", "filename,Unlabeled,cat,dog\n0.jpg,0,1,0\n1.jpg,0,0,1\n2.jpg,1,0,0\n")
    assert read(path) == {"0.jpg": "cat", "1.jpg": "dog", "2.jpg": None} and "calls unlabeled" in notices(path)
    path = write(root, "images/_classes.csv", "filename, cat, dog\n0.jpg, 1, 0\n1.jpg, 0, 1\n2.jpg, 0, 0\n")
    assert read(path) == {"0.jpg": "cat", "1.jpg": "dog", "2.jpg": None}


def test_cvat_imagenet_rows(root: Path) -> None:
    fill(root, "images/two words.jpg")
    write(root, "synsets.txt", "cat\nbig dog\n")
    path = write(root, "train.txt", '"two words".jpg 1\n0.jpg 0\n1.jpg\n')
    assert read(path) == {"images/two words.jpg": "big dog", "images/0.jpg": "cat", "images/1.jpg": None}
    assert "several labels (0.jpg" in refused(write(root, "train.txt", "0.jpg 0 1\n"))
    assert "row 1: synsets.txt has no line 7" in refused(write(root, "train.txt", "0.jpg 7\n"))


def test_cvat_xml(root: Path) -> None:
    tag, box = '<tag label="cat"></tag>', '<box label="cat" xtl="1"></box>'
    body = '<annotations><image name="0.jpg">{}</image><image name="1.jpg"><tag label="dog"/></image></annotations>'
    assert read(write(root, "annotations.xml", body.format(tag))) == {"images/0.jpg": "cat", "images/1.jpg": "dog"}
    assert "labels objects inside 1 images" in refused(write(root, "annotations.xml", body.format(box)))
    assert "outlines inside images are not read (1 images)" in notices(write(root, "a.xml", body.format(tag + box)))
    (root / "a.xml").unlink()
    assert "several labels" in refused(write(root, "annotations.xml", body.format(tag + '<tag label="dog"/>')))
    bomb = '<!DOCTYPE a [<!ENTITY b "c">]>' + body.format("&b;")
    assert "contents are not valid" in refused(write(root, "annotations.xml", bomb))


def test_open_images_boxes_are_refused(root: Path) -> None:
    header = "ImageID,Source,LabelName,Confidence,XMin\n"
    write(root, "annotations/train-annotations-bbox.csv", header + "0,x,cat,1,0.2\n1,x,cat,1,0.2\n")
    assert "labels objects inside 2 images" in refused(root)


def test_vertex_rows(root: Path) -> None:
    rows = "TRAIN,gs://b/x/0.jpg,cat\nUNASSIGNED,gs://b/x/1.jpg,dog\nTEST,gs://b/x/2.jpg,dog\ntest,gs://b/x/3.jpg\n"
    path = write(root, "import.csv", rows)
    assert list(read(path).values()) == ["cat", "dog", "dog", None]
    assert open_data(path).given_split.tolist() == [Split.TRAIN, Split.TRAIN, Split.TEST, Split.UNLABELED]
    rows = "TRAIN,gs://b/0.jpg,cat\nTRAIN,gs://b/1.jpg,dog\nVALIDATE,gs://b/2.jpg,cat\nTEST,gs://b/3.jpg,dog\n"
    assert open_data(write(root, "import.csv", rows)).given_split.tolist() == [1, 1, 2, 3]
    assert read(write(root, "import.csv", "gs://b/0.jpg,cat\ngs://b/1.jpg,dog\n"))["images/1.jpg"] == "dog"
    assert "several labels" in refused(write(root, "import.csv", "gs://b/0.jpg,cat,dog\n"))
    assert "labels objects" in refused(write(root, "import.csv", "gs://b/0.jpg,cat,0.1,0.1,,,0.5,0.5,,\n"))
    boxes = {"imageGcsUri": "gs://b/0.jpg", "boundingBoxAnnotations": [{"displayName": "cat"}]}
    assert "labels objects" in refused(write(root, "import.jsonl", boxes))


def test_azure_rows(root: Path) -> None:
    tagged = [{"id": str(n), "original_image_uri": "x", "tags": [{"tag_name": "cd"[n % 2]}]} for n in range(2)]
    assert read(write(root, "tags.json", tagged)) == {"images/0.jpg": "c", "images/1.jpg": "d"}
    tagged[0]["regions"] = [{"left": 0.1}]  # type: ignore[index]
    assert "labels objects" in refused(write(root, "tags.json", tagged))
    line = {"image_url": "AmlDatastore://images/0.jpg", "label": ["cat", "dog"]}
    assert "several labels" in refused(write(root, "train.jsonl", line))
    assert "labels objects" in refused(write(root, "train.jsonl", {**line, "label": [{"label": "cat", "topX": 0.1}]}))
    assert "leave out --label" in refused(write(root, "t.jsonl", {**line, "label": "c"}), ColumnSpec(label="label"))
    assert "leave out --group" in refused(root / "t.jsonl", ColumnSpec(group="patient"))


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ({"labels": {"0": "cat", "1": "dog", "2": None}}, ""),
        ({"labels": {"0": {"label": "cat", "confidence": 1.0}, "1": {"label": "dog"}, "2": None}}, ""),
        ({"classes": ["cat", "dog"], "labels": {"0": 0, "1": 1, "2": None}}, ""),
        ({"classes": ["cat"], "labels": {"0": 7}}, "the label 7 of 0 is none of its 1 classes"),
        ({"labels": {"0": [{"label": "a"}, {"label": "b"}]}}, "several labels"),
        ({"labels": {"0": [{"label": "a", "bounding_box": [0, 0, 1, 1]}]}}, "labels objects"),
    ],
)
def test_fiftyone_labels(tmp_path: Path, value: object, said: str) -> None:
    path = write(fill(tmp_path, "data/0.png", "data/1.jpg", "data/2.jpg"), "labels.json", value)
    if said:
        assert said in refused(path)
    else:
        assert list(read(path).values()) == ["cat", "dog", None]


def coco(**more: object) -> dict[str, object]:
    images = [{"id": n, "file_name": f"{n}.jpg", "width": 8, "height": 8} for n in range(3)]
    categories = [{"id": 5, "name": "cat"}, {"id": 7, "name": "dog"}]
    annotations = [{"image_id": n, "category_id": 7 if n else 5, **more} for n in range(2)]
    return {"images": images, "annotations": annotations, "categories": categories}


def test_coco_with_categories_of_images(root: Path) -> None:
    labels = {"images/0.jpg": "cat", "images/1.jpg": "dog", "images/2.jpg": None}
    assert read(write(root, "labels.json", coco())) == labels
    assert read(write(root, "labels.json", coco(bbox=[0, 0, 8, 8], segmentation=[]))) == labels
    assert "labels objects inside 2 images" in refused(write(root, "labels.json", coco(bbox=[1, 1, 3, 3])))
    both = coco()
    both["annotations"] += [{"image_id": 0, "category_id": 7}]  # type: ignore[operator]
    assert "gives 1 images several labels (0.jpg" in refused(write(root, "labels.json", both))


def test_class_folders_win_over_a_file_about_objects(tmp_path: Path) -> None:
    write(fill(tmp_path, "cat/0.jpg", "dog/1.jpg"), "annotations.json", coco(bbox=[1, 1, 3, 3]))
    assert read(tmp_path) == {"cat/0.jpg": "cat", "dog/1.jpg": "dog"}
    assert "annotations.json (COCO) labels objects" in notices(tmp_path)


def test_several_labels_in_split_folders_are_refused(tmp_path: Path) -> None:
    for split in ("train", "valid"):
        write(fill(tmp_path, f"{split}/0.jpg"), f"{split}/_classes.csv", "filename,cat,dog\n0.jpg,1,1\n")
    assert "gives 2 images several labels" in refused(tmp_path)


def test_hugging_face_metadata_of_the_root_counts(tmp_path: Path) -> None:
    fill(tmp_path, "train/0.jpg", "train/1.jpg", "test/0.jpg", "test/2.jpg")
    rows = "file_name,Label,text\ntrain/0.jpg,a,x\ntrain/1.jpg,b,y\ntest/0.jpg,a,z\n"
    write(tmp_path, "metadata.csv", rows)
    assert "wins" not in notices(tmp_path)
    assert read(tmp_path) == {"train/0.jpg": "a", "train/1.jpg": "b", "test/0.jpg": "a"}
    assert open_data(tmp_path).given_split.tolist() == [Split.TRAIN, Split.TRAIN, Split.TEST]
    assert "left out (1): test/2.jpg" in notices(tmp_path)
    assert set(read(tmp_path, ColumnSpec(label="text")).values()) == {"x", "y", "z"}


def test_hugging_face_metadata_without_labels_leaves_the_folders(tmp_path: Path) -> None:
    write(fill(tmp_path, "cat/0.jpg", "dog/1.jpg"), "metadata.jsonl", {"file_name": "cat/0.jpg", "text": "a cat"})
    assert read(tmp_path) == {"cat/0.jpg": "cat", "dog/1.jpg": "dog"}


def test_several_exports_are_asked_about(root: Path) -> None:
    write(root, "a.json", [task(n, "cd"[n % 2]) for n in range(4)])
    write(root, "b.json", [record(n, "cd"[n % 2]) for n in range(4)])
    assert "has several exports (a.json, b.json)" in refused(root)
    write(root, "a.json", [task(n, "cd"[n % 2]) for n in range(2)])
    write(root, "b.json", [record(n, "cd"[n % 2]) for n in range(2, 4)])  # of other images: both count
    assert len(read(root)) == 4


@pytest.mark.parametrize(
    "content", ["{}", "[]", "[1]", '{"data": 3}', '{"labels": 3}', '{"images": [1]}', "x", '{"images": [{']
)
def test_other_json_is_no_export(root: Path, content: str) -> None:
    write(root, "other.json", content)
    fill(root, "cat/1.jpg", "dog/1.jpg")
    assert open_export_folder(root)[0] is None
    assert open_export_file(write(root, "t.txt", "words")) is None


def test_a_table_of_copies_is_grouped(tmp_path: Path) -> None:
    copies = [f"1_jpg.rf.{HASH}.jpg", f"1_jpg.rf.{NEW_HASH}.jpg", f"2_png.rf.{HASH}.jpg"]
    rows = zip(copies, ("cat", "cat", "dog"), strict=True)
    fill(tmp_path, *copies)
    data = open_data(write(tmp_path, "t.csv", "path,label\n" + "".join(f"{name},{label}\n" for name, label in rows)))
    assert data.groups is not None and data.groups.tolist() == [0, 0, 1]


@pytest.mark.parametrize("name", ["_unlabeled", "no_label", "Unlabeled"])
def test_a_folder_of_images_without_labels_is_no_class(tmp_path: Path, name: str) -> None:
    fill(tmp_path, "cat/0.jpg", "dog/1.jpg", f"{name}/2.jpg")
    assert read(tmp_path) == {"cat/0.jpg": "cat", "dog/1.jpg": "dog", f"{name}/2.jpg": None}
    assert f"{name}: by this name images without a label, left for prediction (1)" in notices(tmp_path)
    assert read(tmp_path, ColumnSpec(class_depth=1))[f"{name}/2.jpg"] == name
