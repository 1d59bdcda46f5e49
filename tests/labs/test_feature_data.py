"""Feature vectors for the labs: built-in data, tables, and the embeddings of a run."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import discern
from discern.errors import ConfigError, DataError, RunError
from discern.labs.feature_data import MAX_IMAGES, find_column, load_feature_data, read_feature_table
from tests.images import make_folder
from tests.run_facts import QUICK


def test_digits_are_images() -> None:
    digits = load_feature_data("digits")
    assert digits.values.shape == (1797, 64) and digits.image_shape == (8, 8)
    assert digits.features[9] == "2, 2" and digits.classes[3] == "3"


def test_scaled_columns() -> None:
    scaled = load_feature_data("digits").standardized()  # the first pixel is white in every digit
    np.testing.assert_allclose(scaled.mean(axis=0), 0, atol=1e-12)
    assert set(scaled.std(axis=0).round(9)) == {0.0, 1.0}


def _file(folder: Path, text: str, name: str = "own.csv") -> str:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return str(path)


def test_a_table_with_its_class_wherever_it_stands(tmp_path: Path) -> None:
    found = load_feature_data(_file(tmp_path, "kind;a;b\nx;1;2.5\ny;3;4\nx;5;6e1\n"))
    assert (found.name, found.features, found.classes) == ("own", ("a", "b"), ("x", "y"))
    assert found.values.tolist() == [[1, 2.5], [3, 4], [5, 60]]
    assert found.labels.tolist() == [0, 1, 0]


def test_without_names_and_without_classes(tmp_path: Path) -> None:
    found = read_feature_table(_file(tmp_path, "1,2\n\n3,4\n"))
    assert found.features == ("column1", "column2") and found.classes == () and len(found.values) == 2
    assert read_feature_table(_file(tmp_path, "1,2,cat\n3,4,dog\n", "own.txt")).classes == ("cat", "dog")


def test_classes_that_are_numbers_and_words_that_are_no_classes(tmp_path: Path) -> None:
    found = read_feature_table(_file(tmp_path, "a,Class,name\n1,0,u\n2,10,v\n3,2,w\n"))
    assert found.classes == ("0", "2", "10") and found.features == ("a",)


def test_a_column_by_name_or_number() -> None:
    names = ("width", "height")
    assert (find_column(names, "height"), find_column(names, "1")) == (1, 0)
    with pytest.raises(ConfigError, match=r'Unknown column of numbers "hight" \(did you mean height'):
        find_column(names, "hight")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a,b\n1,2\n\n3,many\n", "own.csv, row 2, column b: 'many' is not a number"),
        ("a,b,c\n1,,x\n2,3,y\n", "row 1, column b: the cell is empty; fill it"),
        ("a,b\n1,2\n2,nan\n", "row 2, column b: the cell is empty"),
        ("a,b\n1,2\n3\n", "row 2, column b: the cell is empty"),
        ("a,b\n1,2\n3,4,5\n", "row 2 has 3 cells, expected 2"),
        ("a,class\n1,\n", "row 1, column class: the cell is empty"),
        ("a,b\n", "no columns of numbers"),
        ("", "no columns of numbers"),
        ("a\nx\n", "no columns of numbers"),
    ],
)
def test_faulty_tables(text: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=message):
        read_feature_table(_file(tmp_path, text))


def test_a_missing_table(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="is not readable"):
        read_feature_table(str(tmp_path / "absent.csv"))


def test_the_embeddings_of_a_run(tmp_path: Path) -> None:
    data = make_folder(tmp_path / "colors")
    run = discern.train(data, "sample", epochs=2, out=tmp_path / "run", **QUICK)
    found = load_feature_data(str(run.path))
    assert 0 < len(found.values) <= MAX_IMAGES
    np.testing.assert_allclose(np.linalg.norm(found.values, axis=1), 1, atol=1e-5)
    assert found.classes == discern.load(run.path).classes and set(found.labels) == {0, 1, 2}
    clustering = discern.lab("kmeans", data=str(run.path))
    assert len(clustering.centers) == 3 and len(clustering.labels) == len(found.values)
    assert discern.lab("pca", data=str(run.path), components=2).directions.shape == (2, found.values.shape[1])


def test_a_classical_model_has_pixels(tmp_path: Path) -> None:
    knn = discern.train(make_folder(tmp_path / "colors"), "knn", out=tmp_path / "knn")
    assert load_feature_data(str(knn.path)).values.shape[1] == 28 * 28 * 3


def test_unknown_data(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="is not a run"):
        load_feature_data(str(tmp_path))
    with pytest.raises(ConfigError, match=r"Unknown data .moons.: choose iris, digits, a \.csv file or a run"):
        load_feature_data("moons")
