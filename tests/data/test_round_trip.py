"""A known data set, written in the format of each tool, reads back with the same labels, splits and groups."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from discern.data.dataset import ImageDataset, Split
from discern.data.open import open_data
from tests.exporters import SPLITS, WRITERS, Example, Writer

WORDS = ("fruit", "水果", "a b", "x, y", "Äpfel", "1", "no (2)", "貓 狗")
CLASSES = ("cat", "big dog", "水果, 紅", "Äpfel")


@st.composite
def examples(draw: st.DrawFn) -> list[Example]:
    """Draw a data set: two classes or more in each split, groups that lie in one split and class."""
    classes = draw(st.lists(st.sampled_from(CLASSES), min_size=2, max_size=3, unique=True))
    made = []
    for split in SPLITS:
        for label in classes:
            for copy in range(draw(st.integers(1, 3))):
                word = draw(st.sampled_from(WORDS))
                group = f"{split}{classes.index(label)} {draw(st.sampled_from(WORDS)).replace(',', '')}"
                made.append(Example(f"{word} {split}{len(made)}-{copy}.jpg", label, split, group))
    return draw(st.permutations(made))


def content(data: ImageDataset, row: int) -> str:
    read = data.store.read(row)
    assert isinstance(read, bytes)
    return read.decode()


def partition(numbers: Sequence[object], names: Sequence[str]) -> set[frozenset[str]]:
    return {frozenset(n for n, other in zip(names, numbers, strict=True) if other == number) for number in set(numbers)}


@pytest.mark.parametrize("write", WRITERS, ids=lambda writer: writer.__name__)
@settings(max_examples=6, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(known=examples())
def test_labels_splits_and_groups_come_back(write: Writer, known: list[Example]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "data"
        root.mkdir()
        source = write(root, known)
        data = open_data(source)
        assert isinstance(data, ImageDataset) and len(data) == len(known)
        by_name = {e.name: e for e in known}
        found = [by_name[content(data, row)] for row in range(len(data))]
    assert [data.classes[label] for label in data.labels] == [e.label for e in found]
    kept = WRITERS[write]
    if "split" in kept:
        assert [Split(split).name.lower() for split in data.given_split] == [e.split for e in found]
    else:
        assert set(data.given_split.tolist()) == {Split.NONE}
    if "group" in kept and len({e.group for e in known}) < len(known):
        assert data.groups is not None
        names = [e.name for e in found]
        assert partition(data.groups.tolist(), names) == partition([e.group for e in found], names)
