from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from discern.errors import RunError
from discern.evaluation.report.stored_images import (
    MAX_BYTES,
    NO_EXAMPLES,
    SIDE,
    VERSIONS,
    AugmentedExamples,
    StoredImages,
    encode_thumbnail,
    load_images,
    sample_augmentations,
    save_images,
    store_images,
)
from discern.preprocess.augment import Augmentation
from tests.evaluation.report.sample_reports import make_predictions

RANDOM = np.random.default_rng(0)


def decode(data: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(data)))


@pytest.mark.parametrize("shape", [(8, 8, 1), (32, 32, 3)])
def test_what_is_tiny_is_stored_to_the_pixel(shape: tuple[int, ...]) -> None:
    pixels = RANDOM.integers(0, 256, shape, dtype=np.uint8)
    assert np.array_equal(decode(encode_thumbnail(pixels)).reshape(shape), pixels)


def test_what_is_large_is_reduced() -> None:
    assert decode(encode_thumbnail(RANDOM.integers(0, 256, (224, 224, 3), dtype=np.uint8))).shape == (SIDE, SIDE, 3)


def test_images_and_examples_come_back_as_they_were(tmp_path: Path) -> None:
    dot, other = (encode_thumbnail(np.full((8, 8, 1), tone, np.uint8)) for tone in (0, 200))
    for stored in (
        StoredImages("test", {7: dot, 3: other}, AugmentedExamples(("水", "b"), ((dot, other), (other, other)))),
        StoredImages("validation", {}),
    ):
        save_images(tmp_path / "images.npz", stored)
        assert load_images(tmp_path / "images.npz") == stored


def test_size_has_a_limit_and_errors_come_first(tmp_path: Path) -> None:
    predictions = make_predictions(tuple(map(str, range(30))), 3000, sharp=1.0)
    pixels = RANDOM.integers(0, 256, (1, SIDE, SIDE, 3), dtype=np.uint8)
    store_images(tmp_path / "images.npz", "test", predictions, pixels, np.zeros(3000, np.int64), NO_EXAMPLES)
    stored = load_images(tmp_path / "images.npz")
    assert stored is not None
    assert sum(map(len, stored.images.values())) <= MAX_BYTES
    assert len(stored.images) > 100
    assert not predictions.correct[next(iter(stored.images))]


def test_no_file_is_none(tmp_path: Path) -> None:
    assert load_images(tmp_path / "images.npz") is None


@pytest.mark.parametrize("damage", ["text", "cut", "pickle", "ends"])
def test_damage_has_a_remedy(tmp_path: Path, damage: str) -> None:
    path = tmp_path / "images.npz"
    save_images(path, StoredImages("test", {0: encode_thumbnail(np.zeros((8, 8, 1), np.uint8))}))
    if damage == "text":
        path.write_text("no zip")
    elif damage == "cut":
        path.write_bytes(path.read_bytes()[:300])
    else:
        arrays = dict(np.load(path))
        arrays["images_ends"] = np.array([{}], dtype=object) if damage == "pickle" else np.array([10**9])
        np.savez(path, **arrays)
    with pytest.raises(RunError, match="move it away"):
        load_images(path)


def test_examples_are_an_image_and_its_versions() -> None:
    pixels = RANDOM.integers(0, 256, (20, 32, 32, 3), dtype=np.uint8)
    labels = np.arange(20) % 3
    augmentation = Augmentation(flip=True, translate=0.2, color_jitter=0.4)
    examples = sample_augmentations(pixels, labels, np.arange(5, 20), ("a", "b", "c"), augmentation, seed=1)
    assert examples == sample_augmentations(pixels, labels, np.arange(5, 20), ("a", "b", "c"), augmentation, seed=1)
    assert set(examples.classes) == {"a", "b", "c"}
    for name, row in zip(examples.classes, examples.images, strict=True):
        first = decode(row[0])
        assert any(np.array_equal(first, image) for image in pixels[5:][labels[5:] == "abc".index(name)])
        assert len(row) == 1 + VERSIONS
        assert all(not np.array_equal(decode(version), first) for version in row[1:])


def test_nothing_changed_is_nothing_shown() -> None:
    pixels = RANDOM.integers(0, 256, (20, 8, 8, 1), dtype=np.uint8)
    assert sample_augmentations(pixels, np.zeros(20, int), np.arange(20), ("a",), Augmentation(), 0) is NO_EXAMPLES
