"""Similar hashes among many, without comparing all pairs: by sorting, whole columns at a time.

Multi-index hashing (Norouzi et al., "Fast Search in Hamming Space with Multi-Index Hashing", 2012). Comparing all pairs
would take N² / 2 steps. But hashes that differ in a few bits agree in most bands of bits: sorted by a band, they lie
side by side.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence

import numpy as np

NEIGHBORS = 64  # compared in a bucket after sorting: caps the work where thousands share a key


def _mask(first: int, bits: int) -> np.uint64:
    return np.uint64(((1 << bits) - 1) << first)


# Of six bands at least two are untouched by four differing bits, and mostly by six.
TWO_OF_SIX = tuple(
    a | b
    for a, b in itertools.combinations(
        (_mask(0, 11), _mask(11, 11), _mask(22, 11), _mask(33, 11), _mask(44, 10), _mask(54, 10)), 2
    )
)
# Three differing bits leave one of four bands untouched, six mostly do: a quarter of the work.
ONE_OF_FOUR = (_mask(0, 16), _mask(16, 16), _mask(32, 16), _mask(48, 16))


def iter_similar(
    hashes: np.ndarray, masks: Sequence[np.uint64], number: int, limit: int, neighbors: int = NEIGHBORS
) -> Iterator[np.ndarray]:
    """Yield pairs of positions, int64 (2, P), some thousands at a time, that agree in the bits of ``masks[number]``.

    They differ in at most ``limit`` of all bits. Pairs that agree in an earlier mask are not repeated. Of hashes in one
    bucket, each is compared with so many ``neighbors``.

    Examples
    --------
    >>> hashes = np.array([7, 1 << 40, 6], np.uint64)
    >>> np.concatenate(list(iter_similar(hashes, ONE_OF_FOUR, 1, limit=1)), axis=1).tolist()
    [[2], [0]]
    """
    keys = hashes & masks[number]
    order = np.lexsort((hashes, keys))
    keys, hashes = keys[order], hashes[order]
    # Equal keys now lie side by side. Instead of every pair in a bucket, each is compared with its next, its second
    # next ... up to the last neighbor: one operation on the whole column each, and linear in N however large a bucket.
    for shift in range(1, min(neighbors, len(keys) - 1) + 1):
        here = np.flatnonzero(keys[shift:] == keys[:-shift])
        if not len(here):
            break
        differing = hashes[here] ^ hashes[here + shift]
        is_new = count_ones(differing) <= limit
        for earlier in masks[:number]:
            is_new &= (differing & earlier) != 0
        here = here[is_new]
        yield np.stack([order[here], order[here + shift]])


def count_ones(words: np.ndarray) -> np.ndarray:
    """Count the bits set in each uint64 (Warren, "Hacker's Delight", 5-1); NumPy before 2 has no ``bitwise_count``.

    Examples
    --------
    >>> count_ones(np.array([0, 7, 2**64 - 1], np.uint64)).tolist()
    [0, 3, 64]
    """
    u = np.uint64
    words = words - ((words >> u(1)) & u(0x5555555555555555))
    words = (words & u(0x3333333333333333)) + ((words >> u(2)) & u(0x3333333333333333))
    words = (words + (words >> u(4))) & u(0x0F0F0F0F0F0F0F0F)
    return (words * u(0x0101010101010101)) >> u(56)
