from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from discern.errors import RunError
from discern.evaluation.report.kept import (
    MOST_BYTES,
    NO_SAMPLES,
    SIDE,
    VERSIONS,
    Kept,
    Samples,
    augmented,
    encoded,
    keep,
    load_kept,
    save_kept,
)
from discern.preprocess.augment import Augmentation
from tests.evaluation.report.made import predicted

RANDOM = np.random.default_rng(0)


def opened(data: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(data)))


@pytest.mark.parametrize("shape", [(8, 8, 1), (32, 32, 3)])
def test_what_is_tiny_is_kept_to_the_pixel(shape: tuple[int, ...]) -> None:
    pixels = RANDOM.integers(0, 256, shape, dtype=np.uint8)
    assert np.array_equal(opened(encoded(pixels)).reshape(shape), pixels)


def test_what_is_large_is_small_afterwards() -> None:
    assert opened(encoded(RANDOM.integers(0, 256, (224, 224, 3), dtype=np.uint8))).shape == (SIDE, SIDE, 3)


def test_pictures_and_samples_come_back_as_they_were(tmp_path: Path) -> None:
    dot, other = (encoded(np.full((8, 8, 1), tone, np.uint8)) for tone in (0, 200))
    for kept in (
        Kept("test", {7: dot, 3: other}, Samples(("水", "b"), ((dot, other), (other, other)))),
        Kept("validation", {}),
    ):
        save_kept(tmp_path / "pictures.npz", kept)
        assert load_kept(tmp_path / "pictures.npz") == kept


def test_size_has_a_limit_and_mistakes_come_first(tmp_path: Path) -> None:
    some = predicted(tuple(map(str, range(30))), 3000, sharp=1.0)
    pixels = RANDOM.integers(0, 256, (1, SIDE, SIDE, 3), dtype=np.uint8)
    keep(tmp_path / "pictures.npz", "test", some, pixels, np.zeros(3000, np.int64), NO_SAMPLES)
    kept = load_kept(tmp_path / "pictures.npz")
    assert kept is not None
    assert sum(map(len, kept.pictures.values())) <= MOST_BYTES
    assert len(kept.pictures) > 100
    assert not some.correct[next(iter(kept.pictures))]


def test_none_was_kept(tmp_path: Path) -> None:
    assert load_kept(tmp_path / "pictures.npz") is None


@pytest.mark.parametrize("damage", ["text", "cut", "pickle", "ends"])
def test_damage_is_said_with_its_remedy(tmp_path: Path, damage: str) -> None:
    path = tmp_path / "pictures.npz"
    save_kept(path, Kept("test", {0: encoded(np.zeros((8, 8, 1), np.uint8))}))
    if damage == "text":
        path.write_text("no zip")
    elif damage == "cut":
        path.write_bytes(path.read_bytes()[:300])
    else:
        arrays = dict(np.load(path))
        arrays["pictures_ends"] = np.array([{}], dtype=object) if damage == "pickle" else np.array([10**9])
        np.savez(path, **arrays)
    with pytest.raises(RunError, match="delete it"):
        load_kept(path)


def test_samples_are_a_picture_and_its_versions() -> None:
    pixels = RANDOM.integers(0, 256, (20, 32, 32, 3), dtype=np.uint8)
    labels = np.arange(20) % 3
    settings = Augmentation(flip=True, shift=0.2, jitter=0.4)
    found = augmented(pixels, labels, np.arange(5, 20), ("a", "b", "c"), settings, seed=1)
    assert found == augmented(pixels, labels, np.arange(5, 20), ("a", "b", "c"), settings, seed=1)
    assert set(found.classes) == {"a", "b", "c"}
    for name, row in zip(found.classes, found.pictures, strict=True):
        first = opened(row[0])
        assert any(np.array_equal(first, picture) for picture in pixels[5:][labels[5:] == "abc".index(name)])
        assert len(row) == 1 + VERSIONS
        assert all(not np.array_equal(opened(version), first) for version in row[1:])


def test_nothing_changed_is_nothing_shown() -> None:
    pixels = RANDOM.integers(0, 256, (20, 8, 8, 1), dtype=np.uint8)
    assert augmented(pixels, np.zeros(20, int), np.arange(20), ("a",), Augmentation(), 0) is NO_SAMPLES
