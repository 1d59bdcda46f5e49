from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from discern.data.audit import audit_dataset
from discern.data.columns import ColumnSpec
from discern.data.dataset import Split, TableDataset
from discern.data.image_paths import number_repeats
from discern.data.manifest import open_table
from discern.data.open import open_data
from discern.data.split import split_dataset
from discern.errors import ConfigError, DataError
from discern.notices import Notice


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("1.jpg", "2.jpg", "10.jpg", "水果, 紅.jpg"):
        (tmp_path / name).write_bytes(name.encode())
    return tmp_path


def refused(table: Path) -> str:
    with pytest.raises((DataError, ConfigError)) as caught:
        open_table(table)
    return str(caught.value)


def write(folder: Path, name: str, text: str, encoding: str = "utf-8") -> Path:
    table = folder / name
    table.write_bytes(text.encode(encoding))
    return table


ROWS = [{"path": "1.jpg", "label": "蘋果"}, {"path": "2.jpg", "label": 10}, {"path": "10.jpg", "label": 9}]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("pets.csv", "path,label\n1.jpg,蘋果\n2.jpg,10\n10.jpg,9\n"),
        ("pets.csv", "Label , PATH,more\r\n蘋果,1.jpg,x\r\n\r\n10,2.jpg,x\r\n9,10.jpg\r\n"),
        ("pets.csv", "path|label\n1.jpg|蘋果\n2.jpg|10\n10.jpg|9\n"),
        ("pets.csv", "path;label\n1.jpg;蘋果\n2.jpg;10\n10.jpg;9\n"),
        ("pets.TSV", "path\tlabel\n1.jpg\t蘋果\n2.jpg\t10\n10.jpg\t9"),
        ("pets.json", json.dumps(ROWS)),
        ("pets.json", json.dumps({"data": ROWS, "version": 1}, ensure_ascii=False)),
        ("pets.jsonl", "\n".join(map(json.dumps, ROWS)) + "\n\n"),
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
def test_every_kind_reads_the_same(folder: Path, name: str, text: str, encoding: str) -> None:
    data = open_table(write(folder, name, text, encoding))
    assert (data.name, data.classes, data.labels.tolist()) == ("pets", ("9", "10", "蘋果"), [2, 1, 0])
    assert [data.store.path(index) for index in range(3)] == ["1.jpg", "2.jpg", "10.jpg"]
    assert data.store.read(2) == b"10.jpg"
    assert (data.given_split == Split.NONE).all()


def test_quoted_names(folder: Path) -> None:
    data = open_table(write(folder, "t.csv", 'path,label\n"水果, 紅.jpg","a ""b"""\n1.jpg,c\n'))
    assert data.classes == ('a "b"', "c")
    assert data.store.read(0) == "水果, 紅.jpg".encode()


def test_splits(folder: Path) -> None:
    data = open_table(write(folder, "t.csv", "path,label,split\n1.jpg,a,Train\n2.jpg,b,train\n10.jpg,a,val\n"))
    assert data.given_split.tolist() == [Split.TRAIN, Split.TRAIN, Split.TEST]
    assert data.notices == (Notice("data.validation_used_as_test", {"split": "val", "train": "train"}),)


def test_rows_without_a_split_are_trained_on(folder: Path) -> None:
    data = open_table(write(folder, "t.csv", "path,label,split\n1.jpg,a,train\n2.jpg,b,\n10.jpg,a,test\n"))
    assert data.given_split.tolist() == [Split.TRAIN, Split.TRAIN, Split.TEST]
    assert data.notices == (Notice("data.no_split_trains"),)


def test_rows_of_another_split_are_left_out(folder: Path) -> None:
    rows = "1.jpg,a,train\n2.jpg,b,train\n10.jpg,a,test\n10.jpg,c,extra\n"
    data = open_table(write(folder, "t.csv", "path,label,split\n" + rows))
    assert (len(data), data.classes) == (3, ("a", "b"))
    assert data.notices == (Notice("data.rows_left_out", {"names": ["extra"]}),)


def test_words_that_are_no_splits_say_nothing(folder: Path) -> None:
    data = open_table(write(folder, "t.csv", "path,label,split\n1.jpg,a,fold1\n2.jpg,b,fold2\n10.jpg,a,fold3\n"))
    assert (data.given_split == Split.NONE).all()


def test_rows_without_a_label_are_unlabeled(folder: Path) -> None:
    data = open_table(write(folder, "t.csv", "path,label\n1.jpg,a\n2.jpg,\n10.jpg,b\n"))
    assert np.flatnonzero(data.given_split == Split.UNLABELED).tolist() == [1]


