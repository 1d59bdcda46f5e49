"""Which images are duplicates: byte for byte, or recompressed, resized, slightly brightened.

Candidates share most of their perceptual hash; each is confirmed on the two thumbnails. All of it is sorting and
arithmetic on whole columns: 70,000 handwritten digits, the hardest case because they look alike, take 2 s on one core.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from discern.data.scan import ImageStats
from discern.i18n import _
from discern.progress import Progress, ignore_progress

HAMMING = 6  # hash bits that may differ. Copies at JPEG quality 60, 80 % size or +5 % brightness: 99.5 % within 6
LIMIT = 0.014  # see `measure_dissimilarity`
_BANDS = ((0, 11), (11, 11), (22, 11), (33, 11), (44, 10), (54, 10))  # (first bit, bits)
_NEIGHBORS = 64  # compared in a bucket after sorting: caps the work where thousands share a key
_CHUNK = 1 << 16  # pairs confirmed at a time: 128 MB
_FLAT = 2.0  # gray levels of deviation under which an image has nothing to correlate


@dataclass(frozen=True, eq=False)
class DuplicateGroups:
    """Groups of duplicates, numbered by their first image; an image without any is a group of its own."""

    exact: np.ndarray  # int64 (N,); equal numbers: the same bytes
    group: np.ndarray  # int64 (N,); equal numbers: exact or near duplicates. Every exact group lies within one


def find_duplicates(stats: ImageStats, progress: Progress = ignore_progress) -> DuplicateGroups:
    """Group exact and near duplicates; a broken image is a group of its own."""
    good = np.flatnonzero(stats.problem == 0)
    digests = np.ascontiguousarray(stats.digest[good]).view("V16").ravel()
    _values, first, inverse = np.unique(digests, return_index=True, return_inverse=True)
    exact = np.arange(len(stats), dtype=np.int64)
    exact[good] = good[first][inverse]
    # From here on one file stands for all that are identical with it: a million copies of one image would be half a
    # billion pairs to confirm.
    unique = good[first]
    left, right, distance = _find_pairs(stats, unique, progress)
    head = _group_pairs(stats, unique, left, right, distance)
    group = np.arange(len(stats), dtype=np.int64)
    group[unique] = unique[head]
    return DuplicateGroups(exact=_renumber(exact), group=_renumber(group[exact]))


def _renumber(group: np.ndarray) -> np.ndarray:
    """Number groups 0, 1, 2 ... in the order of their first member."""
    _values, first, inverse = np.unique(group, return_index=True, return_inverse=True)
    rank = np.empty(len(first), dtype=np.int64)
    rank[np.argsort(first)] = np.arange(len(first))
    return rank[inverse]


def _find_pairs(stats: ImageStats, unique: np.ndarray, progress: Progress) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the pairs of duplicates as positions in ``unique``, and their dissimilarity.

    Multi-index hashing (Norouzi et al., "Fast Search in Hamming Space with Multi-Index Hashing", 2012). Comparing all
    pairs would take N² / 2 steps. But of six bands of bits at least two are untouched by four differing bits, and
    mostly by six: whoever sorts by two bands, for each of the 15 choices of two, finds similar hashes side by side.
    """
    hashes = stats.phash[unique]
    passes = list(itertools.combinations(range(len(_BANDS)), 2))
    confirmed = [np.zeros((3, 0))]
    for done, bands in enumerate(passes):
        progress(_("comparing the images"), done, len(passes))
        for left, right in _find_candidates(hashes, bands):
            confirmed += _confirm(stats, unique, left, right)
    progress(_("comparing the images"), len(passes), len(passes))
    pairs = np.concatenate(confirmed, axis=1)
    return pairs[0].astype(np.int64), pairs[1].astype(np.int64), pairs[2]


def _extract_band(words: np.ndarray, number: int) -> np.ndarray:
    start, bits = _BANDS[number]
    return (words >> np.uint64(start)) & np.uint64((1 << bits) - 1)


