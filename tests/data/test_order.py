from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from discern.data.order import natural


def test_numbers_count_as_numbers() -> None:
    assert sorted(["img10", "img9", "img010", "img1"], key=natural) == ["img1", "img9", "img010", "img10"]


def test_letter_case_only_breaks_ties() -> None:
    assert sorted(["banana", "Cherry", "apple", "Apple"], key=natural) == ["Apple", "apple", "banana", "Cherry"]


@given(st.lists(st.integers(0, 10**30)))
def test_bare_numbers_sort_as_integers(numbers: list[int]) -> None:
    assert [int(text) for text in sorted(map(str, numbers), key=natural)] == sorted(numbers)


@given(st.text(), st.text())
def test_different_names_have_different_keys(one: str, other: str) -> None:
    assert (natural(one) == natural(other)) == (one == other)
