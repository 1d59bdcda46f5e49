"""The squeezed image, and what a trained model says of it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import discern
from discern.errors import RunError
from discern.labs.augment import CHANGES, run

DISC = np.hypot(*np.mgrid[-40:40, -80:80]) < 30  # (80, 160): a circle in a wide image


def extent(pixels: np.ndarray) -> tuple[int, int]:
    """Height and width of what is white."""
    white = pixels[..., 0] > 127
    return int(white.any(axis=1).sum()), int(white.any(axis=0).sum())


def test_only_stretching_changes_the_form() -> None:
    found = run(np.repeat(DISC[..., None] * 255, 3, axis=2).astype(np.uint8), size=80)
    height, width = extent(found.modes[0].pixels)
    assert height == pytest.approx(2 * width, abs=2)
    for look in found.modes[1:]:
        height, width = extent(look.pixels)
        assert height == pytest.approx(width, abs=1), look.name
    assert "squeezed 2.00 times" in found.sentences()[0]


def test_every_augmentation_changes_the_image() -> None:
    found = run(size=48, draws=3)
    assert [look.name for look in found.changes] == [name for name in CHANGES for _draw in range(3)]
    assert all(look.changed > 0 for look in found.changes)
    again = run(size=48, draws=3)
    assert all((a.pixels == b.pixels).all() for a, b in zip(found.changes, again.changes, strict=True))


def test_a_image_is_mixed_with_another() -> None:
    usual = run(size=48, draws=1)
    again = run(usual.image, size=48, draws=1)
    assert [look.name for look in again.changes] == list(CHANGES)
    assert (again.changes[-1].pixels == usual.changes[-1].pixels).all()


def test_a_trained_model_says_what_it_sees(tmp_path: Path) -> None:
    discern.train("digits", model="lenet", epochs=1, out=tmp_path / "run")
    found = run(image=np.eye(20, 30, dtype=np.uint8) * 255, model=str(tmp_path / "run"))
    probabilities = [probability for _label, probability in found.modes[0].answer]
    assert probabilities == sorted(probabilities, reverse=True) and len(probabilities) == 3
    assert found.modes[0].pixels.shape == found.changes[0].pixels.shape
    assert all(isinstance(row[-1], str) and row[-1] != "-" for table in found.tables() for row in table.rows)


def test_a_model_that_is_not_there() -> None:
    with pytest.raises(RunError, match="nowhere"):
        run(model="nowhere")
