from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from discern.data import epoch_order
from discern.data.epoch_order import BLOCKS_FROM, OPEN_SHARDS, WINDOW, assign_shards, order_shards, shuffle_in_blocks
from discern.runtime import Ranks, make_generator

IMAGE = 32 * 32 * 3
LARGE = 2 * BLOCKS_FROM // IMAGE  # images
SIZES = st.lists(st.integers(1, 30), min_size=1, max_size=40)


def at(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize("n", [0, 1, 1000])
def test_what_fits_in_memory_is_one_permutation(n: int) -> None:
    assert torch.equal(shuffle_in_blocks(n, IMAGE, at(3)), torch.randperm(n, generator=at(3)))


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 500), st.integers(1, 50), st.integers(1, 2000), st.integers(1, 400), st.integers(0, 99))
def test_in_blocks_each_comes_once(n: int, size: int, window: int, block: int, seed: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        for name, value in (("BLOCKS_FROM", 0), ("WINDOW", window), ("BLOCK", block)):
            patch.setattr(epoch_order, name, value)
        order = shuffle_in_blocks(n, size, at(seed))
        assert order.sort().values.equal(torch.arange(n))
        assert order.equal(shuffle_in_blocks(n, size, at(seed)))


def test_the_order_is_another_with_another_seed() -> None:
    one, other = shuffle_in_blocks(LARGE, IMAGE, at(0)), shuffle_in_blocks(LARGE, IMAGE, at(1))
    assert one.eq(other).sum() < 20  # of two random orders, one place agrees on average


def test_a_window_is_whole_blocks_from_all_over_the_file() -> None:
    order = shuffle_in_blocks(LARGE, IMAGE, at(0))
    window = order[: int(0.8 * WINDOW / IMAGE)].sort().values.numpy()  # windows differ a little in length
    runs = np.split(window, np.flatnonzero(np.diff(window) > 20) + 1)  # a fifth of each block comes later
    assert 200 < len(runs) < 300
    assert all(len(run) * IMAGE > 0.5 * epoch_order.BLOCK for run in runs[1:-1])
    assert np.diff([run[0] for run in runs]).max() < 3 * LARGE / len(runs)  # from each stretch of the file one


def test_batches_of_a_file_sorted_by_class_are_mixed() -> None:
    classes, batch = 10, 128
    labels = np.arange(LARGE) * classes // LARGE
    order = labels[shuffle_in_blocks(LARGE, IMAGE, at(0)).numpy()]
    full = order[: len(order) // batch * batch].reshape(-1, batch)
    counts = np.stack([(full == label).sum(axis=1) for label in range(classes)], axis=1)  # (batches, classes)
    fair = batch / classes
    chi2 = ((counts - fair) ** 2 / fair).sum(axis=1)
    assert chi2.mean() == pytest.approx(classes - 1, rel=0.1)  # what independent draws have
    assert np.abs(counts[:16].sum(axis=0) / (16 * batch) - 1 / classes).max() < 0.03


def shards(sizes: list[int]) -> torch.Tensor:
    return torch.arange(len(sizes)).repeat_interleave(torch.tensor(sizes))


@settings(max_examples=40, deadline=None)
@given(sizes=SIZES, seed=st.integers(0, 9))
def test_without_a_buffer_every_shard_is_read_forward(sizes: list[int], seed: int) -> None:
    shard = shards(sizes)
    order = order_shards(shard, make_generator(seed), buffer=0)
    assert sorted(order.tolist()) == list(range(len(shard)))
    for number in range(len(sizes)):
        positions = order[shard[order] == number]
        assert positions.tolist() == sorted(positions.tolist())


@settings(max_examples=40, deadline=None)
@given(sizes=SIZES, buffer=st.integers(1, 50))
def test_the_buffer_moves_no_image_farther_than_it_is_long(sizes: list[int], buffer: int) -> None:
    shard = shards(sizes)
    still, moved = (
        order_shards(shard, make_generator(0), buffer=0),
        order_shards(shard, make_generator(0), buffer=buffer),
    )
    assert int((still.argsort() - moved.argsort()).abs().max()) <= buffer


def test_so_many_shards_are_open_at_a_time() -> None:
    shard = shards([10] * (3 * OPEN_SHARDS))
    turns = shard[order_shards(shard, make_generator(3), buffer=0)].split(10 * OPEN_SHARDS)
    read = [set(turn.tolist()) for turn in turns]
    assert [len(turn) for turn in read] == [OPEN_SHARDS] * 3
    assert set.union(*read) == set(range(3 * OPEN_SHARDS))
    assert all(len(set(turn[:80].tolist())) > OPEN_SHARDS // 2 for turn in turns)  # side by side, not one by one


def test_a_buffer_as_long_as_all_shuffles_all() -> None:
    """Neighbors in a shard are no nearer than chance has them: a third of the length apart, in the mean."""
    shard = shards([2000])
    places = order_shards(shard, make_generator(0), buffer=100_000).argsort().double()
    apart = float((places[1:] - places[:-1]).abs().mean())
    assert abs(apart - 2000 / 3) < 50  # standard error about 11


def test_epochs_differ_and_repeat() -> None:
    shard = shards([20] * 20)
    first, again, second = (order_shards(shard, make_generator(0, "order", epoch)) for epoch in (0, 0, 1))
    assert first.equal(again)
    assert not first.equal(second)


@settings(max_examples=40, deadline=None)
@given(sizes=SIZES, size=st.integers(1, 5), seed=st.integers(0, 9))
def test_processes_divide_all_images_evenly(sizes: list[int], size: int, seed: int) -> None:
    shard = shards(sizes)
    chunks = [assign_shards(shard, seed, Ranks(rank, size)) for rank in range(size)]
    assert sorted(torch.cat(chunks).tolist()) == list(range(len(shard)))
    assert max(map(len, chunks)) - min(map(len, chunks)) <= 1
    readers = [sum(bool((shard[chunk] == number).any()) for chunk in chunks) for number in range(len(sizes))]
    assert sum(readers) <= len(sizes) + size - 1  # a shard has two readers only where a cut goes through it


def test_processes_have_shards_of_their_own() -> None:
    shard = shards([25] * 12)
    read = [set(shard[assign_shards(shard, 1, Ranks(rank, 4))].tolist()) for rank in range(4)]
    assert [len(own) for own in read] == [3] * 4
    assert set.union(*read) == set(range(12))
