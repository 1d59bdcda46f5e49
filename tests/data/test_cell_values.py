"""What cells say: one class each, a split, a group."""

from __future__ import annotations

import pytest

from discern.data.cell_values import read_groups, read_labels, read_one_hot, read_splits
from discern.data.dataset import Split
from discern.errors import DataError


@pytest.mark.parametrize(
    ("cells", "labels"),
    [
        (['["ant"]', "['bee']", "[]", "cat"], ["ant", "bee", "", "cat"]),
        (['{"choices": ["ant"]}', '{"name": "bee"}', "['a, b']"], ["ant", "bee", "a, b"]),
        (["0.0", "1.0", "NaN", "2"], ["0", "1", "", "2"]),
        (["01", "1"], ["01", "1"]),
        (["True", "False"], ["True", "False"]),
        (["New York", "York", "1.5 kg"], ["New York", "York", "1.5 kg"]),
        (["[unknown]", "(none)", "a|b"], ["[unknown]", "(none)", "a|b"]),
    ],
)
def test_labels(cells: list[str], labels: list[str]) -> None:
    assert read_labels("t", cells) == labels


@pytest.mark.parametrize(
    ("cells", "said"),
    [
        (['["ant", "bee"]', '["ant"]'], "gives 1 images several labels, .* (row 1: ant, bee)"),
        (["['ant' 'bee']", "['cat' 'bee']", "cat"], "2 images several labels"),
        (["ant", "bee", "ant|bee", "bee;ant"], "(row 3: ant, bee)"),
        (["rust", "scab", "rust scab"], "1 images several labels"),
        (["0.25", "0.5"], "labels with fractions (0.25, 0.5)"),
    ],
)
def test_what_is_no_class(cells: list[str], said: str) -> None:
    with pytest.raises(DataError, match=said.replace("(", r"\(").replace(")", r"\)").replace("|", r"\|")):
        read_labels("t", cells)


def test_one_hot() -> None:
    columns = {"ant": ["1", "0", "0.0"], "bee": ["0", "True", "-1"]}
    assert read_one_hot("t", columns, ["ant", "bee"]) == ["ant", "bee", ""]
    with pytest.raises(DataError, match=r"gives 1 images several labels, .* \(row 2: ant, bee\)"):
        read_one_hot("t", {"ant": ["1", "1"], "bee": ["0", "1"]}, ["ant", "bee"])


@pytest.mark.parametrize(
    ("name", "cells", "splits"),
    [
        ("split", "Train test", "TRAIN TEST"),
        ("split", "0 1 2", "TRAIN VALIDATION TEST"),
        ("set", "0.0 1.0", "TRAIN VALIDATION"),
        ("ml_use", "TRAINING VALIDATION TEST", "TRAIN VALIDATION TEST"),
        ("is_valid", "True False", "VALIDATION TRAIN"),
        ("is_test", "1 0", "TEST TRAIN"),
        ("is_training_image", "0 1", "TEST TRAIN"),
        ("fold", "0 1 2", ""),
        ("split", "True False", ""),
        ("split", "a b", ""),
    ],
)
def test_splits(name: str, cells: str, splits: str) -> None:
    found, notices = read_splits(name, cells.split(), requested=False)
    assert " ".join(split.name for split in found.values()) == splits
    said = " ".join(notice.text() for notice in notices)
    plain = splits and cells.lower()[0] == "t" and "is_" not in name
    assert said == "" if plain else f"The column {name} is " in said


def test_folds_that_are_requested() -> None:
    assert read_splits("fold", ["0", "1", "2"], requested=True)[0]["2"] == Split.TEST


@pytest.mark.parametrize(
    ("cells", "labels", "groups"),
    [("a a b b", "x y x y", True), ("a b c d", "x y x y", False), ("a a a a", "x y x y", False)],
)
def test_groups(cells: str, labels: str, groups: bool) -> None:
    assert bool(read_groups("g", cells.split(), labels.split())[0]) == groups


def test_classes_are_no_groups() -> None:
    groups, notices = read_groups("plant", ["p", "p", "q", "q"], ["x", "x", "y", "y"])
    assert groups == [] and "its 2 values do not divide the classes" in notices[0].text()
