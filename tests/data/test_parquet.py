from __future__ import annotations

import json
import pickle
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from discern.data import parquet
from discern.data.columns import ColumnSpec
from discern.data.dataset import UNLABELED, Split
from discern.data.image import decode
from discern.data.parquet import ParquetStore, open_parquet
from discern.errors import ConfigError, DataError
from discern.notices import Notice


def write(
    file: Path,
    labels: list[Any],
    names: list[str] | None = None,
    image: str = "image",
    label: str = "label",
    **options: Any,
) -> Path:
    images = [{"bytes": f"{file.stem} {row}".encode(), "path": None} for row in range(len(labels))]
    kind = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
    table = pa.table({"id": pa.array(range(len(labels))), image: pa.array(images, kind), label: pa.array(labels)})
    table = table.select([image, label] if names is None else ["id", image, label])
    if names is not None:
        features = {label: {"names": names, "_type": "ClassLabel"}, image: {"_type": "Image"}}
        table = table.replace_schema_metadata({"huggingface": json.dumps({"info": {"features": features}})})
    file.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(table, file, **options)
    return file


def refused(path: Path) -> str:
    with pytest.raises(DataError) as caught:
        open_parquet(path)
    return str(caught.value)


def test_a_single_file_has_no_splits(tmp_path: Path) -> None:
    data = open_parquet(write(tmp_path / "pets" / "train.parquet", [1, 0, 1], ["dog", "cat"]))
    assert (data.name, data.classes, data.labels.tolist()) == ("pets", ("dog", "cat"), [1, 0, 1])
    assert (data.given_split == Split.NONE).all()
    assert (data.store.read(2), data.store.path(2)) == (b"train 2", "train.parquet#2")


@pytest.mark.parametrize("folder", ["", "data"])
def test_a_folder_of_splits(tmp_path: Path, folder: str) -> None:
    for file in ("train-00000-of-00002", "train-00001-of-00002", "validation-0", "test-0"):
        write(tmp_path / folder / f"{file}.parquet", [0, 1], ["dog", "cat"], image="img", label="fine_label")
    data = open_parquet(tmp_path)
    splits = {data.store.path(i).split("/")[-1]: Split(split).name for i, split in enumerate(data.given_split.tolist())}
    assert splits["train-00001-of-00002.parquet#1"] == "TRAIN"
    assert splits["validation-0.parquet#0"] == "VALIDATION"
    assert splits["test-0.parquet#0"] == "TEST"
    assert len(data) == 8


def test_the_second_of_two_parts_is_the_test_part(tmp_path: Path) -> None:
    for file in ("train", "holdout"):
        write(tmp_path / f"{file}.parquet", ["b", "a"])
    data = open_parquet(tmp_path)
    assert (data.classes, data.given_split.tolist()) == (("a", "b"), [Split.TEST, Split.TEST, Split.TRAIN, Split.TRAIN])


def test_other_files_beside_the_parts_are_left_out(tmp_path: Path) -> None:
    for file in ("train", "test", "extra"):
        write(tmp_path / f"{file}.parquet", ["b", "a"])
    data = open_parquet(tmp_path)
    assert (len(data), data.notices) == (4, (Notice("data.files_left_out", {"names": ["extra.parquet"]}),))


def test_labels_without_names_are_their_numbers(tmp_path: Path) -> None:
    data = open_parquet(write(tmp_path / "a.parquet", [10, 9, 10]))
    assert (data.classes, data.labels.tolist()) == (("9", "10"), [1, 0, 1])


@pytest.mark.parametrize("dictionary", [False, True])
def test_labels_as_words(tmp_path: Path, dictionary: bool) -> None:
    labels = pa.array(["香蕉", "蘋果", "香蕉"])
    data = open_parquet(write(tmp_path / "a.parquet", labels.dictionary_encode() if dictionary else labels))
    assert (data.classes, data.labels.tolist()) == (("蘋果", "香蕉"), [1, 0, 1])


def test_no_label_is_put_aside(tmp_path: Path) -> None:
    data = open_parquet(write(tmp_path / "a.parquet", [0, None, 1, -1], ["dog", "cat"]))
    assert data.given_split.tolist() == [Split.NONE, Split.UNLABELED, Split.NONE, Split.UNLABELED]


