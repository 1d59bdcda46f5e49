"""How alike two images are, judged on their thumbnails: copies, copies that are turned or recolored, or neither."""

from __future__ import annotations

import functools

import numpy as np

from discern.data.hash_search import count_ones
from discern.data.scan import ImageStats

LIMIT = 0.014  # see `measure_dissimilarity`
_FLAT = 2.0  # gray levels of deviation under which an image has nothing to correlate
_PEAK, _PEAK_OVER_RMS = 6.0, 8.0  # gray levels, and times the residual: see `_differ_in_a_spot`
_SPOT_CORRELATION = 0.5  # images that correlate less differ all over
_MAX_FLAT, _MIN_SIDE = 0.5, 16  # see `are_photos`
_FEW_BITS, _FEW_BITS_CORRELATION, _SAME_PHOTO_CORRELATION = 2, 0.85, 0.98  # see `are_same_photo`
_LOW = 11  # frequencies along a side of which `compute_pose_hash` looks at half: 64 bits


def measure_dissimilarity(stats: ImageStats, left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Measure how little two thumbnails correlate, on the scale of what is not background.

    One minus the correlation of the 16 x 16 gray thumbnails, divided by the fraction of the image that is not flat: two
    strokes on a black page correlate well whatever they say. Measured: pairs of different handwritten digits start at
    0.016 (8 x 8 digits) and 0.025 (MNIST, all 2.4 billion pairs of 70,000); recompression at quality 60 gives 0.016 and
    less, on photos 0.002; what lies below 0.04 in CIFAR-10 is the same photo again. Hence `LIMIT`.

    ``left`` and ``right`` are positions of the images, int64 (P,). Returns float64 (P,), 0 for the same image; infinite
    where color, brightness, contrast or a single spot tells the two apart.
    """
    return _compare(stats, left, right, _thumbnails(stats, right))


def are_photos(stats: ImageStats) -> np.ndarray:
    """Return which images have so much in them that looser rules hold: bool (N,).

    At most half of a photo lies within 4 levels of one gray level (CIFAR-10: 0.59 in the flattest of a hundred, 0.13 in
    the median), of a handwritten digit 0.6 and more. Below 16 pixels a side there is too little to hash.
    """
    is_large = np.minimum(stats.width, stats.height) >= _MIN_SIDE
    photos: np.ndarray = (stats.problem == 0) & (stats.flat <= _MAX_FLAT) & is_large & (stats.deviation >= 4 * _FLAT)
    return photos


def are_same_photo(stats: ImageStats, left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Return which pairs of `are_photos` are one photo, shifted by a hundredth of its side or recolored: bool (P,).

    Of CIFAR-10 136 pairs differ in at most 2 of 64 bits of the hash, all of one photo; their thumbnails correlate at
    0.86 and more. With more bits different the correlation must be higher: two fields of blood cells reach 0.977.
    Color, brightness and contrast may differ, a single spot may not.
    """
    bits = count_ones(stats.phash[left] ^ stats.phash[right])
    one, other = _thumbnails(stats, left), _thumbnails(stats, right)
    correlation = _correlate(one, other)[0]
    same = correlation >= np.where(bits <= _FEW_BITS, _FEW_BITS_CORRELATION, _SAME_PHOTO_CORRELATION)
    same[same] = ~_differ_in_a_spot(one[same], other[same])
    return same


def may_be_turned(stats: ImageStats, left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Return which pairs agree in what turning leaves as it is, color, contrast and flat part: bool (P,)."""
    color = np.abs(stats.mean_color[left].astype(np.int16) - stats.mean_color[right]).max(axis=1)
    one, other = stats.deviation[left], stats.deviation[right]
    alike: np.ndarray = (color <= 12) & (np.abs(one - other) <= 0.1 * one + _FLAT)
    return alike & (np.abs(stats.flat[left] - stats.flat[right]) <= 0.1)


def measure_turned(stats: ImageStats, left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Measure as `measure_dissimilarity` does, with the other image mirrored and turned as fits best: float64 (P,)."""
    other = _thumbnails(stats, right)
    turned = [np.rot90(image, k, axes=(1, 2)) for image in (other, other[:, :, ::-1]) for k in range(4)]
    return np.min([_compare(stats, left, right, image) for image in turned[1:]], axis=0)


@functools.cache
def _dct_rows() -> np.ndarray:
    frequency, position = np.arange(_LOW)[:, None], np.arange(16)[None, :]
    return np.cos(np.pi * frequency * (2 * position + 1) / 32).astype(np.float32)


def compute_pose_hash(thumbnail: np.ndarray) -> np.ndarray:
    """Compute a 64-bit hash that mirroring and quarter turns leave as it is: uint8 (B, 16, 16) -> uint64 (B,).

    Those change only the signs of frequencies, and exchange horizontal and vertical ones; so the hash says which
    amplitudes, each pair together and weighed by its frequency as natural images ask for, lie above their median.

    Examples
    --------
    >>> image = np.random.default_rng(0).integers(0, 255, (1, 16, 16), np.uint8)
    >>> bool(compute_pose_hash(image)[0] == compute_pose_hash(np.rot90(image, axes=(1, 2)))[0])
    True
    """
    low = _dct_rows() @ thumbnail.astype(np.float32) @ _dct_rows().T  # (B, 16, 16) -> (B, 11, 11)
    rows, columns = np.triu_indices(_LOW)
    rows, columns = rows[1:65], columns[1:65]  # without the mean brightness
    energy = (low[:, rows, columns] ** 2 + low[:, columns, rows] ** 2) * (rows + columns) ** 2
    bits = energy > np.median(energy, axis=1, keepdims=True)
    return np.ascontiguousarray(np.packbits(bits, axis=1)).view(">u8").astype(np.uint64).ravel()


def _thumbnails(stats: ImageStats, indices: np.ndarray) -> np.ndarray:
    return stats.thumbnail[indices].astype(np.float32)


def _compare(stats: ImageStats, left: np.ndarray, right: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Measure the dissimilarity; ``other``, float32 (P, 16, 16), are the thumbnails at ``right``, maybe turned."""
    one = _thumbnails(stats, left)
    brightness = np.abs(one.mean(axis=(1, 2)) - other.mean(axis=(1, 2)))
    correlation, spread_one, spread_other = _correlate(one, other)
    busy = 1 - np.maximum(stats.flat[left], stats.flat[right])
    distance = np.maximum(1 - correlation, 0) / np.maximum(busy, 0.05)
    is_flat = np.maximum(spread_one, spread_other) < _FLAT  # the correlation of two empty pages is that of their noise
    distance[is_flat] = 0
    # A correlation of gray levels sees neither hue nor brightness nor contrast: a red and a green apple, day and dusk.
    hue = stats.mean_color[left].astype(np.float32) - stats.mean_color[right]
    hue -= hue.mean(axis=1, keepdims=True)
    is_different = (
        (np.abs(hue).max(axis=1) > np.where(is_flat, 3, 24))
        | (brightness > np.where(is_flat, 3, 32))
        | (np.maximum(spread_one, spread_other) > 1.6 * np.minimum(spread_one, spread_other) + 2 * _FLAT)
    )
    candidates = np.flatnonzero(~is_different & (is_flat | (correlation >= _SPOT_CORRELATION)))
    is_different[candidates] = _differ_in_a_spot(one[candidates], other[candidates])
    return np.where(is_different, np.inf, distance)


def _correlate(one: np.ndarray, other: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the correlation of thumbnails, float32 (P, 16, 16) each, and their standard deviations: float (P,)."""
    one, other = _center(one), _center(other)
    spread_one = np.sqrt(np.einsum("pt,pt->p", one, one) / 256)
    spread_other = np.sqrt(np.einsum("pt,pt->p", other, other) / 256)
    product = np.einsum("pt,pt->p", one, other).astype(np.float64) / 256
    return product / np.maximum(spread_one * spread_other, 1e-6), spread_one, spread_other


def _center(thumbnails: np.ndarray) -> np.ndarray:
    flat = thumbnails.reshape(len(thumbnails), 256)
    centered: np.ndarray = flat - flat.mean(axis=1, keepdims=True)
    return centered


def _differ_in_a_spot(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Return where two images differ in one spot far more than all over: a good part and a defective one, no copies.

    Brightness and contrast of the thumbnails, float32 (P, 16, 16) each, are fitted to each other. The peak of what is
    left is 3 to 7 times its root mean square in recompressed, resized and brightened photos (99 of 100), and 8 to 16
    times where 9 of 224 pixels are another part: 14 levels and more in a cell of the thumbnail.
    """
    one, other = _center(one), _center(other)
    product, norm = np.einsum("pt,pt->p", one, other), np.einsum("pt,pt->p", one, one)
    residual = other - (product / np.maximum(norm, 1e-4))[:, None] * one
    rms = np.sqrt(np.einsum("pt,pt->p", residual, residual) / 256)
    peak = np.abs(residual).max(axis=1)
    spot: np.ndarray = (peak > _PEAK) & (peak > _PEAK_OVER_RMS * np.maximum(rms, 0.3))
    return spot
