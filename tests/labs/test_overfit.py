"""Overfitting can be seen, and the two trainings differ in augmentation alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from discern.errors import DataError
from discern.evaluation.intervals import wilson
from discern.labs.overfit import Overfit, run


@pytest.fixture(scope="module")
def found() -> Overfit:
    return run("digits", "lenet", images=60, held_out=200, epochs=12, batch_size=20, lr=0.004)


def test_few_images_are_memorized(found: Overfit) -> None:
    assert len(found.plain.train) == len(found.augmented.held_out) == 12
    assert found.plain.train[-1] > 0.9 and found.plain.gap > 0.1
    assert found.augmented.gap < found.plain.gap


@pytest.mark.parametrize("seed", range(5))
def test_the_defaults_overfit_on_photographs(seed: int, shared_data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DISCERN_DATA", str(shared_data))
    result = run(seed=seed)
    assert result.data == "cifar10" and result.n_train == 200
    assert result.plain.train[-1] > 0.9 and result.plain.gap > 0.6
    assert result.plain.interval[0] > 0.15  # chance is 0.1
    assert result.augmented.gap < result.plain.gap / 2


@pytest.mark.parametrize("seed", range(5))
def test_the_defaults_overfit_on_digits(seed: int) -> None:
    result = run("digits", seed=seed)
    assert result.n_train == 40 and result.plain.train[-1] > 0.95
    assert result.plain.gap > 0.1 and result.plain.interval[0] > 0.5
    assert result.augmented.gap < result.plain.gap


def test_the_interval_is_of_the_held_out_images(found: Overfit) -> None:
    assert found.plain.interval == wilson(round(found.plain.held_out[-1] * 200), 200)


def test_the_same_seed_gives_the_same_curves() -> None:
    first, again = (run("digits", "lenet", images=40, held_out=50, epochs=2, seed=3) for _repeat in range(2))
    assert first == again


def test_nothing_is_downloaded_unless_it_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DISCERN_DATA", str(tmp_path))
    monkeypatch.setenv("DISCERN_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr("discern.data.builtin.download", lambda *_arguments: pytest.fail("a download"))
    assert run(model="lenet", images=20, held_out=20, epochs=1).data == "digits"


def test_too_many_images() -> None:
    with pytest.raises(DataError, match="digits has 1797 labeled images: use fewer"):
        run("digits", "lenet", images=1700, held_out=200)