def _find_candidates(hashes: np.ndarray, bands: tuple[int, int]) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield positions of pairs that agree in two bands and differ in at most `HAMMING` bits, some thousands at a time.

    A pair that agrees in earlier bands as well was found there and is not repeated.
    """
    first, second = bands
    keys = (_extract_band(hashes, first) << np.uint64(11)) | _extract_band(hashes, second)
    order = np.lexsort((hashes, keys))
    keys, hashes = keys[order], hashes[order]
    # Equal keys now lie side by side. Instead of every pair in a bucket, each is compared with its next, its second
    # next ... up to the 64th neighbor: one operation on the whole column each, and linear in N however large a bucket.
    for shift in range(1, min(_NEIGHBORS, len(keys) - 1) + 1):
        here = np.flatnonzero(keys[shift:] == keys[:-shift])
        if not len(here):
            break
        differing = hashes[here] ^ hashes[here + shift]
        is_new = _count_ones(differing) <= HAMMING
        for number in range(second):
            is_new &= (_extract_band(differing, number) != 0) | (number == first)
        here = here[is_new]
        yield order[here], order[here + shift]


def _count_ones(words: np.ndarray) -> np.ndarray:
    """Count the bits set in each uint64 (Warren, "Hacker's Delight", 5-1); NumPy before 2 has no ``bitwise_count``."""
    u = np.uint64
    words = words - ((words >> u(1)) & u(0x5555555555555555))
    words = (words & u(0x3333333333333333)) + ((words >> u(2)) & u(0x3333333333333333))
    words = (words + (words >> u(4))) & u(0x0F0F0F0F0F0F0F0F)
    return (words * u(0x0101010101010101)) >> u(56)


def _confirm(stats: ImageStats, unique: np.ndarray, left: np.ndarray, right: np.ndarray) -> Iterator[np.ndarray]:
    """Yield left, right and dissimilarity of those candidate pairs that are duplicates: (3, pairs) at a time."""
    for start in range(0, len(left), _CHUNK):
        one, other = left[start : start + _CHUNK], right[start : start + _CHUNK]
        distance = measure_dissimilarity(stats, unique[one], unique[other])
        close = distance <= LIMIT
        yield np.stack([one[close], other[close], distance[close]])


def measure_dissimilarity(stats: ImageStats, left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Measure how little two thumbnails correlate, on the scale of what is not background.

    One minus the correlation of the 16 x 16 gray thumbnails, divided by the fraction of the image that is not flat: two
    strokes on a black page correlate well whatever they say. Measured: pairs of different handwritten digits start at
    0.016 (8 x 8 digits) and 0.025 (MNIST, all 2.4 billion pairs of 70,000); recompression at quality 60 gives 0.016 and
    less, on photos 0.002; what lies below 0.04 in CIFAR-10 is the same photo again. Hence `LIMIT`.

    ``left`` and ``right`` are positions of the images, int64 (P,). Returns float64 (P,), 0 for the same image; infinite
    where color, brightness or contrast tells the two apart.
    """
    one = stats.thumbnail[left].reshape(len(left), 256).astype(np.float32)
    other = stats.thumbnail[right].reshape(len(right), 256).astype(np.float32)
    mean_one, mean_other = one.mean(axis=1, keepdims=True), other.mean(axis=1, keepdims=True)
    one -= mean_one
    other -= mean_other
    brightness = np.abs(mean_one - mean_other)[:, 0]
    spread_one = np.sqrt(np.einsum("pt,pt->p", one, one) / 256)
    spread_other = np.sqrt(np.einsum("pt,pt->p", other, other) / 256)
    product = np.einsum("pt,pt->p", one, other).astype(np.float64) / 256
    correlation = product / np.maximum(spread_one * spread_other, 1e-6)
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
    return np.where(is_different, np.inf, distance)


def _group_pairs(
    stats: ImageStats, unique: np.ndarray, left: np.ndarray, right: np.ndarray, distance: np.ndarray
) -> np.ndarray:
    """Return, for every position in ``unique``, the position of the image that heads its group.

    Connected pairs make a group only if one member is a duplicate of all the others. Frames of a turning object are
    pairwise close and chain up to a whole class; such a chain is cut at half the limit, again and again, into frames
    that differ in nothing.
    """
    from scipy.sparse import coo_matrix  # type: ignore[import-untyped]
    from scipy.sparse.csgraph import connected_components  # type: ignore[import-untyped]

    head = np.arange(len(unique))
    limit = LIMIT
    while len(left):
        close = distance <= limit
        left, right, distance = left[close], right[close], distance[close]
        graph = coo_matrix((np.ones(len(left)), (left, right)), (len(unique), len(unique)))
        component = connected_components(graph, directed=False)[1]
        # The member with the most duplicates is the best candidate to head its component.
        degree = np.bincount(np.concatenate([left, right]), minlength=len(unique))
        order = np.lexsort((-degree, component))
        heads = order[np.flatnonzero(np.diff(component[order], prepend=-1))]  # by component
        paired = np.flatnonzero(degree)
        own_head = heads[component[paired]]
        is_far = measure_dissimilarity(stats, unique[paired], unique[own_head]) > limit
        is_chain = np.zeros(len(heads), dtype=bool)  # by component
        is_chain[component[paired[is_far]]] = True
        is_group = ~is_chain[component[paired]]
        head[paired[is_group]] = own_head[is_group]
        in_chain = is_chain[component[left]]
        left, right, distance = left[in_chain], right[in_chain], distance[in_chain]
        limit /= 2
    return head
