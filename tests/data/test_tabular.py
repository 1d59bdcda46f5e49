"""Tables of numbers: what is learnt, what is left out, and what is wrong with a cell."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from sklearn.datasets import load_iris

from discern.data.columns import ColumnSpec
from discern.data.dataset import UNLABELED, Split, TableDataset
from discern.data.manifest import read_rows
from discern.data.open import open_data
from discern.errors import ConfigError, DataError
from tests.tables import write_table


def open_table(path: Path, **target: str) -> TableDataset:
    data = open_data(path, column_spec=ColumnSpec(**target))
    assert isinstance(data, TableDataset)
    return data


def text(path: Path, words: str) -> Path:
    path.write_text(words, encoding="utf-8")
    return path


def notices(data: TableDataset) -> str:
    return " ".join(notice.text() for notice in data.notices)


def test_iris() -> None:
    data, real = open_data("iris"), load_iris()
    assert isinstance(data, TableDataset) and data.unit.text() == "rows"
    assert np.array_equal(data.store.values, real.data) and np.array_equal(data.labels, real.target)
    assert data.classes == ("setosa", "versicolor", "virginica") and data.store.path(0) == "iris#1"
    assert open_data("iris", column_spec=ColumnSpec("petal width")).task == "regression"


@pytest.mark.parametrize(
    ("header", "requested", "target", "reason"),
    [
        ("a,Species,b", "", "Species", "by its name"),
        ("label,a,class", "", "class", "by its name"),
        ("a,b,c", "", "c", "the last"),
        ("class,b,c", "c", "c", "as requested"),
    ],
)
def test_the_column_to_learn(tmp_path: Path, header: str, requested: str, target: str, reason: str) -> None:
    data = open_table(text(tmp_path / "t.csv", f"{header}\n1,0,2\n3,1,1\n5,0,2\n"), target=requested)
    assert data.store.target == target and target not in data.store.columns
    assert f"{target} is the column to learn ({reason}" in notices(data)


@pytest.mark.parametrize(
    ("answers", "task", "regression"),
    [
        (range(20), "auto", False),
        (range(21), "auto", True),
        ([0.5, 1.0], "auto", True),
        ([1.0, 2.0], "auto", False),
        (["a", "b"], "auto", False),
        ([1, 2], "regression", True),
        ([0.5, 1.5], "classification", False),
    ],
)
def test_class_or_number(tmp_path: Path, answers: list[object], task: str, regression: bool) -> None:
    table = write_table(tmp_path / "t.csv", ("x", "y"), [(i * i, answer) for i, answer in enumerate(answers)])
    data = open_data(table, column_spec=ColumnSpec(task=task))
    assert data.task == ("regression" if regression else "classification")
    assert (data.targets is not None) == regression
    assert len(data.classes) == (1 if regression else len(answers))


@pytest.mark.parametrize(
    ("words", "columns", "rows"),
    [
        ("5.1,3.5,setosa\n4.9,3,virginica\n", ("column1", "column2"), 2),
        ("0,1,class\n4.9,3,a\n1,2,b\n", ("0", "1"), 2),
        ("place,2019,2020\n4.9,3,a\n1,2,b\n", ("place", "2019"), 2),
        ("x\ty\tclass\n4.9\t3\ta\n1\t2\tb\n", ("x", "y"), 2),
    ],
)
def test_names_of_columns(tmp_path: Path, words: str, columns: tuple[str, ...], rows: int) -> None:
    store = open_table(text(tmp_path / "t.csv", words)).store
    assert store.columns == columns and len(store) == rows


def test_splits_columns_of_words_and_row_numbers(tmp_path: Path) -> None:
    rows = "Id,x,name,split,class\n1,5,u,train,a\n2,4,v,train,b\n3,9,w,test,a\n4,3,w,test,b\n"
    data = open_table(text(tmp_path / "t.csv", rows))
    assert data.store.columns == ("x",)
    assert data.given_split.tolist() == [Split.TRAIN, Split.TRAIN, Split.TEST, Split.TEST]
    assert "not numeric are left out: name" in notices(data) and "row numbers are left out: Id" in notices(data)


def test_a_split_beside_train_is_the_test(tmp_path: Path) -> None:
    data = open_table(text(tmp_path / "t.csv", "x,split,class\n1.5,train,a\n2,train,b\n1,val,a\n4,,b\n"))
    assert data.given_split.tolist() == [Split.TRAIN, Split.TRAIN, Split.TEST, Split.TRAIN]
    assert "'val' is the only labeled split beside 'train'" in notices(data)


def test_splits_of_numbers(tmp_path: Path) -> None:
    data = open_table(text(tmp_path / "t.csv", "x,split,phase,class\n1.5,0,0,a\n2,0,1,b\n1,2,0,a\n4,2,1,b\n"))
    assert data.given_split.tolist() == [Split.TRAIN, Split.TRAIN, Split.TEST, Split.TEST]
    assert data.store.columns == ("x", "phase")


def test_a_class_may_be_called_none(tmp_path: Path) -> None:
    data = open_data(text(tmp_path / "t.csv", "x,class\n1.5,None\n2,some\n1,NA\n"))
    assert data.classes == ("NA", "None", "some")
    data = open_data(text(tmp_path / "u.csv", "x,class\n1.5,1\n2,0\n1,NA\n"))
    assert data.classes == ("0", "1") and data.labels[2] == UNLABELED


def test_json_and_unlabeled_rows(tmp_path: Path) -> None:
    rows = [{"x": 1.5, "class": "a"}, {"x": 2.5, "class": "b"}, {"x": 4, "class": None}]
    data = open_table(text(tmp_path / "t.json", json.dumps(rows)))
    assert (data.store.values[:, 0].tolist(), data.classes) == ([1.5, 2.5, 4.0], ("a", "b"))
    assert data.labels.tolist() == [0, 1, UNLABELED]


def test_a_table_that_names_images_stays_one(tmp_path: Path) -> None:
    for name in ("a.jpg", "b.jpg"):
        (tmp_path / name).touch()
    data = open_data(text(tmp_path / "t.csv", "path,label,width\na.jpg,x,3\nb.jpg,y,4\n"))
    assert not isinstance(data, TableDataset)
    with pytest.raises(ConfigError, match="width, height could be it; choose with --label"):
        open_data(text(tmp_path / "u.csv", "path,width,height\na.jpg,2,3\nb.jpg,3,4\n"))
    with pytest.raises(ConfigError, match=r"t.csv holds images: .* --label"):
        open_data(tmp_path / "t.csv", column_spec=ColumnSpec("label"))


@pytest.mark.parametrize(
    ("words", "target", "message"),
    [
        ("x,class\n1,a\n2,b\ntall,a\n4,b\n", {}, "row 3, column x: 'tall' is not a number"),
        ("x,class\n1,a\ninf,b\n3,a\n", {}, "row 2, column x: 'inf' is not a number"),
        ("x,class\n1,a\n2,a\n", {}, "the column class is a in every row"),
        ("x,class\n1,\n2,\n", {}, "the column class is empty"),
        ("x,y\n1,5\n2,5\n", {"task": "regression"}, "the column y is 5 in every row"),
        ("x,y\n1,5\n2,b\n", {"task": "regression"}, "row 2, column y: 'b' is not a number"),
        ("word,class\nu,a\nv,b\n", {}, "needs a column of images"),
    ],
)
def test_what_is_wrong(tmp_path: Path, words: str, target: dict[str, str], message: str) -> None:
    with pytest.raises(DataError, match=message):
        open_data(text(tmp_path / "t.csv", words), column_spec=ColumnSpec(**target))


def test_a_column_there_is_not(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r'Unknown column "clas" in .*t.csv \(did you mean class\?\)'):
        open_data(text(tmp_path / "t.csv", "x,class\n1,a\n2,b\n"), column_spec=ColumnSpec("clas"))


def test_rows_to_be_predicted(tmp_path: Path) -> None:
    store = read_rows(text(tmp_path / "t.csv", "z,x,more\n1,2,u\n3,,v\n"), ("x", "z"))
    assert store.columns == ("x", "z") and np.array_equal(store.values, [[2, 1], [np.nan, 3]], equal_nan=True)
    with pytest.raises(DataError, match="lacks the columns w; it has z, x, more: the model reads x, w"):
        read_rows(tmp_path / "t.csv", ("x", "w"))
    with pytest.raises(DataError, match="row 1, column more: 'u' is not a number"):
        read_rows(tmp_path / "t.csv", ("more",))
    with pytest.raises(DataError, match="is not a table"):
        read_rows(tmp_path / "a.jpg", ("x",))
