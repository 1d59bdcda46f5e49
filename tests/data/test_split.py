from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from discern.data.audit import Audit
from discern.data.dataset import Dataset, Part, Store
from discern.data.near import Near
from discern.data.open import open_data
from discern.data.scan import Facts
from discern.data.split import Split, split
from discern.errors import ConfigError, RunError


class Names(Store):
    """Pictures that have names alone."""

    def __init__(self, count: int) -> None:
        self.count = count

    def __len__(self) -> int:
        return self.count

    def read(self, index: int) -> bytes:
        return b""

    def path(self, index: int) -> str:
        return f"蘋果/{index}.jpg"

    def stamp(self) -> str:
        return str(self.count)


def named(labels, parts=None) -> Dataset:
    labels = np.array(labels, dtype=np.int32)
    parts = np.zeros(len(labels), np.uint8) if parts is None else np.array(parts, dtype=np.uint8)
    classes = tuple(f"class{number}" for number in range(int(labels.max(initial=0)) + 1))
    return Dataset("made", "made", classes, labels, parts, Names(len(labels)))


def cut(dataset: Dataset, groups=None, excluded=(), **options) -> Split:
    count = len(dataset)
    group = np.arange(count) if groups is None else np.unique(np.array(groups), return_inverse=True)[1]
    found = Audit((), np.array(excluded, dtype=np.int64), ("empty",) * len(excluded))
    return split(dataset, Facts.blank(count), Near(np.arange(count), group), found, **options)


PARTS = ("train", "validation", "test", "aside")

pictures = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 12)), min_size=1, max_size=120)


