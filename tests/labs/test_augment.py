"""Resized and augmented images, and the predictions for them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import discern
from discern.errors import RunError
from discern.labs.augment import AUGMENTATIONS, run

DISC = np.hypot(*np.mgrid[-40:40, -80:80]) < 30  # (80, 160): a circle in a wide image


def extent(pixels: np.ndarray) -> tuple[int, int]:
    """Return height and width of the white area."""
    white = pixels[..., 0] > 127
    return int(white.any(axis=1).sum()), int(white.any(axis=0).sum())


def test_only_stretching_changes_the_form() -> None:
    found = run(np.repeat(DISC[..., None] * 255, 3, axis=2).astype(np.uint8), size=80)
    height, width = extent(found.modes[0].pixels)
    assert height == pytest.approx(2 * width, abs=2)
    for variant in found.modes[1:]:
        height, width = extent(variant.pixels)
        assert height == pytest.approx(width, abs=1), variant.name
    assert "distorts shapes 2.00 times" in found.sentences()[0]


def test_every_augmentation_changes_the_image() -> None:
    found = run(size=48, draws=3)
    assert [variant.name for variant in found.augmented] == [name for name in AUGMENTATIONS for _draw in range(3)]
    assert all(variant.difference > 0 for variant in found.augmented)
    again = run(size=48, draws=3)
    assert all((a.pixels == b.pixels).all() for a, b in zip(found.augmented, again.augmented, strict=True))


def test_an_image_is_mixed_with_another() -> None:
    usual = run(size=48, draws=1)
    again = run(usual.image, size=48, draws=1)
    assert [variant.name for variant in again.augmented] == list(AUGMENTATIONS)
    assert (again.augmented[-1].pixels == usual.augmented[-1].pixels).all()


def test_a_trained_model_predicts_every_variant(tmp_path: Path) -> None:
    discern.train("digits", model="lenet", epochs=1, out=tmp_path / "run")
    found = run(image=np.eye(20, 30, dtype=np.uint8) * 255, model=str(tmp_path / "run"))
    probabilities = [probability for _label, probability in found.modes[0].prediction]
    assert probabilities == sorted(probabilities, reverse=True) and len(probabilities) == 3
    assert found.modes[0].pixels.shape == found.augmented[0].pixels.shape
    assert all(isinstance(row[1], str) for table in found.tables() for row in table.rows)


def test_a_model_that_is_not_there() -> None:
    with pytest.raises(RunError, match="nowhere"):
        run(model="nowhere")
