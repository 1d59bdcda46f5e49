"""Tables of numbers: what is learnt, what is left out, and what is wrong with a cell."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from sklearn.datasets import load_iris

from discern.data.dataset import UNLABELLED, Part
from discern.data.open import open_data
from discern.data.row_audit import audit_rows
from discern.data.rows import Question, RowStore
from discern.data.table import read_rows
from discern.errors import ConfigError, DataError
from tests.tables import write_table


def opened(path: Path, **asked: str) -> tuple[RowStore, tuple[str, ...], list[int], str]:
    found = open_data(path, question=Question(**asked))
    assert isinstance(found.store, RowStore)
    return found.store, found.classes, found.labels.tolist(), " ".join(found.notes)


def text(path: Path, words: str) -> Path:
    path.write_text(words, encoding="utf-8")
    return path


def test_iris() -> None:
    found, real = open_data("iris"), load_iris()
    assert isinstance(found.store, RowStore)
    assert np.array_equal(found.store.values, real.data) and np.array_equal(found.labels, real.target)
    assert found.classes == ("setosa", "versicolor", "virginica") and found.store.path(0) == "iris#1"
    assert open_data("iris", question=Question("petal width")).targets is not None


@pytest.mark.parametrize(
    ("header", "asked", "target", "why"),
    [
        ("a,Species,b", "", "Species", "by its name"),
        ("label,a,class", "", "class", "by its name"),
        ("a,b,c", "", "c", "the last"),
        ("class,b,c", "c", "c", "as asked"),
    ],
)
def test_the_column_to_learn(tmp_path: Path, header: str, asked: str, target: str, why: str) -> None:
    store, _, _, notes = opened(text(tmp_path / "t.csv", f"{header}\n1,0,2\n3,1,1\n5,0,2\n"), target=asked)
    assert store.target == target and target not in store.columns
    assert f"{target} is the column to learn ({why}" in notes


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
    found = open_data(table, question=Question(task=task))
    assert (found.targets is not None) == regression
    assert len(found.classes) == (1 if regression else len(answers))


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
    store, *_ = opened(text(tmp_path / "t.csv", words))
    assert store.columns == columns and len(store) == rows


def test_parts_columns_of_words_and_counters(tmp_path: Path) -> None:
    rows = "Id,x,name,split,class\n1,5,u,train,a\n2,4,v,train,b\n3,9,w,test,a\n4,3,w,test,b\n"
    found = open_data(text(tmp_path / "t.csv", rows))
    assert isinstance(found.store, RowStore) and found.store.columns == ("x",)
    assert found.given.tolist() == [Part.TRAIN, Part.TRAIN, Part.TEST, Part.TEST]
    notes = " ".join(found.notes)
    assert "no numbers are left out: name" in notes and "count the rows are left out: Id" in notes


def test_a_part_beside_train_is_the_test(tmp_path: Path) -> None:
    found = open_data(text(tmp_path / "t.csv", "x,split,class\n1.5,train,a\n2,train,b\n1,val,a\n4,,b\n"))
    assert found.given.tolist() == [Part.TRAIN, Part.TRAIN, Part.TEST, Part.TRAIN]
    assert "'val' is the only labelled part beside 'train'" in " ".join(found.notes)


def test_a_class_may_be_called_none(tmp_path: Path) -> None:
    found = open_data(text(tmp_path / "t.csv", "x,class\n1.5,None\n2,some\n1,NA\n"))
    assert found.classes == ("NA", "None", "some")
    found = open_data(text(tmp_path / "u.csv", "x,class\n1.5,1\n2,0\n1,NA\n"))
    assert found.classes == ("0", "1") and found.labels[2] == UNLABELLED


def test_json_and_rows_without_an_answer(tmp_path: Path) -> None:
    rows = [{"x": 1.5, "class": "a"}, {"x": 2.5, "class": "b"}, {"x": 4, "class": None}]
    store, classes, labels, _ = opened(text(tmp_path / "t.json", json.dumps(rows)))
    assert (store.values[:, 0].tolist(), classes, labels) == ([1.5, 2.5, 4.0], ("a", "b"), [0, 1, UNLABELLED])


def test_a_table_that_names_pictures_stays_one(tmp_path: Path) -> None:
    for name in ("a.jpg", "b.jpg"):
        (tmp_path / name).touch()
    found = open_data(text(tmp_path / "t.csv", "path,label,width\na.jpg,x,3\nb.jpg,y,4\n"))
    assert not isinstance(found.store, RowStore)
    with pytest.raises(DataError, match="needs the columns path and label, and has path, class, width"):
        open_data(text(tmp_path / "u.csv", "path,class,width\na.jpg,x,3\nb.jpg,y,4\n"))
    with pytest.raises(ConfigError, match=r"t.csv holds pictures, where a table of numbers"):
        open_data(tmp_path / "t.csv", question=Question("label"))


@pytest.mark.parametrize(
    ("words", "asked", "sentence"),
    [
        ("x,class\n1,a\n2,b\ntall,a\n4,b\n", {}, "row 3, column x: 'tall' is not a number"),
        ("x,class\n1,a\ninf,b\n3,a\n", {}, "row 2, column x: 'inf' is not a number"),
        ("x,class\n1,a\n2,a\n", {}, "the column class says a in every row"),
        ("x,class\n1,\n2,\n", {}, "the column class is empty"),
        ("x,y\n1,5\n2,5\n", {"task": "regression"}, "the column y says 5 in every row"),
        ("x,y\n1,5\n2,b\n", {"task": "regression"}, "row 2, column y: 'b' is not a number"),
        ("word,class\nu,a\nv,b\n", {}, "needs the columns path and label of pictures, or columns of numbers"),
    ],
)
def test_what_is_wrong(tmp_path: Path, words: str, asked: dict[str, str], sentence: str) -> None:
    with pytest.raises(DataError, match=sentence):
        open_data(text(tmp_path / "t.csv", words), question=Question(**asked))


def test_a_column_there_is_not(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="has no column clas: there are class"):
        open_data(text(tmp_path / "t.csv", "x,class\n1,a\n2,b\n"), question=Question("clas"))


def audited(path: Path) -> dict[str, str]:
    found = open_data(path)
    assert isinstance(found.store, RowStore)
    return {each.kind: each.sentence for each in audit_rows(found, found.store)[2].findings}


def test_audit(tmp_path: Path) -> None:
    rows = "x,z,flat,class\n1,2,7,a\n1,2,7,a\n?,5,7,b\n3,4,7,a\n3,4,7,b\n5,1,7,b\n"
    told = audited(text(tmp_path / "t.csv", rows))
    assert "left out (1): row 3: x" in told["missing"]
    assert "one value alone (1): flat" in told["constant"]
    assert "the same numbers as others (2): t.csv#1, t.csv#2, t.csv#4" in told["duplicate"]
    assert "different classes (2): t.csv#4, t.csv#5" in told["conflicting-labels"]


def test_audit_of_leaks(tmp_path: Path) -> None:
    rows = "x,split,class\n1.5,train,a\n2,train,b\n1.5,test,a\n4,test,b\n"
    assert "in the train part too" in audited(text(tmp_path / "t.csv", rows))["leak"]


def test_nothing_whole(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"Every row of .* lacks a number"):
        audited(text(tmp_path / "t.csv", "x,z,class\n1,,a\n,2,b\n"))
    with pytest.raises(DataError, match=r"Class b has nothing usable left .t.csv#2: missing."):
        audited(text(tmp_path / "t.csv", "x,class\n1,a\n,b\n4,a\n"))


def test_rows_to_be_answered(tmp_path: Path) -> None:
    store = read_rows(text(tmp_path / "t.csv", "z,x,more\n1,2,u\n3,,v\n"), ("x", "z"))
    assert store.columns == ("x", "z") and np.array_equal(store.values, [[2, 1], [np.nan, 3]], equal_nan=True)
    with pytest.raises(DataError, match="lacks the columns w; it has z, x, more: the model reads x, w"):
        read_rows(tmp_path / "t.csv", ("x", "w"))
    with pytest.raises(DataError, match="row 1, column more: 'u' is not a number"):
        read_rows(tmp_path / "t.csv", ("more",))
    with pytest.raises(DataError, match="is no table"):
        read_rows(tmp_path / "a.jpg", ("x",))