def test_a_missing_image_stays_for_the_audit(folder: Path) -> None:
    data = open_table(write(folder, "t.csv", "path,label\n1.jpg,a\ngone.jpg,b\n"))
    with pytest.raises(OSError):
        data.store.read(1)


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("t.csv", "", "lists no images"),
        ("t.csv", "path,label\n", "lists no images"),
        ("t.csv", "file,width,height\n1.jpg,7,8\n", "labels: width, height could be it; choose with --label COLUMN"),
        ("t.csv", "path,label,path\n1.jpg,a,2.jpg\n", "two columns are called path"),
        ("t.csv", "path,label\n1.jpg,a,b\n", "row 1 has 3 cells, expected 2"),
        ("t.csv", "path,label\n,a\n", "names no image in row 1"),
        ("t.csv", "path,label\n1.jpg,\n", "has a label"),
        ("t.csv", "path,label\nx/7.jpg,a\nx/8.jpg,b\n", "(x/7.jpg, …)"),
        ("t.csv", "path,label\na\0.jpg,b\n", "row 1"),
        ("t.json", "{", "is not a valid table"),
        ("t.json", "[1, 2]", "is not an object"),
        ("t.json", '["path"]', "is not an object"),
        ("t.json", '[{"path": "\\ud800.jpg", "label": "a"}]', "is not a valid table"),
        ("t.json", "[" * 100_000, "is not a valid table"),
        ("t.json", "3", "is not a valid table"),
        ("t.jsonl", '{"path": "1.jpg", "label": "a"}\n{', "is not a valid table"),
    ],
)
def test_what_is_wrong_is_said(folder: Path, name: str, text: str, said: str) -> None:
    assert said in refused(write(folder, name, text))


def test_not_utf8(folder: Path) -> None:
    assert "save it as UTF-8" in refused(write(folder, "t.csv", "path,label\n1.jpg,蘋果\n", "big5"))


def test_missing_table(tmp_path: Path) -> None:
    assert "is not readable" in refused(tmp_path / "nowhere.csv")


FILES = ("img/1.jpg", "img/2.jpg", "img/3.jpg", "img/4.jpg")
TRUTH = {"img/1.jpg": "ant", "img/2.jpg": "bee", "img/3.jpg": "ant", "img/4.jpg": "bee"}


@pytest.fixture
def insects(tmp_path: Path) -> Path:
    (tmp_path / "img").mkdir()
    for name in FILES:
        (tmp_path / name).write_bytes(name.encode())
    return tmp_path


@pytest.mark.parametrize(
    ("text", "notice"),
    [
        ("Image_Path,width,Species\n{img/1.jpg},7,ant\n{img/2.jpg},8,bee\n{img/3.jpg},9,ant\n", "columns_chosen"),
        ("{img/1.jpg},ant\n{img/2.jpg},bee\n{img/3.jpg},ant\n", "columns_chosen"),
        ("ant,{img/1.jpg},train\nbee,{img/2.jpg},train\nbee,{img/4.jpg},test\n", "columns_chosen"),
        ("file,ant,bee\n{img/1.jpg},1,0\n{img/2.jpg},0.0,1.0\n{img/4.jpg},0,1\n", "one_hot"),
        ("file,labels\n{img/1.jpg},['ant']\n{img/2.jpg},bee\n", None),
        ("path,label\nimg\\1.jpg,ant\nimg\\2.jpg,bee\n", "backslashes"),
        ("path,label\nC:\\data\\1.jpg,ant\n/gone/img/2.jpg,bee\n4.jpg,bee\n", "images_found_by_name"),
        ("id,folder,ext,label\n1,img,.jpg,ant\n2,img,jpg,bee\n", "columns_chosen"),
        ("path,label\nimg/1.JPG,ant\nimg/2.JPG,bee\n", "images_found_by_name"),
        ('path, label\n{img/1.jpg}, "ant"\n{img/2.jpg}, "bee"\n', None),
    ],
)
def test_tables_as_people_write_them(insects: Path, text: str, notice: str | None) -> None:
    data = open_table(write(insects, "t.csv", text.replace("{", "").replace("}", "")))
    found = {data.store.path(i): data.classes[label] for i, label in enumerate(data.labels.tolist())}
    assert found == {name: TRUTH[name] for name in found} and len(found) >= 2
    assert notice is None or f"data.{notice}" in [inner.code for inner in data.notices]


def test_json_by_path_and_lists(insects: Path) -> None:
    data = open_table(write(insects, "t.json", json.dumps(TRUTH)))
    assert [data.classes[label] for label in data.labels] == list(TRUTH.values())
    rows = [{"image": name, "label": [label]} for name, label in TRUTH.items()]
    assert open_table(write(insects, "u.json", json.dumps(rows))).classes == ("ant", "bee")
    rows[1]["label"] = ["ant", "bee"]
    assert "gives 1 images several labels" in refused(write(insects, "v.json", json.dumps(rows)))


@pytest.mark.parametrize("header", ["id,label", "image,kind,size", "image,ant,bee"])
def test_names_without_endings_are_asked_about(insects: Path, header: str) -> None:
    rows = {2: "1,ant\n2,bee\n", 3: "1,ant,7\n2,bee,9\n"}[len(header.split(","))]
    rows = "1,1,0\n2,0,1\n" if "bee" in header else rows
    table = write(insects, "t.csv", f"{header}\n{rows}")
    image = header.split(",")[0]
    assert f"{image} could name images without their endings (1 for img/1.jpg); confirm with --image" in refused(table)
    data = open_table(table, ColumnSpec(image=image))
    assert [data.classes[label] for label in data.labels] == ["ant", "bee"]
    assert [data.store.path(i) for i in range(2)] == ["img/1.jpg", "img/2.jpg"]


