"""Folders of parquet and arrow files, as the Hugging Face Hub and the ``datasets`` library lay them out."""

from __future__ import annotations

import io
import json
import pickle
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from discern.data.dataset import Split
from discern.data.open import open_data
from discern.errors import DataError

FEATURES = {"image": {"_type": "Image"}, "label": {"names": ["ant", "bee"], "_type": "ClassLabel"}}


def table(count: int = 4) -> pa.Table:
    images = []
    for value in range(count):
        file = io.BytesIO()
        Image.new("L", (4, 4), value).save(file, "PNG")
        images.append({"bytes": file.getvalue(), "path": f"{value}.png"})
    columns = {"image": images, "label": [value % 2 for value in range(count)]}
    return pa.table(columns).replace_schema_metadata({b"huggingface": json.dumps({"info": {"features": FEATURES}})})


def write(path: Path, content: pa.Table) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".parquet":
        pq.write_table(content, path)
        return
    with pa.OSFile(str(path), "wb") as file, pa.ipc.new_stream(file, content.schema) as writer:
        for batch in content.to_batches(max_chunksize=3):
            writer.write_batch(batch)


@pytest.mark.parametrize(
    "pattern",
    [
        "default/{}/0000.parquet",
        "default/partial-{}/0000.parquet",
        "default/{}-00000-of-00001.parquet",
        "data/{}-00000-of-00001.parquet",
        "{}/0000.parquet",
        "{}/data-00000-of-00001.arrow",
        "0.0.0/beans-{}.arrow",
    ],
)
def test_the_splits_of_a_folder_of_files(tmp_path: Path, pattern: str) -> None:
    for split in ("train", "validation", "test"):
        write(tmp_path / pattern.format(split), table())
    data = open_data(tmp_path)
    assert (data.classes, data.labels.tolist()) == (("ant", "bee"), [0, 1] * 6)
    assert np.bincount(data.given_split).tolist() == [0, 4, 4, 4]
    (first,) = set(data.given_split[:4].tolist())
    assert data.store.path(3) == f"{pattern.format(Split(first).name.lower())}#3"
    copy = pickle.loads(pickle.dumps(data.store))
    for index in (0, 3, 11):
        assert copy.read(index) == data.store.read(index) == table()["image"][index % 4]["bytes"].as_py()
    with pytest.raises(IndexError):
        data.store.read(12)
    assert copy.version_key() == data.store.version_key()


def test_one_saved_split_is_a_data_set(tmp_path: Path) -> None:
    write(tmp_path / "beans" / "data-00000-of-00001.arrow", table())
    (tmp_path / "beans" / "state.json").write_text("{}")
    data = open_data(tmp_path / "beans")
    assert (data.name, data.counts()) == ("beans", {"ant": 2, "bee": 2})
    assert (data.given_split == Split.NONE).all()


def test_several_configurations_are_asked_about(tmp_path: Path) -> None:
    for name in ("small", "large"):
        write(tmp_path / name / "train" / "0000.parquet", table())
    with pytest.raises(DataError, match=r"has several data sets \(large, small\): use one of them, as in .*large"):
        open_data(tmp_path)


def test_a_file_among_class_folders_is_no_data_set(tmp_path: Path) -> None:
    write(tmp_path / "notes" / "labels.parquet", table())
    for name in ("ant/1.jpg", "bee/1.jpg"):
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).touch()
    assert [notice.code for notice in open_data(tmp_path).notices] == [
        "data.other_files_left_out",
        "data.empty_classes",
    ]


def test_damaged_arrow(tmp_path: Path) -> None:
    (tmp_path / "x.arrow").write_bytes(b"nonsense")
    with pytest.raises(DataError, match="is truncated or corrupt"):
        open_data(tmp_path)
