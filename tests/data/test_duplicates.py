from __future__ import annotations

import dataclasses
import io
import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from discern.data.duplicates import find_duplicates
from discern.data.hash_search import count_ones
from discern.data.open import open_data
from discern.data.scan import ImageStats, scan_images


def altered(image: Image.Image, how: str) -> bytes:
    target = io.BytesIO()
    if how == "recompressed":
        image.save(target, "JPEG", quality=60)
        return target.getvalue()
    if how == "resized":
        image = image.resize((round(image.width * 0.8), round(image.height * 0.8)), Image.Resampling.BICUBIC)
    elif how == "brighter":
        image = image.point(lambda level: min(255, round(level * 1.05)))
    image.save(target, "PNG", compress_level=1)
    return target.getvalue()


def decoded(file: bytes | np.ndarray) -> Image.Image:
    image = Image.fromarray(file) if isinstance(file, np.ndarray) else Image.open(io.BytesIO(file))
    return image if image.mode in ("L", "RGB") else image.convert("RGB")


def share_found(dataset, how, make_dataset) -> float:
    """The share of images that are grouped with their altered copy."""
    files = [dataset.store.read(index) for index in range(len(dataset))]
    copies = [altered(decoded(file), how) for file in files]
    duplicates = find_duplicates(scan_images(make_dataset(files + copies)))
    assert len(np.unique(duplicates.group[: len(files)])) == len(files)
    return float((duplicates.group[: len(files)] == duplicates.group[len(files) :]).mean())


@pytest.mark.parametrize("how", ["recompressed", "resized", "brighter"])
def test_copies_of_photos_are_found(how, make_dataset, encode, photo):
    dataset = make_dataset([encode(photo(number)) for number in range(40)])
    assert share_found(dataset, how, make_dataset) == 1.0


@pytest.mark.parametrize("how", ["recompressed", "resized", "brighter"])
def test_copies_of_real_photos_are_found(how, make_dataset, shared_data: Path):
    dataset = open_data(shared_data / "hymenoptera")
    some = make_dataset([dataset.store.read(index) for index in range(0, len(dataset), 12)])
    assert share_found(some, how, make_dataset) >= 0.97


def test_identical_files_share_both_groups(make_dataset, encode, photo):
    one, other = encode(photo(1)), encode(photo(2))
    duplicates = find_duplicates(scan_images(make_dataset([one, other, one, encode(photo(1), "JPEG", quality=90)])))
    assert duplicates.exact.tolist() == [0, 1, 0, 2]
    assert duplicates.group.tolist() == [0, 1, 0, 0]


def test_the_same_shape_in_another_colour_is_another_image(make_dataset, encode, photo):
    red, green, blue = photo(1).split()
    duplicates = find_duplicates(
        scan_images(make_dataset([encode(Image.merge("RGB", (red, green, blue))), encode(red)]))
    )
    assert duplicates.group.tolist() == [0, 1]


def test_broken_images_are_alone(make_dataset):
    duplicates = find_duplicates(scan_images(make_dataset([b"", b"", b"no"])))
    assert duplicates.group.tolist() == [0, 1, 2]


def test_no_images():
    duplicates = find_duplicates(ImageStats.blank(0))
    assert duplicates.group.shape == (0,)


def test_different_handwritten_digits_are_not_copies():
    duplicates = find_duplicates(scan_images(open_data("digits")))
    assert len(np.unique(duplicates.group)) == 1797


@pytest.mark.slow
def test_seventy_thousand_handwritten_digits_are_not_copies(shared_data: Path):
    stats = scan_images(open_data(shared_data / "mnist"))
    start = time.perf_counter()
    duplicates = find_duplicates(stats)
    assert time.perf_counter() - start < 30
    assert len(np.unique(duplicates.group)) == 70_000


def test_frames_of_a_turning_fruit_do_not_chain(shared_data: Path):
    dataset = open_data(shared_data / "fruit")
    duplicates = find_duplicates(scan_images(dataset))
    for label in range(len(dataset.classes)):
        sizes = np.bincount(duplicates.group[dataset.labels == label])
        assert sizes.max() <= 8
        assert (sizes > 0).sum() >= 20


def test_a_chain_is_cut_and_a_cluster_is_not(make_dataset, encode, photo):
    a, b = np.asarray(photo(1), np.float32), np.asarray(photo(2), np.float32)
    frames = [Image.fromarray((a * (1 - t) + b * t).astype(np.uint8)) for t in np.linspace(0, 1, 60)]
    chain = np.bincount(find_duplicates(scan_images(make_dataset([encode(frame) for frame in frames]))).group)
    assert chain.max() <= 30
    qualities = [encode(photo(1), "JPEG", quality=quality) for quality in range(60, 100, 2)]
    assert find_duplicates(scan_images(make_dataset(qualities))).group.max() == 0


def test_many_images_with_few_hashes_stay_feasible():
    """Overfull buckets: the cap on neighbours holds the work down."""
    random = np.random.default_rng(0)
    n = 20_000
    stats = dataclasses.replace(
        ImageStats.blank(n),
        digest=random.integers(0, 256, (n, 16), dtype=np.uint8),
        phash=random.integers(0, 2**63, 10, dtype=np.uint64)[random.integers(0, 10, n)],
        thumbnail=random.integers(0, 256, (n, 16, 16), dtype=np.uint8),
    )
    start = time.perf_counter()
    duplicates = find_duplicates(stats)
    assert time.perf_counter() - start < 20
    assert len(np.unique(duplicates.group)) == n


@given(st.lists(st.integers(0, 2**64 - 1), min_size=1, max_size=20))
def test_bit_count(words):
    assert count_ones(np.array(words, dtype=np.uint64)).tolist() == [word.bit_count() for word in words]
