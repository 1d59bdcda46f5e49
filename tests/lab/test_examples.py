"""Rows for the labs, from wherever they come; and what a run's network makes of its pictures."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import discern
from discern.errors import ConfigError, DataError, RunError
from discern.lab.examples import MOST, examples, place, read_examples
from tests.pictures import make_folder
from tests.runs import QUICK


def test_digits_are_pictures() -> None:
    digits = examples("digits")
    assert digits.values.shape == (1797, 64) and digits.picture == (8, 8)
    assert digits.features[9] == "2, 2" and digits.classes[3] == "3"


def test_scaled_columns() -> None:
    scaled = examples("digits").scaled()  # the first pixel is white in every digit
    np.testing.assert_allclose(scaled.mean(axis=0), 0, atol=1e-12)
    assert set(scaled.std(axis=0).round(9)) == {0.0, 1.0}


def _file(folder: Path, text: str, name: str = "own.csv") -> str:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return str(path)


def test_a_table_with_its_class_wherever_it_stands(tmp_path: Path) -> None:
    found = examples(_file(tmp_path, "kind;a;b\nx;1;2.5\ny;3;4\nx;5;6e1\n"))
    assert (found.name, found.features, found.classes) == ("own", ("a", "b"), ("x", "y"))
    assert found.values.tolist() == [[1, 2.5], [3, 4], [5, 60]]
    assert found.labels.tolist() == [0, 1, 0]


def test_without_names_and_without_classes(tmp_path: Path) -> None:
    found = read_examples(_file(tmp_path, "1,2\n\n3,4\n"))
    assert found.features == ("column1", "column2") and found.classes == () and len(found.values) == 2
    assert read_examples(_file(tmp_path, "1,2,cat\n3,4,dog\n", "own.txt")).classes == ("cat", "dog")


def test_classes_that_are_numbers_and_words_that_are_no_classes(tmp_path: Path) -> None:
    found = read_examples(_file(tmp_path, "a,Class,name\n1,0,u\n2,10,v\n3,2,w\n"))
    assert found.classes == ("0", "2", "10") and found.features == ("a",)


def test_a_column_by_name_or_number() -> None:
    names = ("width", "height")
    assert (place(names, "height"), place(names, "1")) == (1, 0)
    with pytest.raises(ConfigError, match="no column of numbers called 'hight': take one of height"):
        place(names, "hight")


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("a,b\n1,2\n\n3,many\n", "own.csv, row 2, column b: 'many' is not a number"),
        ("a,b,c\n1,,x\n2,3,y\n", "row 1, column b: nothing stands here; fill the cell"),
        ("a,b\n1,2\n2,nan\n", "row 2, column b: nothing stands here"),
        ("a,b\n1,2\n3\n", "row 2, column b: nothing stands here"),
        ("a,b\n1,2\n3,4,5\n", "row 2 has 3 cells where 2 columns are"),
        ("a,class\n1,\n", "row 1, column class: nothing stands here"),
        ("a,b\n", "no rows of numbers"),
        ("", "no rows of numbers"),
        ("a\nx\n", "no rows of numbers"),
    ],
)
def test_what_is_wrong_with_a_table(text: str, sentence: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=sentence):
        read_examples(_file(tmp_path, text))


def test_a_table_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="may not be read"):
        read_examples(str(tmp_path / "absent.csv"))


def test_a_runs_embedding_clustered_and_analysed(tmp_path: Path) -> None:
    data = make_folder(tmp_path / "colours")
    run = discern.train(data, "sample", epochs=2, out=tmp_path / "run", settings=QUICK)
    found = examples(str(run.path))
    assert 0 < len(found.values) <= MOST
    np.testing.assert_allclose(np.linalg.norm(found.values, axis=1), 1, atol=1e-5)
    assert found.classes == discern.load(run.path).classes and set(found.labels) == {0, 1, 2}
    clustering = discern.lab("kmeans", data=str(run.path))
    assert len(clustering.centres) == 3 and len(clustering.labels) == len(found.values)
    assert discern.lab("pca", data=str(run.path), count=2).directions.shape == (2, found.values.shape[1])


def test_what_a_classical_model_sees(tmp_path: Path) -> None:
    neighbours = discern.train(make_folder(tmp_path / "colours"), "knn", out=tmp_path / "knn")
    assert examples(str(neighbours.path)).values.shape[1] == 28 * 28 * 3


def test_what_holds_no_rows(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="is not a run"):
        examples(str(tmp_path))
    with pytest.raises(ConfigError, match=r"no examples moons: give one of iris, digits, a \.csv file or a run"):
        examples("moons")
