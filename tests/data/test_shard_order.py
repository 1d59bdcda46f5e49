from __future__ import annotations

import hypothesis.strategies as st
import torch
from hypothesis import given, settings

from discern.data.shard_order import SIDE_BY_SIDE, forward, share
from discern.runtime import Ranks, generator

SIZES = st.lists(st.integers(1, 30), min_size=1, max_size=40)


def shards(sizes: list[int]) -> torch.Tensor:
    return torch.arange(len(sizes)).repeat_interleave(torch.tensor(sizes))


@settings(max_examples=40, deadline=None)
@given(sizes=SIZES, seed=st.integers(0, 9))
def test_without_a_buffer_every_shard_is_read_forward(sizes: list[int], seed: int) -> None:
    shard = shards(sizes)
    order = forward(shard, generator(seed), buffer=0)
    assert sorted(order.tolist()) == list(range(len(shard)))
    for number in range(len(sizes)):
        places = order[shard[order] == number]
        assert places.tolist() == sorted(places.tolist())


@settings(max_examples=40, deadline=None)
@given(sizes=SIZES, buffer=st.integers(1, 50))
def test_the_buffer_moves_no_picture_farther_than_it_is_long(sizes: list[int], buffer: int) -> None:
    shard = shards(sizes)
    still, moved = forward(shard, generator(0), buffer=0), forward(shard, generator(0), buffer=buffer)
    assert int((still.argsort() - moved.argsort()).abs().max()) <= buffer


def test_so_many_shards_are_open_at_a_time() -> None:
    shard = shards([10] * (3 * SIDE_BY_SIDE))
    turns = shard[forward(shard, generator(3), buffer=0)].split(10 * SIDE_BY_SIDE)
    read = [set(turn.tolist()) for turn in turns]
    assert [len(turn) for turn in read] == [SIDE_BY_SIDE] * 3
    assert set.union(*read) == set(range(3 * SIDE_BY_SIDE))
    assert all(len(set(turn[:80].tolist())) > SIDE_BY_SIDE // 2 for turn in turns)  # side by side, not one by one


def test_a_buffer_as_long_as_all_shuffles_all() -> None:
    """Neighbours in a shard are no nearer than chance has them: a third of the length apart, in the mean."""
    shard = shards([2000])
    places = forward(shard, generator(0), buffer=100_000).argsort().double()
    apart = float((places[1:] - places[:-1]).abs().mean())
    assert abs(apart - 2000 / 3) < 50  # standard error about 11


def test_epochs_differ_and_repeat() -> None:
    shard = shards([20] * 20)
    first, again, second = (forward(shard, generator(0, "order", epoch)) for epoch in (0, 0, 1))
    assert first.equal(again)
    assert not first.equal(second)


@settings(max_examples=40, deadline=None)
@given(sizes=SIZES, size=st.integers(1, 5), seed=st.integers(0, 9))
def test_processes_share_all_pictures_evenly(sizes: list[int], size: int, seed: int) -> None:
    shard = shards(sizes)
    shares = [share(shard, seed, Ranks(rank, size)) for rank in range(size)]
    assert sorted(torch.cat(shares).tolist()) == list(range(len(shard)))
    assert max(map(len, shares)) - min(map(len, shares)) <= 1
    readers = [sum(bool((shard[part] == number).any()) for part in shares) for number in range(len(sizes))]
    assert sum(readers) <= len(sizes) + size - 1  # a shard has two readers only where a cut goes through it


def test_processes_have_shards_of_their_own() -> None:
    shard = shards([25] * 12)
    read = [set(shard[share(shard, 1, Ranks(rank, 4))].tolist()) for rank in range(4)]
    assert [len(part) for part in read] == [3] * 4
    assert set.union(*read) == set(range(12))
