"""Which images are duplicates: byte for byte, or recompressed, resized, brightened, mirrored, turned by quarters.

Candidates share most of a hash; each is confirmed on the two thumbnails. All of it is sorting and arithmetic on whole
columns: 70,000 handwritten digits, the hardest case because they look alike, take 2 s on one core. Copies turned by
other angles, or cropped, are not found: their names may say what belongs together (`discern.data.groups`).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

import numpy as np

from discern.data.hash_search import ONE_OF_FOUR, TWO_OF_SIX, iter_similar
from discern.data.likeness import (
    LIMIT,
    are_photos,
    are_same_photo,
    compute_pose_hash,
    may_be_turned,
    measure_dissimilarity,
    measure_turned,
)
from discern.data.scan import ImageStats
from discern.i18n import _
from discern.progress import Progress, ignore_progress

Method = Literal["near", "exact", "off"]

HAMMING = 6  # hash bits that may differ. Copies at JPEG quality 60, 80 % size or +5 % brightness: 99.5 % within 6
_POSE_HAMMING = 8  # of the hash that mirroring and turning keep
_CHUNK = 1 << 16  # pairs confirmed at a time: 128 MB
_MAX_COPIES = 8  # more images that only the looser rules join look alike, and are not copies of one
# So many different files that are near duplicates, and such a part of a class, are frames of a still scene.
STILL_FRAMES, STILL_FRACTION, MANY_FRAMES = 8, 0.25, 50


@dataclass(frozen=True, eq=False)
class DuplicateGroups:
    """Groups of duplicates, numbered by their first image; an image without any is a group of its own."""

    exact: np.ndarray  # int64 (N,); equal numbers: the same bytes
    group: np.ndarray  # int64 (N,); equal numbers: exact or near duplicates. Every exact group lies within one
    # int64, ascending: images that look alike as frames of a still scene do, and are no duplicates
    still: np.ndarray = field(default_factory=lambda: np.zeros(0, np.int64))


class _Pairs(NamedTuple):
    """Pairs of duplicates, as positions among the images searched."""

    left: np.ndarray  # int64 (P,)
    right: np.ndarray
    distance: np.ndarray  # float64 (P,), `measure_dissimilarity`


def find_duplicates(
    stats: ImageStats,
    progress: Progress = ignore_progress,
    method: Method = "near",
    limit: float = LIMIT,
    labels: np.ndarray | None = None,
) -> DuplicateGroups:
    """Group exact and near duplicates; a broken image is a group of its own.

    ``method`` ``exact`` finds only identical files, ``off`` nothing. Near duplicates are dissimilar by at most
    ``limit`` (`measure_dissimilarity`); a limit below the usual one also rules out shifted and recolored ones.
    With ``labels``, int (N,), a large part of a class that looks alike is taken as frames of a still scene
    (`DuplicateGroups.still`).
    """
    alone = np.arange(len(stats), dtype=np.int64)
    if method == "off":
        return DuplicateGroups(alone, alone)
    good = np.flatnonzero(stats.problem == 0)
    digests = np.ascontiguousarray(stats.digest[good]).view("V16").ravel()
    _values, first, inverse = np.unique(digests, return_index=True, return_inverse=True)
    exact = alone.copy()
    exact[good] = good[first][inverse]
    if method == "exact":
        exact = _renumber(exact)
        return DuplicateGroups(exact, exact)
    # From here on one file stands for all that are identical with it: a million copies of one image would be half a
    # billion pairs to confirm.
    unique = good[first]
    pairs, loose = _find_pairs(stats, unique, limit, progress)
    head = _join(_group_pairs(stats, unique, pairs, limit), *loose)
    still = np.zeros(len(unique), dtype=bool) if labels is None else _mark_still(head, labels[unique])
    head[still] = np.flatnonzero(still)
    group = alone.copy()
    group[unique] = unique[head]
    return DuplicateGroups(_renumber(exact), _renumber(group[exact]), np.sort(unique[still]))


def _renumber(group: np.ndarray) -> np.ndarray:
    """Number groups 0, 1, 2 ... in the order of their first member."""
    _values, first, inverse = np.unique(group, return_index=True, return_inverse=True)
    rank = np.empty(len(first), dtype=np.int64)
    rank[np.argsort(first)] = np.arange(len(first))
    return rank[inverse]


def _find_pairs(
    stats: ImageStats, unique: np.ndarray, limit: float, progress: Progress
) -> tuple[_Pairs, tuple[np.ndarray, np.ndarray]]:
    """Return the pairs of near duplicates, and those that only the looser rules for photos find."""
    hashes, is_photo = stats.phash[unique], are_photos(stats)[unique]
    photos = np.flatnonzero(is_photo)
    passes = len(TWO_OF_SIX) + len(ONE_OF_FOUR)
    near, loose = [np.zeros((3, 0))], [np.zeros((2, 0), np.int64)]
    for number in range(len(TWO_OF_SIX)):
        progress(_("comparing the images"), number, passes)
        for left, right in _iter_chunks(iter_similar(hashes, TWO_OF_SIX, number, HAMMING)):
            distance = measure_dissimilarity(stats, unique[left], unique[right])
            close = distance <= limit
            near.append(np.stack([left[close], right[close], distance[close]]))
            both = ~close & is_photo[left] & is_photo[right] & (limit >= LIMIT)
            left, right = left[both], right[both]
            same = are_same_photo(stats, unique[left], unique[right])
            loose.append(np.stack([left[same], right[same]]))
    poses = _hash_poses(stats, unique[photos])
    for number in range(len(ONE_OF_FOUR)):
        progress(_("comparing the images"), len(TWO_OF_SIX) + number, passes)
        for pairs in _iter_chunks(iter_similar(poses, ONE_OF_FOUR, number, _POSE_HAMMING, neighbors=16)):
            left, right = photos[pairs[:, may_be_turned(stats, *unique[photos[pairs]])]]
            turned = measure_turned(stats, unique[left], unique[right]) <= limit
            loose.append(np.stack([left[turned], right[turned]]))
    progress(_("comparing the images"), passes, passes)
    left, right, distance = np.concatenate(near, axis=1)
    joined = np.concatenate(loose, axis=1)
    return _Pairs(left.astype(np.int64), right.astype(np.int64), distance), (joined[0], joined[1])


def _hash_poses(stats: ImageStats, indices: np.ndarray) -> np.ndarray:
    hashes = np.zeros(len(indices), np.uint64)
    for start in range(0, len(indices), _CHUNK):
        part = slice(start, start + _CHUNK)
        hashes[part] = compute_pose_hash(stats.thumbnail[indices[part]])
    return hashes


def _iter_chunks(candidates: Iterator[np.ndarray]) -> Iterator[np.ndarray]:
    """Cut candidates, int64 (2, P), into pieces that take little memory to confirm."""
    for pairs in candidates:
        for start in range(0, pairs.shape[1], _CHUNK):
            yield pairs[:, start : start + _CHUNK]


def _group_pairs(stats: ImageStats, unique: np.ndarray, pairs: _Pairs, limit: float) -> np.ndarray:
    """Return, for every position in ``unique``, the position of the image that heads its group.

    Connected pairs make a group only if one member is a duplicate of all the others. Frames of a turning object are
    pairwise close and chain up to a whole class; such a chain is cut at half the limit, again and again, into frames
    that differ in nothing.
    """
    head = np.arange(len(unique))
    left, right, distance = pairs
    while len(left):
        close = distance <= limit
        left, right, distance = left[close], right[close], distance[close]
        component = _connect(len(unique), left, right)
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


def _join(head: np.ndarray, left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Join groups, given by the ``head`` of each image, by further pairs, where these join few images."""
    if not len(left):
        return head
    component = _connect(
        len(head), np.concatenate([head[left], np.arange(len(head))]), np.concatenate([head[right], head])
    )
    is_joined = np.zeros(int(component.max()) + 1, dtype=bool)
    is_joined[component[left]] = True
    is_joined &= np.bincount(component) <= _MAX_COPIES
    first = np.zeros(len(is_joined), np.int64)
    first[component[::-1]] = head[::-1]
    joined: np.ndarray = np.where(is_joined[component], first[component], head)
    return joined


def _mark_still(head: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Mark the images whose group holds a large part of a class: bool, one an image."""
    n_in_group = np.bincount(head, minlength=len(head))
    n_in_class = np.bincount(labels + 1)  # the unlabeled count as a class
    group_class, counts = np.unique(np.stack([head, labels + 1]), axis=1, return_counts=True)
    fraction = np.zeros(len(head))
    np.maximum.at(fraction, group_class[0], counts / n_in_class[group_class[1]])
    still = (n_in_group >= STILL_FRAMES) & ((fraction >= STILL_FRACTION) | (n_in_group >= MANY_FRAMES))
    marked: np.ndarray = still[head]
    return marked


def _connect(n: int, left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Return the number of the connected component of each of ``n`` positions: int32 (n,)."""
    from scipy.sparse import coo_matrix  # type: ignore[import-untyped]
    from scipy.sparse.csgraph import connected_components  # type: ignore[import-untyped]

    graph = coo_matrix((np.ones(len(left), np.int8), (left, right)), (n, n))
    component: np.ndarray = connected_components(graph, directed=False)[1]
    return component
