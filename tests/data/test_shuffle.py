from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from discern.data import shuffle
from discern.data.shuffle import IN_BLOCKS, WINDOW, shuffled

PICTURE = 32 * 32 * 3
LARGE = 2 * IN_BLOCKS // PICTURE  # pictures


def at(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize("n", [0, 1, 1000])
def test_what_fits_in_memory_is_one_permutation(n: int) -> None:
    assert torch.equal(shuffled(n, PICTURE, at(3)), torch.randperm(n, generator=at(3)))


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 500), st.integers(1, 50), st.integers(1, 2000), st.integers(1, 400), st.integers(0, 99))
def test_in_blocks_each_comes_once(n: int, size: int, window: int, block: int, seed: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        for name, value in (("IN_BLOCKS", 0), ("WINDOW", window), ("BLOCK", block)):
            patch.setattr(shuffle, name, value)
        order = shuffled(n, size, at(seed))
        assert order.sort().values.equal(torch.arange(n))
        assert order.equal(shuffled(n, size, at(seed)))


def test_the_order_is_another_with_another_seed() -> None:
    one, other = shuffled(LARGE, PICTURE, at(0)), shuffled(LARGE, PICTURE, at(1))
    assert one.eq(other).sum() < 20  # of two random orders, one place agrees on average


def test_a_window_is_whole_blocks_from_all_over_the_file() -> None:
    order = shuffled(LARGE, PICTURE, at(0))
    window = order[: int(0.8 * WINDOW / PICTURE)].sort().values.numpy()  # windows differ a little in length
    runs = np.split(window, np.flatnonzero(np.diff(window) > 20) + 1)  # a fifth of each block comes later
    assert 200 < len(runs) < 300
    assert all(len(run) * PICTURE > 0.5 * shuffle.BLOCK for run in runs[1:-1])
    assert np.diff([run[0] for run in runs]).max() < 3 * LARGE / len(runs)  # from each stretch of the file one


def test_batches_of_a_file_sorted_by_class_are_mixed() -> None:
    classes, batch = 10, 128
    labels = np.arange(LARGE) * classes // LARGE
    seen = labels[shuffled(LARGE, PICTURE, at(0)).numpy()]
    whole = seen[: len(seen) // batch * batch].reshape(-1, batch)
    counts = np.stack([(whole == label).sum(axis=1) for label in range(classes)], axis=1)  # (batches, classes)
    fair = batch / classes
    chi2 = ((counts - fair) ** 2 / fair).sum(axis=1)
    assert chi2.mean() == pytest.approx(classes - 1, rel=0.1)  # what independent draws have
    assert np.abs(counts[:16].sum(axis=0) / (16 * batch) - 1 / classes).max() < 0.03
