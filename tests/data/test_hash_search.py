from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from discern.data.hash_search import ONE_OF_FOUR, TWO_OF_SIX, count_ones, iter_similar


@given(st.lists(st.integers(0, 2**64 - 1), min_size=1, max_size=20))
def test_bit_count(words: list[int]) -> None:
    assert count_ones(np.array(words, dtype=np.uint64)).tolist() == [word.bit_count() for word in words]


def test_every_similar_pair_is_found_once() -> None:
    random = np.random.default_rng(0)
    hashes = random.integers(0, 2**63, 30, dtype=np.uint64)
    flips = [np.uint64(sum(1 << int(bit) for bit in random.choice(64, 3, replace=False))) for _ in hashes]
    both = np.concatenate([hashes, hashes ^ np.array(flips)])
    for masks in (TWO_OF_SIX, ONE_OF_FOUR):
        found = [
            pair for number in range(len(masks)) for pairs in iter_similar(both, masks, number, 4) for pair in pairs.T
        ]
        assert sorted(map(sorted, np.array(found).tolist())) == [[i, i + 30] for i in range(30)]
