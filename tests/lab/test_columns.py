"""A CSV of numbers, and what is wrong with it told with row and column."""

from __future__ import annotations

from pathlib import Path

import pytest

from discern.errors import ConfigError
from discern.lab.columns import place, read_columns


def _file(folder: Path, text: str) -> str:
    path = folder / "own.csv"
    path.write_text(text, encoding="utf-8")
    return str(path)


def test_numbers_and_a_class_wherever_it_stands(tmp_path: Path) -> None:
    found = read_columns(_file(tmp_path, "kind;a;b\nx;1;2.5\ny;3;4\nx;5;6e1\n"))
    assert found.names == ("a", "b") and found.classes == ("x", "y")
    assert found.values.tolist() == [[1, 2.5], [3, 4], [5, 60]]
    assert found.labels.tolist() == [0, 1, 0]


def test_without_names_and_without_classes(tmp_path: Path) -> None:
    found = read_columns(_file(tmp_path, "1,2\n\n3,4\n"))
    assert found.names == ("column 1", "column 2") and found.classes == ()
    assert read_columns(_file(tmp_path, "1,2,cat\n3,4,dog\n")).classes == ("cat", "dog")


def test_classes_that_are_numbers(tmp_path: Path) -> None:
    assert read_columns(_file(tmp_path, "a,Class\n1,0\n2,10\n3,2\n")).classes == ("0", "2", "10")


def test_a_column_by_name_or_number() -> None:
    names = ("width", "height")
    assert (place(names, "height"), place(names, "1")) == (1, 0)
    with pytest.raises(ConfigError, match="no column of numbers called 'hight': take one of height"):
        place(names, "hight")


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("a,b\n1,2\n\n3,many\n", "row 4, column b: 'many' is not a number"),
        ("a,b,c\n1,,x\n", "row 2, column b: '' is not a number"),
        ("a,b\n1,nan\n2,3\n", "row 2, column b: 'nan' is not a number"),
        ("a,b\n1,2\n3\n", "row 3: 1 cells where 2 columns are"),
        ("a,class\n1,\n", "row 2, column class: the class is missing"),
        ("a,b\n", "no rows of numbers"),
        ("", "no rows of numbers"),
        ("a\nx\n", "no column of numbers"),
    ],
)
def test_what_is_wrong(text: str, sentence: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=sentence):
        read_columns(_file(tmp_path, text))


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        read_columns(str(tmp_path / "absent.csv"))
