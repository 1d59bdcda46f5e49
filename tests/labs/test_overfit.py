"""Overfitting can be seen, and the two trainings differ in augmentation alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from discern.errors import DataError
from discern.evaluation.intervals import wilson
from discern.labs.overfit import Overfit, run


@pytest.fixture(scope="module")
def found() -> Overfit:
    return run("digits", "lenet", images=60, held_out=200, epochs=12, batch=20)


def test_few_images_are_learnt_by_heart(found: Overfit) -> None:
    assert len(found.plain.train) == len(found.augmented.held_out) == 12
    assert found.plain.train[-1] > 0.9 and found.plain.gap > 0.1
    assert found.augmented.gap < found.plain.gap


@pytest.mark.parametrize("seed", range(4))
def test_the_lesson_is_seen_on_few_digits(seed: int) -> None:
    found = run("digits", seed=seed)
    assert found.plain.train[-1] > 0.7 and found.plain.gap > 0.25
    assert found.augmented.gap < found.plain.gap


def test_the_lesson_is_seen_on_photographs(shared_data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DISCERN_DATA", str(shared_data))
    found = run()
    assert found.data == "cifar10" and found.n_train == 400
    assert found.plain.train[-1] > 0.75 and found.plain.gap > 0.5
    assert found.plain.interval[0] > 0.1  # surely better than chance
    assert found.augmented.gap < found.plain.gap


def test_the_interval_is_of_the_held_out_images(found: Overfit) -> None:
    assert found.plain.interval == wilson(round(found.plain.held_out[-1] * 200), 200)


def test_the_same_seed_gives_the_same_curves() -> None:
    first, again = (run("digits", "lenet", images=40, held_out=50, epochs=2, seed=3) for _turn in range(2))
    assert first == again


def test_nothing_is_downloaded_unless_it_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DISCERN_DATA", str(tmp_path))
    monkeypatch.setenv("DISCERN_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr("discern.data.builtin.download", lambda *_asked: pytest.fail("a download"))
    assert run(model="lenet", images=20, held_out=20, epochs=1).data == "digits"


def test_too_many_images_are_asked_for() -> None:
    with pytest.raises(DataError, match="digits has 1797 labelled images: ask for fewer"):
        run("digits", "lenet", images=1700, held_out=200)
