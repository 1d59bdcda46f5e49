"""Data made ready: what `discern data` answers about, and what training refuses."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from discern.data.config import DataConfig
from discern.errors import DataError
from discern.progress import NullReporter
from discern.runs.prepare import Prepared, prepare, prepare_to_train


def draw(root: Path, counts: dict[str, int]) -> Path:
    """Write images that are all different: so many into each folder."""
    random = np.random.default_rng(0)
    for folder, count in counts.items():
        (root / folder).mkdir(parents=True, exist_ok=True)
        for number in range(count):
            pixels = random.integers(0, 256, (24, 24, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(root / folder / f"{number}.png")
    return root


def look(root: Path, **settings: int) -> Prepared:
    return prepare(str(root), 0, DataConfig(**settings), NullReporter())


def refused(root: Path) -> str:
    with pytest.raises(DataError) as caught:
        prepare_to_train(str(root), 0, DataConfig(), NullReporter())
    return str(caught.value)


def untrained(prepared: Prepared) -> list[list[str]]:
    return [notice.fields["names"] for notice in prepared.notices if notice.code == "split.untrained_classes"]


def test_a_class_of_broken_files_is_a_finding_and_no_training(tmp_path: Path) -> None:
    root = draw(tmp_path, {"ant": 5, "bee": 5, "cat": 0})
    for number in range(5):
        (root / "cat" / f"{number}.png").write_bytes(b"broken")
    prepared = look(root)
    assert prepared.audit.findings[-1].count and prepared.audit.select("unusable_class")[0].count == 1
    assert prepared.summarize().classes["cat"] == 5
    assert "Class cat has no usable examples left (cat/0.png: not an image)" in refused(root)


def test_nothing_usable_at_all_is_answered(tmp_path: Path) -> None:
    for name in ("a/1.png", "b/2.png"):
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).write_bytes(b"broken")
    assert look(tmp_path).summarize().to_json()["n_excluded"] == 2


def test_one_class_is_answered_and_no_training(tmp_path: Path) -> None:
    root = draw(tmp_path, {"cat": 6})
    assert look(root).summarize().classes == {"cat": 6}
    assert "has only one class to train (cat)" in refused(root)


def test_a_class_that_only_the_test_split_has_is_named(tmp_path: Path) -> None:
    prepared = look(draw(tmp_path, {"train/ant": 6, "train/bee": 6, "test/ant": 4, "test/Bee": 4}))
    assert untrained(prepared) == [["Bee"]]
    assert "split.small_classes" not in {notice.code for notice in prepared.notices}


def test_a_class_that_the_limit_removes_is_named(tmp_path: Path) -> None:
    root = draw(tmp_path, {"ant": 40, "bee": 30, "cat": 5})
    assert untrained(look(root)) == [] and untrained(look(root, train_limit=4)) == [["cat"]]


def test_classes_used_for_training_alone_are_just_that(tmp_path: Path) -> None:
    prepared = look(draw(tmp_path, {"ant": 9, "bee": 9, "cat": 2}))
    assert [notice.fields["names"] for notice in prepared.notices if notice.code == "split.small_classes"] == [["cat"]]
    assert prepared.dataset.counts(prepared.split.train)["cat"] == 2
