from __future__ import annotations

import dataclasses
import io
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw

from discern.data.config import DataConfig
from discern.data.dataset import Split
from discern.data.duplicates import find_duplicates
from discern.data.likeness import LIMIT
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


def changed(image: Image.Image, how: str) -> Image.Image:
    """A copy of a photo as an augmented set holds it."""
    transpose = Image.Transpose
    turns = {
        "mirrored": transpose.FLIP_LEFT_RIGHT,
        "upside down": transpose.FLIP_TOP_BOTTOM,
        "quarter": transpose.ROTATE_90,
    }
    if how in turns:
        return image.transpose(turns[how])
    if how == "turned and mirrored":
        return image.transpose(transpose.TRANSVERSE)
    if how == "shifted":
        return image.crop((1, 0, *image.size))
    return Image.merge("RGB", [image.split()[band].point(lambda level: level * 0.7 + 40 * 0.3) for band in (0, 1, 2)])


@pytest.mark.parametrize("how", ["mirrored", "upside down", "quarter", "turned and mirrored", "shifted", "recolored"])
def test_changed_copies_of_photos_are_found(how, make_dataset, encode, photo):
    photos = [photo(number, blobs=6) for number in range(20)]
    files = [encode(image) for image in photos] + [encode(changed(image, how), "JPEG", quality=85) for image in photos]
    group = find_duplicates(scan_images(make_dataset(files))).group
    assert (group[:20] == group[20:]).mean() >= (0.7 if how == "shifted" else 0.95)
    assert len(np.unique(group[:20])) == 20


def test_drawings_are_not_turned(make_dataset, encode):
    """A six and a nine, a plus and a cross: strokes on a page say another thing the other way round."""
    page = Image.new("L", (64, 64), 255)
    ImageDraw.Draw(page).line([(10, 10), (10, 50), (40, 50)], fill=0, width=5)
    duplicates = find_duplicates(scan_images(make_dataset([encode(page), encode(page.rotate(180))])))
    assert duplicates.group.tolist() == [0, 1]


def frame(scene: Image.Image, seed: int, defect: int = 0) -> Image.Image:
    """A photo of a part under a fixed camera, with noise, and a dark defect of so many pixels."""
    random = np.random.default_rng(seed)
    image = scene.copy()
    if defect:
        x, y = random.integers(60, 150, 2).tolist()
        ImageDraw.Draw(image).ellipse([x, y, x + defect, y + defect], fill=(20, 20, 20))
    noisy = np.asarray(image) + random.normal(0, 3, (224, 224, 3)) + random.normal(0, 2)
    return Image.fromarray(noisy.clip(0, 255).astype(np.uint8))


@pytest.mark.parametrize("defect", [9, 14])
def test_frames_of_a_still_scene_are_no_copies(defect, make_dataset, encode, photo):
    scene = photo(1, (224, 224), 6).point(lambda level: 100 + level // 2)
    frames = [frame(scene, seed, defect * (seed >= 12)) for seed in range(24)]
    dataset = make_dataset([encode(each, "JPEG", quality=92) for each in frames], [0] * 12 + [1] * 12)
    duplicates = find_duplicates(scan_images(dataset), labels=dataset.labels)
    assert len(np.unique(duplicates.group)) >= 20
    assert set(duplicates.still) >= set(range(12))
    together = find_duplicates(scan_images(dataset)).group  # without classes they are only alike
    assert not set(together[:12]) & set(together[12:])


def test_few_copies_in_a_large_class_are_copies(make_dataset, encode, photo):
    files = [encode(photo(number)) for number in range(20)]
    files += [encode(photo(0), "JPEG", quality=quality) for quality in (60, 75, 90)]
    duplicates = find_duplicates(scan_images(make_dataset(files)), labels=np.zeros(23, np.int32))
    assert duplicates.group[[0, 20, 21, 22]].tolist() == [0] * 4
    assert not len(duplicates.still)


def test_the_setting_says_what_counts(make_dataset, encode, photo):
    one, alike = encode(photo(1)), encode(photo(1), "JPEG", quality=90)
    stats = scan_images(make_dataset([one, one, alike]))
    found = {method: find_duplicates(stats, method=method).group.tolist() for method in ("near", "exact", "off")}
    assert found == {"near": [0, 0, 0], "exact": [0, 0, 1], "off": [0, 1, 2]}
    assert find_duplicates(stats, limit=0.0).group.tolist() == [0, 0, 1]


def test_the_threshold_is_the_measured_one():
    assert DataConfig().duplicate_threshold == LIMIT


def test_real_photos_and_cells_have_no_false_copies(shared_data: Path):
    for name in ("hymenoptera", "cells"):
        dataset = open_data(shared_data / name)
        assert len(np.unique(find_duplicates(scan_images(dataset), labels=dataset.labels).group)) == len(dataset)


@pytest.mark.slow
def test_the_copies_in_cifar10_are_found(shared_data: Path):
    dataset = open_data(shared_data / "cifar10")
    group = find_duplicates(scan_images(dataset), labels=dataset.labels).group
    is_train, is_test = dataset.given_split == Split.TRAIN, dataset.given_split == Split.TEST
    assert np.isin(group[is_test], group[is_train]).sum() >= 42
    pairs = np.unique(np.stack([group, dataset.labels]), axis=1)
    assert pairs.shape[1] == len(np.unique(group))  # every group is of one class