@given(pictures, st.integers(0, 5), st.data())
@settings(max_examples=150, deadline=None)
def test_properties(rows, seed, data):
    labels = np.array([label for label, _number in rows])
    groups = np.array([label * 100 + number for label, number in rows])  # a group has one class
    excluded = sorted(data.draw(st.sets(st.integers(0, len(rows) - 1), max_size=len(rows) // 4)))
    dataset = named(labels)
    made = cut(dataset, groups, excluded, seed=seed)
    members = [getattr(made, part) for part in PARTS]
    everything = np.sort(np.concatenate([*members, np.array(excluded, dtype=np.int64)]))
    np.testing.assert_array_equal(everything, np.arange(len(rows)))
    part = made.parts()
    usable = np.setdiff1d(np.arange(len(rows)), excluded)
    for group in np.unique(groups[usable]):
        assert len(np.unique(part[usable][groups[usable] == group])) == 1
    for label in np.unique(labels[usable]):
        mine = usable[labels[usable] == label]
        sizes = np.unique(groups[mine], return_counts=True)[1]
        count = {which: int((part[mine] == which).sum()) for which in (Part.TRAIN, Part.VALIDATION, Part.TEST)}
        if len(sizes) < 3:
            assert count[Part.TRAIN] == len(mine)
            continue
        assert min(count.values()) >= 1
        for which, share in ((Part.TEST, 0.2), (Part.VALIDATION, 0.1)):
            assert abs(count[which] - share * len(mine)) <= sizes.max() + 0.5
    again = cut(dataset, groups, excluded, seed=seed)
    np.testing.assert_array_equal(part, again.parts())


def test_shares_of_a_large_class_are_exact():
    made = cut(named([0] * 1000 + [1] * 500))
    assert (len(made.train), len(made.validation), len(made.test)) == (1050, 150, 300)
    assert "300" in made.notes[0]
    assert set(made.reasons) == {"cut"}


def test_another_seed_is_another_split():
    dataset = named([0] * 100)
    assert not np.array_equal(cut(dataset, seed=0).test, cut(dataset, seed=1).test)


def test_given_parts_stay_and_validation_is_cut_from_train():
    parts = [Part.TRAIN] * 50 + [Part.TEST] * 30
    made = cut(named([0, 1] * 40, parts))
    assert made.test.tolist() == list(range(50, 80))
    assert len(made.validation) == 4  # two of each class: 10 % of 25, rounded to even
    assert made.validation.max() < 50
    assert made.reasons[60] == "given"
    assert made.reasons[0] == "cut"


def test_all_three_parts_given():
    parts = [Part.TRAIN] * 6 + [Part.VALIDATION] * 2 + [Part.TEST] * 2
    made = cut(named([0, 1] * 5, parts))
    assert [len(getattr(made, part)) for part in PARTS] == [6, 2, 2, 0]
    assert set(made.reasons) == {"given"}
    assert made.notes == ()


def test_training_copies_of_test_pictures_stay_in_train():
    parts = [Part.TRAIN] * 20 + [Part.TEST] * 2
    groups = [0] * 10 + list(range(1, 11)) + [0, 99]
    made = cut(named([0] * 22, parts), groups)
    assert not set(range(10)) & set(made.validation.tolist())
    assert made.reasons[0] == "given"


def test_train_alone_has_no_test():
    made = cut(named([0] * 20, [Part.TRAIN] * 20))
    assert len(made.test) == 0
    assert len(made.validation) == 2
    assert any("no test part" in note for note in made.notes)


def test_unlabelled_pictures_are_aside():
    dataset = named([0] * 10 + [-1] * 3, [Part.NONE] * 10 + [Part.ASIDE] * 3)
    made = cut(dataset)
    assert made.aside.tolist() == [10, 11, 12]
    assert made.reasons[10] == "unlabelled"
    assert any(note.startswith("3 without a class") for note in made.notes)


def test_a_class_with_two_groups_only_trains():
    made = cut(named([0] * 20 + [1] * 6), [*range(20), 50, 50, 50, 51, 51, 51])
    assert set(range(20, 26)) <= set(made.train.tolist())
    assert any("class1" in note for note in made.notes)
    assert made.reasons[25] == "copies"


def test_nothing_is_cut_when_nothing_is_asked_for():
    made = cut(named([0] * 10), validation=0.0, test=0.0)
    assert len(made.train) == 10


@pytest.mark.parametrize("shares", [(-0.1, 0.2), (0.5, 0.5), (0.1, 1.0)])
def test_impossible_shares(shares):
    with pytest.raises(ConfigError, match="less than 1 together"):
        cut(named([0] * 10), validation=shares[0], test=shares[1])


def test_saved_and_loaded(tmp_path: Path):
    dataset = named([0, 1] * 20 + [-1])
    made = cut(dataset, excluded=[4], seed=3)
    made.save(tmp_path / "split.json", dataset)
    value = json.loads((tmp_path / "split.json").read_text(encoding="utf-8"))
    assert value["seed"] == 3
    assert value["pictures"]["蘋果/4.jpg"][0] == "out"
    assert {row["code"] for row in value["reasons"]} == {"cut", "empty", "unlabelled"}
    loaded = Split.load(tmp_path / "split.json", dataset)
    for field in dataclasses.fields(Split):
        np.testing.assert_array_equal(getattr(loaded, field.name), getattr(made, field.name))


def test_a_split_of_other_pictures_does_not_load(tmp_path: Path):
    path = tmp_path / "split.json"
    cut(named([0] * 10)).save(path, named([0] * 10))
    for count in (9, 11):
        with pytest.raises(RunError, match="was added, removed or renamed"):
            Split.load(path, named([0] * count))


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"reasons": [{"code": "cut"}], "pictures": {"a": ["train", 7]}}'])
def test_a_damaged_split_does_not_load(tmp_path: Path, text):
    path = tmp_path / "split.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(RunError, match="missing or damaged"):
        Split.load(path, named([0] * 3))


def test_real_fruit(shared_data: Path):
    dataset = open_data(shared_data / "fruit")
    made = cut(dataset)
    assert len(made.aside) == 3
    assert set(dataset.labels[made.validation].tolist()) == {0, 1, 2}
