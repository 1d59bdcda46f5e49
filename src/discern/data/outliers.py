"""Images that stand out from their set: nearly uniform, a placeholder for a missing image, or of an odd size.

Every rule is relative to the rest of the set: an empty page is normal among handwritten digits and a find among photos.
"""

from __future__ import annotations

import re

import numpy as np

from discern.data.dataset import Dataset
from discern.data.duplicates import DuplicateGroups
from discern.data.likeness import are_photos
from discern.data.scan import ImageStats

_PLACEHOLDER_NAME = re.compile(
    r"not?[-_ ]?(found|image|photo|picture|available)|placeholder|missing|unavailable|blank|dummy|removed|default",
    re.IGNORECASE,
)
_MIN_IMAGES = 5  # below that a set has no "rest" to stand out from
_LONG = 2.0  # times as long as wide: a square in the middle hides half of it and more
_MANY_LONG, _MOSTLY_LONG = 0.1, 0.5  # fraction of all images, and of a class, from which on it matters
_ROTATED = 0.2  # fraction of images with some empty corners


def find_constant(stats: ImageStats) -> np.ndarray:
    """Find images that are nearly uniform: int64 positions.

    Gray levels deviate by less than 2 and 98 % of the image lies within 4 levels of one tone (the plainest of
    CIFAR-10's 60,000 deviates by 4.1). Where the whole set is that faint (a night sky) only by less than 0.5.
    """
    good = stats.problem == 0
    median = float(np.median(stats.deviation[good])) if good.any() else 0.0
    limit = 2.0 if median >= 8 else 0.5
    return np.flatnonzero(good & (stats.deviation < limit) & (stats.flat >= 0.98))


def find_placeholders(dataset: Dataset, stats: ImageStats, duplicates: DuplicateGroups) -> np.ndarray:
    """Find images that look like "image not found": int64 positions.

    Mostly one tone (80 % of the image, and 30 points above the median of the set), and at least two of: no color where
    the set has color, another file format than 9 in 10, a quarter of the median bytes per pixel, three identical
    copies or more, a name that says so. In 60,000 CIFAR-10 photos, MNIST and the course's fruit nothing fits.
    """
    good = stats.problem == 0
    if good.sum() < _MIN_IMAGES:
        return np.zeros(0, dtype=np.int64)
    is_plain = good & (stats.flat >= np.maximum(0.8, np.median(stats.flat[good]) + 0.3))
    density = stats.size / np.maximum(stats.width.astype(np.float64) * stats.height, 1)  # bytes per pixel
    formats = np.bincount(stats.format[good], minlength=256) / good.sum()
    copies = np.bincount(duplicates.exact)[duplicates.exact]
    signs = (
        ((stats.colorfulness < 3) & (np.median(stats.colorfulness[good]) > 10)).astype(int)
        + ((formats[stats.format] < 0.1) & (formats.max() >= 0.9))
        + (density <= np.median(density[good]) / 4)
        + (copies >= 3)
    )
    suspects = np.flatnonzero(is_plain)
    named = [bool(_PLACEHOLDER_NAME.search(_stem(dataset.store.path(index)))) for index in suspects.tolist()]
    return suspects[signs[suspects] + np.array(named, dtype=int) >= 2]


def _stem(path: str) -> str:
    return path.replace("\\", "/").rsplit("/", 1)[-1].rsplit(".", 1)[0]


def find_odd_sizes(stats: ImageStats) -> np.ndarray:
    """Find images 3 times as elongated as the median, or 5 times larger or smaller along a side: int64 positions."""
    good = stats.problem == 0
    if good.sum() < _MIN_IMAGES:
        return np.zeros(0, dtype=np.int64)
    width, height = np.maximum(stats.width, 1).astype(np.float64), np.maximum(stats.height, 1).astype(np.float64)
    aspect, side = np.log(width / height), np.log(width * height) / 2
    odd_shape = np.abs(aspect - np.median(aspect[good])) >= np.log(3)
    odd_size = np.abs(side - np.median(side[good])) >= np.log(5)
    return np.flatnonzero(good & (odd_shape | odd_size))


def find_long(stats: ImageStats) -> np.ndarray:
    """Find images of which a square cut out of the middle hides half or more: int64 positions."""
    longer, shorter = np.maximum(stats.width, stats.height), np.minimum(stats.width, stats.height)
    return np.flatnonzero((stats.problem == 0) & (longer >= _LONG * shorter))


def measure_hidden(stats: ImageStats, indices: np.ndarray) -> float:
    """Measure which fraction of some images, in the median, a square cut out of the middle hides."""
    longer, shorter = np.maximum(stats.width, stats.height), np.minimum(stats.width, stats.height)
    return float(np.median(1 - shorter[indices] / longer[indices]))


def are_many_long(dataset: Dataset, stats: ImageStats) -> bool:
    """Return whether a tenth of the images, or half of a class, is too long to be cut to a square."""
    good = stats.problem == 0
    is_long = np.zeros(len(stats), dtype=bool)
    is_long[find_long(stats)] = True
    if is_long.sum() >= _MANY_LONG * max(1, good.sum()):
        return bool(is_long.any())
    labeled = good & (dataset.labels >= 0)
    per_class = np.bincount(dataset.labels[labeled], minlength=1)
    return bool(
        (np.bincount(dataset.labels[labeled], is_long[labeled]) >= _MOSTLY_LONG * np.maximum(per_class, 1)).any()
    )


def find_rotated(stats: ImageStats) -> np.ndarray:
    """Find photos with some empty black corners, where these are many and differ, as rotation leaves them: int64.

    A round field of view (a microscope, an endoscope) leaves all four corners black in every image.
    """
    corners = stats.thumbnail[:, [0, 0, -1, -1], [0, -1, 0, -1]] <= 2  # (N, 16, 16) -> (N, 4)
    pattern = corners @ np.array([1, 2, 4, 8])
    photos = are_photos(stats)
    rotated = photos & (pattern > 0) & (pattern < 15)
    if rotated.sum() < max(_MIN_IMAGES, _ROTATED * photos.sum()) or len(np.unique(pattern[rotated])) < 4:
        return np.zeros(0, dtype=np.int64)
    return np.flatnonzero(rotated)