def test_ids_without_images_are_not_learnt_from(tmp_path: Path) -> None:
    assert "needs a column of images (--image COLUMN)" in refused(write(tmp_path, "t.csv", "uid,label\n7,a\n3,b\n"))
    data = open_table(write(tmp_path, "t.csv", "sampleId,x,patient,label\n7,1,1,a\n3,4,1,b\n9,5,2,a\n4,6,2,b\n"))
    assert isinstance(data, TableDataset) and data.store.columns == ("x",)
    assert data.groups is not None and data.groups.tolist() == [0, 0, 1, 1]


def test_splits_and_groups_are_read(insects: Path) -> None:
    rows = "img/1.jpg,ant,0,p\nimg/2.jpg,bee,0,p\nimg/3.jpg,ant,1,q\nimg/4.jpg,bee,2,\n"
    data = open_table(write(insects, "t.csv", "file,label,subset,Patient\n" + rows))
    assert data.given_split.tolist() == [Split.TRAIN, Split.TRAIN, Split.VALIDATION, Split.TEST]
    assert data.groups is not None and data.groups.tolist() == [0, 0, 1, -1]
    said = " ".join(notice.text() for notice in data.notices)
    assert "subset is read as splits: 0 as training, 1 as validation, 2 as test" in said
    assert "Patient is read as groups (2)" in said


def test_each_row_has_a_name_of_its_own(insects: Path, encode: Any, photo: Any) -> None:
    for seed, name in enumerate(FILES):
        (insects / name).write_bytes(encode(photo(seed)))
    rows = [f"{name},{label}\n" for name, label in TRUTH.items()]
    data = open_table(write(insects, "t.csv", "path,label\n" + "".join([*rows, rows[0], rows[0]])))
    names = [data.store.path(i) for i in range(6)]
    assert names == [*FILES, "img/1.jpg#2", "img/1.jpg#3"]
    assert data.store.read(5) == data.store.read(0)
    split = split_dataset(data, *audit_dataset(data), seed=0)
    split.save(insects / "split.json", data)
    assert split.load(insects / "split.json", data).reasons == split.reasons
    assert number_repeats(["a", "a#2", "a"]) == {2: "a#3"}


def test_rows_without_their_file_are_missing(insects: Path, encode: Any, photo: Any) -> None:
    for seed, name in enumerate(FILES):
        (insects / name).write_bytes(encode(photo(seed)))
    (insects / "old").mkdir()
    (insects / "old" / "9.jpg").write_bytes(b"another 9")
    rows = "".join(f"{name},{label}\n" for name, label in TRUTH.items())
    data = open_table(write(insects, "t.csv", f"path,label\n{rows}img/9.jpg,ant\n"))  # not the one in old/
    (finding,) = audit_dataset(data)[2].select("missing")
    assert finding.paths == ("img/9.jpg",) and finding.text().startswith("Missing files, left out (1): img/9.jpg.")


def test_a_table_and_class_folders_that_disagree(tmp_path: Path) -> None:
    for name in ("ant/1.jpg", "bee/2.jpg"):
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).touch()
    table = write(tmp_path, "t.csv", "path,label\nant/1.jpg,bee\nbee/2.jpg,ant\n")
    data = open_data(table)
    assert [data.classes[label] for label in data.labels] == ["bee", "ant"]
    assert "2 images and wins (ant/1.jpg is bee in it)" in data.notices[0].text()
    data = open_data(tmp_path)
    assert [data.classes[label] for label in data.labels] == ["ant", "bee"]
    assert any(f"not those in t.csv; to read these, open {table}" in notice.text() for notice in data.notices)
    with pytest.raises(ConfigError, match="which has no columns"):
        open_data(tmp_path, column_spec=ColumnSpec(label="label"))


def test_where_paths_begin(insects: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (insects / "meta").mkdir()
    table = write(insects / "meta", "t.csv", "path,label\nimg/1.jpg,ant\nimg/2.jpg,bee\n")
    data = open_table(table)
    assert data.store.read(0) == b"img/1.jpg" and "data.paths_relative_to" in [n.code for n in data.notices]
    for folder in ("train", "test"):
        (insects / folder).mkdir()
        (insects / folder / "a.jpg").write_bytes(folder.encode())
        (insects / folder / "b.jpg").write_bytes(folder.encode())
    rows = "path,label\na.jpg,ant\nb.jpg,bee\n"
    assert open_table(write(insects, "train.csv", rows)).store.read(0) == b"train"
    assert "a.jpg could be test/a.jpg or train/a.jpg" in refused(write(insects, "t.csv", rows))