def test_classes_without_images_are_left_out(tmp_path: Path) -> None:
    data = open_parquet(write(tmp_path / "a.parquet", [0, 2], ["dog", "cat", "cow"]))
    assert (data.classes, data.labels.tolist()) == (("dog", "cow"), [0, 1])
    assert data.notices == (Notice("data.empty_classes", {"n": 1, "names": ["cat"]}),)


def test_row_groups_are_read_when_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parquet, "MAX_CACHED", 100)  # one row group at a time
    store = open_parquet(write(tmp_path / "a.parquet", list(range(50)), row_group_size=7)).store
    order = np.random.default_rng(0).permutation(50).tolist()
    assert [store.read(index) for index in order] == [f"a {index}".encode() for index in order]
    with pytest.raises(IndexError):
        store.read(50)


def test_a_row_group_is_read_as_far_as_is_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parquet, "CHUNK", 3)
    store = open_parquet(write(tmp_path / "a.parquet", list(range(50)))).store
    assert isinstance(store, ParquetStore)
    order = [4, 0, 49, 5]
    assert [store.read(index) for index in order[:2]] == [b"a 4", b"a 0"]
    assert sum(map(len, store._chunks(0, 0))) == 6
    assert [store.read(index) for index in order[2:]] == [b"a 49", b"a 5"]
    assert sum(map(len, store._chunks(0, 0))) == 50


def test_what_cannot_be_read_is_an_error_each_time(tmp_path: Path) -> None:
    store = open_parquet(write(tmp_path / "a.parquet", [0, 1])).store
    (tmp_path / "a.parquet").unlink()
    for _turn in range(2):
        with pytest.raises(OSError):
            store.read(0)


def test_the_store_travels_between_processes_and_threads(tmp_path: Path) -> None:
    store = open_parquet(write(tmp_path / "a.parquet", list(range(50)), row_group_size=7)).store
    store.read(0)
    copy = pickle.loads(pickle.dumps(store))
    assert len(pickle.dumps(store)) < 2000
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(copy.read, range(50))) == [f"a {index}".encode() for index in range(50)]
    assert copy.version_key() == store.version_key()


def test_the_version_key_follows_the_file(tmp_path: Path) -> None:
    before = open_parquet(write(tmp_path / "a.parquet", [0, 1])).store.version_key()
    assert open_parquet(write(tmp_path / "a.parquet", [0, 1, 1])).store.version_key() != before


def test_not_parquet(tmp_path: Path) -> None:
    (tmp_path / "a.parquet").write_bytes(b"PAR1 and nothing else")
    assert "is truncated or corrupt" in refused(tmp_path / "a.parquet")


def test_cut_short(tmp_path: Path) -> None:
    file = write(tmp_path / "a.parquet", [0, 1])
    file.write_bytes(file.read_bytes()[:-20])
    assert "is truncated or corrupt" in refused(file)


def test_missing_columns(tmp_path: Path) -> None:
    pq.write_table(pa.table({"x": [1.0], "y": [2.0]}), tmp_path / "a.parquet")
    assert "has x, y" in refused(tmp_path / "a.parquet")


IMAGES = [{"bytes": str(row).encode(), "path": None} for row in range(4)]
KINDS = ["ant", "bee", "ant", "cat"]


@pytest.mark.parametrize(
    ("columns", "labels"),
    [
        ({"width": [7, 8, 7, 9], "category": KINDS}, KINDS),
        ({"image_id": ["a", "b", "c", "d"], "DX": KINDS, "sex": ["m", "f", "m", "f"]}, KINDS),
        ({"__index_level_0__": [0, 0, 1, 1], "breed": KINDS}, KINDS),
        ({"class_id": [0, 1, 0, 2], "class_name": KINDS}, KINDS),
        ({"label": [0.0, 1.0, None, 2.0]}, ["0", "1", "", "2"]),
        ({"Label": [True, False, True, True]}, ["True", "False", "True", "True"]),
        ({"labels": [[name] for name in KINDS]}, KINDS),
        ({"ant": [1, 0, 1, 0], "bee": [0, 1, 0, 0], "cat": [False, False, False, True]}, KINDS),
    ],
)
def test_the_column_of_classes(tmp_path: Path, columns: dict[str, list[Any]], labels: list[str]) -> None:
    pq.write_table(pa.table({"image": IMAGES, **columns}), tmp_path / "a.parquet")
    data = open_parquet(tmp_path / "a.parquet")
    assert [data.classes[label] if label != UNLABELED else "" for label in data.labels] == labels
    assert data.store.read(3) == b"3"


