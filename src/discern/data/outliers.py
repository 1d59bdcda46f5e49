"""Pictures that stand out from their set: almost one tone, a stand-in for a missing picture, or of an odd size.

Every rule is relative to the rest of the set: an empty page is normal among handwritten digits and a find among photos.
"""

from __future__ import annotations

import re

import numpy as np

from discern.data.dataset import Dataset
from discern.data.near import Near
from discern.data.scan import Facts

_TELLING = re.compile(
    r"not?[-_ ]?(found|image|photo|picture|available)|placeholder|missing|unavailable|blank|dummy|removed|default",
    re.IGNORECASE,
)
_FEW = 5  # pictures under which a set has no "rest" to stand out from


def constant_pictures(facts: Facts) -> np.ndarray:
    """Positions of pictures that are almost one tone.

    Grey levels deviate by less than 2 and 98 % of the picture lies within 4 levels of one tone (the plainest of
    CIFAR-10's 60,000 deviates by 4.1). Where the whole set is that faint (a night sky) only by less than 0.5.
    """
    good = facts.problem == 0
    usual = float(np.median(facts.deviation[good])) if good.any() else 0.0
    limit = 2.0 if usual >= 8 else 0.5
    return np.flatnonzero(good & (facts.deviation < limit) & (facts.flat >= 0.98))


def placeholder_pictures(dataset: Dataset, facts: Facts, near: Near) -> np.ndarray:
    """Positions of pictures that look like "image not found".

    Mostly one tone (80 % of the picture, and 30 points more than is usual in the set), and at least two of: no colour
    where the set has colour, another file format than 9 in 10, a quarter of the usual bytes per pixel, three identical
    copies or more, a telling name. In 60,000 CIFAR-10 photos, MNIST and the course's fruit nothing fits.
    """
    good = facts.problem == 0
    if good.sum() < _FEW:
        return np.zeros(0, dtype=np.int64)
    plain = good & (facts.flat >= np.maximum(0.8, np.median(facts.flat[good]) + 0.3))
    density = facts.size / np.maximum(facts.width.astype(np.float64) * facts.height, 1)
    formats = np.bincount(facts.format[good], minlength=256) / good.sum()
    copies = np.bincount(near.exact)[near.exact]
    signs = (
        ((facts.vivid < 3) & (np.median(facts.vivid[good]) > 10)).astype(int)
        + ((formats[facts.format] < 0.1) & (formats.max() >= 0.9))
        + (density <= np.median(density[good]) / 4)
        + (copies >= 3)
    )
    suspects = np.flatnonzero(plain)
    named = [bool(_TELLING.search(_stem(dataset.store.path(index)))) for index in suspects.tolist()]
    return suspects[signs[suspects] + np.array(named, dtype=int) >= 2]


def _stem(path: str) -> str:
    return path.replace("\\", "/").rsplit("/", 1)[-1].rsplit(".", 1)[0]


def odd_sizes(facts: Facts) -> np.ndarray:
    """Positions of pictures 3 times as elongated as is usual, or 5 times larger or smaller along a side."""
    good = facts.problem == 0
    if good.sum() < _FEW:
        return np.zeros(0, dtype=np.int64)
    width, height = np.maximum(facts.width, 1).astype(np.float64), np.maximum(facts.height, 1).astype(np.float64)
    aspect, side = np.log(width / height), np.log(width * height) / 2
    shape = np.abs(aspect - np.median(aspect[good])) >= np.log(3)
    size = np.abs(side - np.median(side[good])) >= np.log(5)
    return np.flatnonzero(good & (shape | size))
