"""Which pictures are copies of which: byte for byte, or recompressed, resized, slightly brightened.

Candidates share most of their perceptual hash; each is confirmed on the two thumbnails. All of it is sorting and
arithmetic on whole columns: 70,000 handwritten digits, the hardest case because they look alike, take 2 s on one core.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from discern.data.scan import Facts
from discern.i18n import _
from discern.progress import Progress, silent

HAMMING = 6  # hash bits that may differ. Copies at JPEG quality 60, 80 % size or +5 % brightness: 99.5 % within 6
LIMIT = 0.014  # see `dissimilarity`
_BANDS = ((0, 11), (11, 11), (22, 11), (33, 11), (44, 10), (54, 10))  # (first bit, bits)
_NEIGHBOURS = 64  # compared in a bucket after sorting: caps the work where thousands share a key
_CHUNK = 1 << 16  # pairs confirmed at a time: 128 MB
_PLAIN = 2.0  # grey levels of deviation under which a picture has nothing to correlate


@dataclass(frozen=True, eq=False)
class Near:
    """Groups of copies; a picture without any is a group of its own.

    Attributes
    ----------
    exact : numpy.ndarray
        int64 (N,); equal numbers: the same bytes.
    group : numpy.ndarray
        int64 (N,); equal numbers: exact or near copies of each other. Every exact group lies within one.
    """

    exact: np.ndarray
    group: np.ndarray


def find_near(facts: Facts, progress: Progress = silent) -> Near:
    """Group exact and near copies.

    Broken pictures are left alone: each is a group of its own.

    Parameters
    ----------
    facts : Facts
        N rows.
    progress : Progress
        Told after each of the passes over the hashes.

    Returns
    -------
    Near
        Groups numbered from 0 in the order of their first picture.
    """
    good = np.flatnonzero(facts.problem == 0)
    digests = np.ascontiguousarray(facts.digest[good]).view("V16").ravel()
    _values, first, inverse = np.unique(digests, return_index=True, return_inverse=True)
    exact = np.arange(len(facts), dtype=np.int64)
    exact[good] = good[first][inverse]
    chosen = good[first]  # one of each set of identical files
    left, right, distance = _similar(facts, chosen, progress)
    member = _compact(facts, chosen, left, right, distance)
    near = np.arange(len(facts), dtype=np.int64)
    near[chosen] = chosen[member]
    return Near(exact=_numbered(exact), group=_numbered(near[exact]))


def _numbered(group: np.ndarray) -> np.ndarray:
    """Renumber groups 0, 1, 2 ... in the order of their first member."""
    _values, first, inverse = np.unique(group, return_index=True, return_inverse=True)
    rank = np.empty(len(first), dtype=np.int64)
    rank[np.argsort(first)] = np.arange(len(first))
    return rank[inverse]


def _similar(facts: Facts, chosen: np.ndarray, progress: Progress) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Confirmed pairs as positions in ``chosen``, and their dissimilarity.

    Multi-index hashing (Norouzi et al., "Fast Search in Hamming Space with Multi-Index Hashing", 2012): of six bands at
    least two are untouched by four differing bits, and mostly by six, so equal pairs of bands bring them together.
    """
    hashes = facts.phash[chosen]
    passes = list(itertools.combinations(range(len(_BANDS)), 2))
    confirmed = [np.zeros((3, 0))]
    for done, bands in enumerate(passes):
        progress(_("comparing the pictures"), done, len(passes))
        for left, right in _candidates(hashes, bands):
            confirmed.append(_confirm(facts, chosen, left, right))
    progress(_("comparing the pictures"), len(passes), len(passes))
    pairs = np.concatenate(confirmed, axis=1)
    return pairs[0].astype(np.int64), pairs[1].astype(np.int64), pairs[2]


def _band(words: np.ndarray, number: int) -> np.ndarray:
    start, bits = _BANDS[number]
    return (words >> np.uint64(start)) & np.uint64((1 << bits) - 1)


