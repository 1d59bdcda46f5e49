from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from discern.data.columns import ColumnSpec
from discern.data.group_names import propose_groups
from discern.data.groups import group_by_pattern, join_groups
from discern.data.open import open_data
from discern.errors import ConfigError


@pytest.fixture
def patients(tmp_path: Path) -> Path:
    """Six patients in two classes, four images each; what is in a file does not matter."""
    for number in range(24):
        folder = tmp_path / "scans" / ("ill" if number // 4 % 2 else "well")
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"patient_{number // 4}_{number % 4}.png").write_bytes(b"")
    return tmp_path / "scans"


@pytest.mark.parametrize("pattern", ["patient_(.*?)_", "patient_([0-9]+)", "(patient_.)", "(pat)ient_(.)"])
def test_a_pattern_over_the_path_makes_groups(patients: Path, pattern: str) -> None:
    dataset = open_data(patients, column_spec=ColumnSpec(group=pattern))
    assert dataset.groups is not None
    assert len(np.unique(dataset.groups)) == 6
    for index, group in enumerate(dataset.groups):
        name = dataset.store.path(index).rsplit("_", 1)[0]
        assert {dataset.store.path(int(i)).rsplit("_", 1)[0] for i in np.flatnonzero(dataset.groups == group)} == {name}
    assert [notice.code for notice in dataset.notices] == ["data.groups_by_pattern"]


def test_what_does_not_match_is_in_no_group_and_said(patients: Path) -> None:
    dataset = open_data(patients, column_spec=ColumnSpec(group="patient_([0-3])_"))
    assert (dataset.groups == -1).sum() == 8
    assert dataset.notices[-1].fields == {"n": 8}


@pytest.mark.parametrize(
    ("group", "words"),
    [("pat(", "regular expression"), ("(scan)s?", "finds 0 groups"), ("(patient)_", "finds 1 groups")],
)
def test_a_pattern_that_groups_nothing_is_refused(patients: Path, group: str, words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        open_data(patients, column_spec=ColumnSpec(group=group))


def test_folders_have_no_columns(patients: Path) -> None:
    with pytest.raises(ConfigError, match='no column "patient"'):
        open_data(patients, column_spec=ColumnSpec(group="patient"))


@settings(deadline=None)  # the first import of scipy
@given(st.lists(st.tuples(st.integers(0, 6), st.integers(-1, 5)), min_size=1, max_size=30))
def test_joined_groups_hold_both(pairs: list[tuple[int, int]]) -> None:
    first, second = np.array(pairs).T
    first = np.unique(first, return_inverse=True)[1]
    joined = join_groups(first, second)
    for i in range(len(pairs)):
        for j in range(i):
            if first[i] == first[j] or (second[i] == second[j] >= 0):
                assert joined[i] == joined[j]
    if not (second >= 0).any():
        assert joined.tolist() == first.tolist()


@pytest.mark.parametrize(
    ("names", "n"),
    [
        ([f"{'ab'[i % 2]}/Patient {i // 4}-{i}.png" for i in range(40)], 10),
        ([f"{'ab'[i % 2]}/p{i // 4:02d}_{i:04d}.png" for i in range(40)], 10),
        ([f"{'ab'[i % 2]}/clip7{i // 4}-frame{i}.png" for i in range(40)], 10),
        ([f"{'ab'[i // 20]}/IMG_20240131_12{i // 4:02d}{i:02d}.jpg" for i in range(40)], 10),
        ([f"{'ab'[i // 20]}/plot{i // 4}x/{i}.png" for i in range(40)], 10),
        ([f"{'ab'[i % 2]}/{i:04d}.png" for i in range(40)], 0),
        ([f"{'ab'[i % 2]}/{'ab'[i % 2]}_{i}.png" for i in range(40)], 0),
        ([f"{'ab'[i % 2]}/img{i}_{i * 7}.png" for i in range(40)], 0),
    ],
)
def test_groups_are_proposed_from_names(make_dataset, names: list[str], n: int) -> None:
    dataset = make_dataset([b""] * 40, [name.startswith("b") for name in names], names=names)
    proposal = propose_groups(dataset)
    assert (proposal.n if proposal else 0) == n
    if proposal:
        groups = group_by_pattern(dataset, proposal.pattern).groups
        assert groups is not None
        assert len(np.unique(groups)) == n
