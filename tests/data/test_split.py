from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from discern.data.dataset import ImageDataset, Split, Store
from discern.data.duplicates import DuplicateGroups
from discern.data.findings import Audit
from discern.data.open import open_data
from discern.data.scan import ImageStats
from discern.data.split import SplitAssignment, split_dataset, split_reason, subsample_train
from discern.errors import ConfigError, RunError
from discern.notices import Notice


class Names(Store):
    """Images that have names alone."""

    def __init__(self, count: int) -> None:
        self.count = count

    def __len__(self) -> int:
        return self.count

    def read(self, index: int) -> bytes:
        return b""

    def path(self, index: int) -> str:
        return f"蘋果/{index}.jpg"

    def version_key(self) -> str:
        return str(self.count)


def named(labels, given_split=None) -> ImageDataset:
    labels = np.array(labels, dtype=np.int32)
    given_split = np.zeros(len(labels), np.uint8) if given_split is None else np.array(given_split, dtype=np.uint8)
    classes = tuple(f"class{number}" for number in range(int(labels.max(initial=0)) + 1))
    return ImageDataset("made", "made", classes, labels, given_split, Names(len(labels)))


def cut(dataset: ImageDataset, groups=None, excluded=(), **options) -> SplitAssignment:
    count = len(dataset)
    group = np.arange(count) if groups is None else np.unique(np.array(groups), return_inverse=True)[1]
    audit = Audit((), np.array(excluded, dtype=np.int64), ("empty",) * len(excluded))
    return split_dataset(dataset, ImageStats.blank(count), DuplicateGroups(np.arange(count), group), audit, **options)


SPLIT_NAMES = ("train", "validation", "test", "unlabeled")

images = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 12)), min_size=1, max_size=120)


