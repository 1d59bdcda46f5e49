from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from discern.data.dataset import Split
from discern.data.names import (
    abbreviate,
    find_similar_names,
    natural_key,
    normalize_name,
    split_from_name,
    split_in_name,
    splits_from_names,
)


def test_numbers_count_as_numbers() -> None:
    assert sorted(["img10", "img9", "img010", "img1"], key=natural_key) == ["img1", "img9", "img010", "img10"]


def test_letter_case_only_breaks_ties() -> None:
    assert sorted(["banana", "Cherry", "apple", "Apple"], key=natural_key) == ["Apple", "apple", "banana", "Cherry"]


@given(st.lists(st.integers(0, 10**30)))
def test_bare_numbers_sort_as_integers(numbers: list[int]) -> None:
    assert [int(text) for text in sorted(map(str, numbers), key=natural_key)] == sorted(numbers)


@given(st.text(), st.text())
def test_different_names_have_different_keys(one: str, other: str) -> None:
    assert (natural_key(one) == natural_key(other)) == (one == other)


@given(st.text(st.characters()))
def test_a_normalized_name_is_text_that_stays(name: str) -> None:
    normalized = normalize_name(name)
    assert normalized.encode() and normalize_name(normalized) == normalized if name else normalized == ""


def test_names_of_splits() -> None:
    assert [split_from_name(name) for name in (" TRAIN", "Val", "testing", "fold1")] == [
        Split.TRAIN,
        Split.VALIDATION,
        Split.TEST,
        Split.NONE,
    ]
    assert splits_from_names(["apple", "pear"]) == {}
    assert splits_from_names(["train"]) == {"train": Split.TRAIN}


def test_what_is_short_stays() -> None:
    assert abbreviate(["a"] * 5) == ["a"] * 5 and abbreviate(["a"] * 6) == [*["a"] * 5, "…"]


def test_words_that_only_look_like_splits() -> None:
    for name in (
        "latest",
        "trainers",
        "valley",
        "devices",
        "contest",
        "protest",
        "test_tube",
        "train station",
        "eval2uate",
    ):
        assert split_from_name(name) == Split.NONE
    assert [split_in_name(name) for name in ("latest", "contest", "trainers", "train_test")] == [Split.NONE] * 4


@pytest.mark.parametrize(
    "name", ["Ｔｒａｉｎ", "TRAIN ", "train_set_1", "Trainset", "images-train", "訓練資料集", "train+val"]
)
def test_names_of_the_training_split(name: str) -> None:
    assert split_from_name(name) == Split.TRAIN


def test_names_that_are_almost_one() -> None:
    assert find_similar_names(["Bee", "bee", "Ｂee", "ice cream", "Ice_Cream", "1-0", "10", "-1", "1"]) == [
        ("Bee", "bee", "Ｂee"),
        ("ice cream", "Ice_Cream"),
    ]