def _candidates(hashes: np.ndarray, bands: tuple[int, int]) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Positions of pairs that agree in two bands and differ in at most `HAMMING` bits, some thousands at a time.

    A pair that agrees in earlier bands as well was met there and is not repeated.
    """
    first, second = bands
    keys = (_band(hashes, first) << np.uint64(11)) | _band(hashes, second)
    order = np.lexsort((hashes, keys))
    keys, hashes = keys[order], hashes[order]
    for shift in range(1, min(_NEIGHBOURS, len(keys) - 1) + 1):
        here = np.flatnonzero(keys[shift:] == keys[:-shift])
        if not len(here):
            break
        differing = hashes[here] ^ hashes[here + shift]
        new = _ones(differing) <= HAMMING
        for number in range(second):
            new &= (_band(differing, number) != 0) | (number == first)
        here = here[new]
        yield order[here], order[here + shift]


def _ones(words: np.ndarray) -> np.ndarray:
    """Bits set in each uint64 (Warren, "Hacker's Delight", 5-1); NumPy before 2 has no ``bitwise_count``."""
    u = np.uint64
    words = words - ((words >> u(1)) & u(0x5555555555555555))
    words = (words & u(0x3333333333333333)) + ((words >> u(2)) & u(0x3333333333333333))
    words = (words + (words >> u(4))) & u(0x0F0F0F0F0F0F0F0F)
    return (words * u(0x0101010101010101)) >> u(56)


def _confirm(facts: Facts, chosen: np.ndarray, left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """(3, pairs): left, right, dissimilarity of the candidate pairs that are copies."""
    found = [np.zeros((3, 0))]
    for start in range(0, len(left), _CHUNK):
        one, other = left[start : start + _CHUNK], right[start : start + _CHUNK]
        distance = dissimilarity(facts, chosen[one], chosen[other])
        kept = distance <= LIMIT
        found.append(np.stack([one[kept], other[kept], distance[kept]]))
    return np.concatenate(found, axis=1)


def dissimilarity(facts: Facts, left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """How little two thumbnails correlate, on the scale of what is not background.

    One minus the correlation of the 16 x 16 grey thumbnails, divided by the share of the picture that is not flat: two
    strokes on a black page correlate well whatever they say. Measured: pairs of different handwritten digits start at
    0.016 (8 x 8 digits) and 0.025 (MNIST, all 2.4 billion pairs of 70,000); recompression at quality 60 gives 0.016 and
    less, on photos 0.002; what lies below 0.04 in CIFAR-10 is the same photo again. Hence `LIMIT`.

    Parameters
    ----------
    facts : Facts
        Columns of the pictures.
    left, right : numpy.ndarray
        int64 (P,), rows of ``facts``.

    Returns
    -------
    numpy.ndarray
        float64 (P,), 0 for the same picture; infinite where colour, brightness or contrast tells the two apart.
    """
    one = facts.thumbnail[left].reshape(len(left), 256).astype(np.float32)
    other = facts.thumbnail[right].reshape(len(right), 256).astype(np.float32)
    mean_one, mean_other = one.mean(axis=1, keepdims=True), other.mean(axis=1, keepdims=True)
    one -= mean_one
    other -= mean_other
    brightness = np.abs(mean_one - mean_other)[:, 0]
    spread_one = np.sqrt(np.einsum("pt,pt->p", one, one) / 256)
    spread_other = np.sqrt(np.einsum("pt,pt->p", other, other) / 256)
    product = np.einsum("pt,pt->p", one, other).astype(np.float64) / 256
    correlation = product / np.maximum(spread_one * spread_other, 1e-6)
    busy = 1 - np.maximum(facts.flat[left], facts.flat[right])
    distance = np.maximum(1 - correlation, 0) / np.maximum(busy, 0.05)
    plain = np.maximum(spread_one, spread_other) < _PLAIN
    distance[plain] = 0
    hue = facts.colour[left].astype(np.float32) - facts.colour[right]
    hue -= hue.mean(axis=1, keepdims=True)
    apart = (
        (np.abs(hue).max(axis=1) > np.where(plain, 3, 24))
        | (brightness > np.where(plain, 3, 32))
        | (np.maximum(spread_one, spread_other) > 1.6 * np.minimum(spread_one, spread_other) + 2 * _PLAIN)
    )
    return np.where(apart, np.inf, distance)


def _compact(facts: Facts, chosen: np.ndarray, left: np.ndarray, right: np.ndarray, distance: np.ndarray) -> np.ndarray:
    """For every position in ``chosen`` the position that stands for its group.

    Connected pairs make a group only if one member is a copy of all the others. Frames of a turning object are pairwise
    close and chain up to a whole class; such a chain is cut at half the limit, again and again, into frames that differ
    in nothing.
    """
    from scipy.sparse import coo_matrix  # type: ignore[import-untyped]
    from scipy.sparse.csgraph import connected_components  # type: ignore[import-untyped]

    member = np.arange(len(chosen))
    limit = LIMIT
    while len(left):
        near = distance <= limit
        left, right, distance = left[near], right[near], distance[near]
        graph = coo_matrix((np.ones(len(left)), (left, right)), (len(chosen), len(chosen)))
        component = connected_components(graph, directed=False)[1]
        degree = np.bincount(np.concatenate([left, right]), minlength=len(chosen))
        order = np.lexsort((-degree, component))  # each component's best connected member first
        heads = order[np.flatnonzero(np.diff(component[order], prepend=-1))]
        touched = np.flatnonzero(degree)
        head = heads[component[touched]]
        far = dissimilarity(facts, chosen[touched], chosen[head]) > limit
        chained = np.zeros(len(heads), dtype=bool)
        chained[component[touched[far]]] = True
        whole = ~chained[component[touched]]
        member[touched[whole]] = head[whole]
        again = chained[component[left]]
        left, right, distance = left[again], right[again], distance[again]
        limit /= 2
    return member