@given(images, st.integers(0, 5), st.data())
@settings(max_examples=150, deadline=None)
def test_properties(rows, seed, data):
    labels = np.array([label for label, _number in rows])
    groups = np.array([label * 100 + number for label, number in rows])  # a group has one class
    excluded = sorted(data.draw(st.sets(st.integers(0, len(rows) - 1), max_size=len(rows) // 4)))
    dataset = named(labels)
    split = cut(dataset, groups, excluded, seed=seed)
    members = [getattr(split, name) for name in SPLIT_NAMES]
    everything = np.sort(np.concatenate([*members, np.array(excluded, dtype=np.int64)]))
    np.testing.assert_array_equal(everything, np.arange(len(rows)))
    array = split.to_array()
    usable = np.setdiff1d(np.arange(len(rows)), excluded)
    for group in np.unique(groups[usable]):
        assert len(np.unique(array[usable][groups[usable] == group])) == 1
    for label in np.unique(labels[usable]):
        own = usable[labels[usable] == label]
        sizes = np.unique(groups[own], return_counts=True)[1]
        count = {each: int((array[own] == each).sum()) for each in (Split.TRAIN, Split.VALIDATION, Split.TEST)}
        if len(sizes) < 3:
            assert count[Split.TRAIN] == len(own)
            continue
        assert min(count.values()) >= 1
        for each, fraction in ((Split.TEST, 0.2), (Split.VALIDATION, 0.1)):
            assert abs(count[each] - fraction * len(own)) <= sizes.max() + 0.5
    again = cut(dataset, groups, excluded, seed=seed)
    np.testing.assert_array_equal(array, again.to_array())


def test_fractions_of_a_large_class_are_exact():
    split = cut(named([0] * 1000 + [1] * 500))
    assert (len(split.train), len(split.validation), len(split.test)) == (1050, 150, 300)
    fields = {"test": 300, "validation": 150, "method": Notice("word.stratified"), "seed": 0}
    assert split.notices == (Notice("split.cut_test_validation", fields),)
    assert "300 are cut for test and 150 for validation, stratified by class" in split.notices[0].text()
    assert set(split.reasons) == {"assigned"}


def test_another_seed_is_another_split():
    dataset = named([0] * 100)
    assert not np.array_equal(cut(dataset, seed=0).test, cut(dataset, seed=1).test)


def test_given_splits_stay_and_validation_is_cut_from_train():
    given_split = [Split.TRAIN] * 50 + [Split.TEST] * 30
    split = cut(named([0, 1] * 40, given_split))
    assert split.test.tolist() == list(range(50, 80))
    assert len(split.validation) == 4  # two of each class: 10 % of 25, rounded to even
    assert split.validation.max() < 50
    assert split.reasons[60] == "given"
    assert split.reasons[0] == "assigned"


def test_all_three_splits_given():
    given_split = [Split.TRAIN] * 6 + [Split.VALIDATION] * 2 + [Split.TEST] * 2
    split = cut(named([0, 1] * 5, given_split))
    assert [len(getattr(split, name)) for name in SPLIT_NAMES] == [6, 2, 2, 0]
    assert set(split.reasons) == {"given"}
    assert split.notices == ()


def test_training_copies_of_test_images_stay_in_train():
    given_split = [Split.TRAIN] * 20 + [Split.TEST] * 2
    groups = [0] * 10 + list(range(1, 11)) + [0, 99]
    split = cut(named([0] * 22, given_split), groups)
    assert not set(range(10)) & set(split.validation.tolist())
    assert split.reasons[0] == "given"


def test_train_alone_has_no_test():
    split = cut(named([0] * 20, [Split.TRAIN] * 20))
    assert len(split.test) == 0
    assert len(split.validation) == 2
    assert Notice("split.no_test") in split.notices


def test_unlabeled_images_are_left_for_prediction():
    dataset = named([0] * 10 + [-1] * 3, [Split.NONE] * 10 + [Split.UNLABELED] * 3)
    split = cut(dataset)
    assert split.unlabeled.tolist() == [10, 11, 12]
    assert split.reasons[10] == "unlabeled"
    assert Notice("split.unlabeled_left", {"n": 3}) in split.notices


def test_a_class_with_two_groups_only_trains():
    split = cut(named([0] * 20 + [1] * 6), [*range(20), 50, 50, 50, 51, 51, 51])
    assert set(range(20, 26)) <= set(split.train.tolist())
    assert Notice("split.small_classes", {"names": ["class1"]}) in split.notices
    assert split.reasons[25] == "assigned_with_duplicates"


def test_nothing_is_cut_when_nothing_is_requested():
    split = cut(named([0] * 10), validation=0.0, test=0.0)
    assert len(split.train) == 10


@pytest.mark.parametrize("fractions", [(-0.1, 0.2), (0.5, 0.5), (0.1, 1.0)])
def test_impossible_fractions(fractions):
    with pytest.raises(ConfigError, match="less than 1 together"):
        cut(named([0] * 10), validation=fractions[0], test=fractions[1])


def test_saved_and_loaded(tmp_path: Path):
    dataset = named([0, 1] * 20 + [-1])
    split = cut(dataset, excluded=[4], seed=3)
    split.save(tmp_path / "split.json", dataset)
    value = json.loads((tmp_path / "split.json").read_text(encoding="utf-8"))
    assert value["seed"] == 3
    assert value["images"]["蘋果/4.jpg"][0] == "excluded"
    assert value["reasons"] == ["assigned", "empty", "unlabeled"]
    assert value["notices"][0]["code"] == "split.cut_test_validation"
    loaded = SplitAssignment.load(tmp_path / "split.json", dataset)
    for field in dataclasses.fields(SplitAssignment):
        np.testing.assert_array_equal(getattr(loaded, field.name), getattr(split, field.name))


def test_reasons_are_said_in_the_language_of_the_reader():
    assert split_reason("assigned").text() == "randomly assigned (seeded)"
    assert split_reason("missing_values").text() == "left out by the audit (missing values)"


def test_a_subsample_has_each_class_in_proportion():
    dataset = named([0] * 600 + [1] * 300 + [2] * 100)
    split = cut(dataset, validation=0.1, test=0.1)
    small = subsample_train(split, dataset, 80)
    assert np.bincount(dataset.labels[small.train]).tolist() == [48, 24, 8]
    assert set(small.train.tolist()) < set(split.train.tolist())
    assert small.reasons.count("train_limit") == len(split.train) - 80
    assert small.notices[-1].text() == "80 of 800 are used for training, sampled class by class (seed 0)."
    assert subsample_train(split, dataset, 0) is split


def test_a_split_of_other_images_does_not_load(tmp_path: Path):
    path = tmp_path / "split.json"
    cut(named([0] * 10)).save(path, named([0] * 10))
    for count in (9, 11):
        with pytest.raises(RunError, match="was added, removed or renamed"):
            SplitAssignment.load(path, named([0] * count))


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"reasons": ["assigned"], "images": {"a": ["train", 7]}}'])
def test_a_damaged_split_does_not_load(tmp_path: Path, text):
    path = tmp_path / "split.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(RunError, match="missing or corrupt"):
        SplitAssignment.load(path, named([0] * 3))


def test_real_fruit(shared_data: Path):
    dataset = open_data(shared_data / "fruit")
    split = cut(dataset)
    assert len(split.unlabeled) == 3
    assert set(dataset.labels[split.validation].tolist()) == {0, 1, 2}


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, 2), st.integers(-1, 12)), min_size=1, max_size=120), st.integers(0, 5))
def test_groups_never_straddle(examples, seed):
    labels, groups = np.array(examples).T
    assignment = cut(dataclasses.replace(named(labels), groups=groups), seed=seed)
    array = assignment.to_array()
    for group in np.unique(groups[groups >= 0]):
        assert len(np.unique(array[groups == group])) == 1


def test_groups_of_several_classes_are_dealt_together():
    labels = np.tile([0, 0, 1, 1, 1], 40)  # every patient has both
    groups = np.arange(200) // 5
    assignment = cut(dataclasses.replace(named(labels), groups=groups))
    assert 30 <= len(assignment.test) <= 50
    for split in (assignment.train, assignment.validation, assignment.test):
        assert set(labels[split]) == {0, 1}
    assert set(assignment.reasons) == {"assigned_with_group"}


def test_a_class_without_a_split_is_said():
    dataset = named(
        [0, 0, 0, 1, 1, 1], [Split.TRAIN, Split.VALIDATION, Split.TEST, Split.TRAIN, Split.TRAIN, Split.TEST]
    )
    notices = [notice for notice in cut(dataset).notices if notice.code == "split.unjudged"]
    assert [notice.text() for notice in notices] == [
        "Classes without a validation example: class1. The validation results say nothing of them."
    ]
