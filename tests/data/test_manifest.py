from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from discern.data.dataset import Split
from discern.data.manifest import open_table
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