def test_what_is_not_clear_is_asked(tmp_path: Path) -> None:
    file = tmp_path / "a.parquet"
    pq.write_table(pa.table({"left": IMAGES, "right": IMAGES, "a": KINDS, "b": [1, 2, 3, 4]}), file)
    with pytest.raises(ConfigError, match="left, right could be it; choose with --image"):
        open_parquet(file)
    with pytest.raises(ConfigError, match="a, b could be it; choose with --label"):
        open_parquet(file, ColumnSpec(image="left"))
    assert open_parquet(file, ColumnSpec(image="left", label="a")).classes == ("ant", "bee", "cat")
    pq.write_table(pa.table({"image": IMAGES, "label": [["a", "b"], ["a"], ["b"], []]}), file)
    assert "gives 1 images several labels" in refused(file)


def test_columns_of_splits_and_groups(tmp_path: Path) -> None:
    file = tmp_path / "a.parquet"
    split, patient = ["train", "train", "test", "extra"], ["p", "p", "q", "q"]
    pq.write_table(pa.table({"image": IMAGES, "label": KINDS, "Split": split, "patient": patient}), file)
    data = open_parquet(file)
    assert data.given_split.tolist() == [Split.TRAIN, Split.TRAIN, Split.TEST, Split.UNLABELED]
    assert data.groups is not None and data.groups.tolist() == [0, 0, 1, 1]
    assert Notice("data.rows_left_out", {"names": ["extra"]}) in data.notices


def test_paths_in_place_of_images(tmp_path: Path) -> None:
    for name in ("1.jpg", "2.jpg"):
        (tmp_path / name).write_bytes(name.encode())
    pq.write_table(pa.table({"path": ["1.jpg", "2.jpg"], "label": ["a", "b"]}), tmp_path / "a.parquet")
    data = open_parquet(tmp_path / "a.parquet")
    assert (data.classes, data.store.read(1)) == (("a", "b"), b"2.jpg")


def test_labels_beyond_the_names(tmp_path: Path) -> None:
    assert "labels without a class name (7)" in refused(write(tmp_path / "a.parquet", [0, 7], ["dog", "cat"]))


def test_files_that_name_different_classes(tmp_path: Path) -> None:
    write(tmp_path / "train.parquet", [0, 1], ["dog", "cat"])
    write(tmp_path / "test.parquet", [0, 1], ["cat", "dog"])
    assert "name different classes" in refused(tmp_path)


@pytest.mark.parametrize("metadata", [b"not JSON", b"[]", b'{"info": 3}', b'{"info": {"features": {"label": 3}}}'])
def test_metadata_that_cannot_be_read_is_passed_over(tmp_path: Path, metadata: bytes) -> None:
    file = write(tmp_path / "a.parquet", [3, 4])
    pq.write_table(pq.read_table(file).replace_schema_metadata({b"huggingface": metadata}), file)
    assert open_parquet(file).classes == ("3", "4")


@pytest.mark.parametrize(
    ("name", "counts", "size", "mode"),
    [("mnist", (60000, 10000), (28, 28), "L"), ("cifar10", (50000, 10000), (32, 32), "RGB")],
)
def test_real_files(shared_data: Path, name: str, counts: tuple[int, int], size: tuple[int, int], mode: str) -> None:
    data = open_parquet(shared_data / name)
    assert (
        np.count_nonzero(data.given_split == Split.TRAIN),
        np.count_nonzero(data.given_split == Split.TEST),
    ) == counts
    assert len(data.classes) == 10 and data.notices == ()
    for index in (0, 9999, 10000, len(data) - 1):
        image = decode(data.store.read(index))
        assert (image.size, image.mode) == (size, mode)
