from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from discern.data import epoch_order
from discern.data import memmap_reader as module
from discern.data.memmap_reader import MemmapReader
from discern.errors import DataError

N = 5000


@pytest.fixture(scope="module")
def array(tmp_path_factory: pytest.TempPathFactory) -> np.memmap:
    path = tmp_path_factory.mktemp("mapped") / "array.npy"
    np.save(path, np.random.default_rng(0).integers(0, 256, (N, 5, 4, 3), dtype=np.uint8))
    loaded: np.memmap = np.load(path, mmap_mode="r")
    return loaded


def batches_of(seed: int, sizes: list[int]) -> list[torch.Tensor]:
    """Random rows, some of them twice."""
    random = torch.Generator().manual_seed(seed)
    return [torch.randint(N, (size,), generator=random) for size in sizes]


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(0, 99), st.lists(st.integers(0, 300), max_size=12), st.integers(1, 40_000))
@example(0, [1, 0], 60)
def test_rows_are_those_asked_for_in_that_order(array: np.memmap, seed: int, sizes: list[int], window: int) -> None:
    batches = batches_of(seed, sizes)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "WINDOW", window)
        found = list(MemmapReader(array).iter_batches(batches))
    assert len(found) == len(batches)
    for seen, rows in zip(found, batches, strict=True):
        assert np.array_equal(seen.numpy(), array[rows.numpy()])
        assert np.array_equal(MemmapReader(array).take(rows).numpy(), seen.numpy())


def test_the_next_window_is_read_while_one_is_used(array: np.memmap, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "WINDOW", 100 * 60)  # bytes: two batches of 50 rows of 60
    reads: list[int] = []
    read = MemmapReader._read

    def counted(self: MemmapReader, batches: list[torch.Tensor]) -> tuple[torch.Tensor, list[torch.Tensor]]:
        reads.append(len(batches))
        return read(self, batches)

    monkeypatch.setattr(MemmapReader, "_read", counted)
    batches = MemmapReader(array).iter_batches(batches_of(0, [50] * 9))
    next(batches)
    batches.close()  # waits for the thread
    assert reads == [2, 2]


def test_what_cannot_be_read_is_an_error_where_it_is_used(array: np.memmap) -> None:
    with pytest.raises(IndexError):
        list(MemmapReader(array).iter_batches([torch.tensor([N])]))


def test_the_system_is_told_of_runs_of_rows(array: np.memmap, monkeypatch: pytest.MonkeyPatch) -> None:
    if not hasattr(os, "posix_fadvise"):
        pytest.skip("this system takes no advice")
    told: list[tuple[int, int]] = []
    monkeypatch.setattr(os, "posix_fadvise", lambda _file, begin, length, _advice: told.append((begin, length)))
    MemmapReader(array).take(torch.tensor([4999, 7, 4000, 9]))
    begin = array.offset
    assert told == [(begin + 7 * 60, 3 * 60), (begin + 4000 * 60, 1000 * 60)]  # 2 runs: 60 bytes a row
    told.clear()
    MemmapReader(array[1:]).take(torch.tensor([3]))  # a part of the array: nobody is told, the rows come all the same
    assert not told


def test_a_file_cut_short_is_an_error_and_not_a_dead_process(tmp_path: Path) -> None:
    path = tmp_path / "array.npy"
    np.save(path, np.zeros((1000, 100), np.uint8))
    cut: np.memmap = np.load(path, mmap_mode="r")
    os.truncate(path, 5000)
    with pytest.raises(DataError, match="was truncated"):
        MemmapReader(cut).take(torch.tensor([900]))


def test_a_part_of_a_map_is_read_all_the_same(array: np.memmap) -> None:
    part = array[100:300]
    assert np.array_equal(MemmapReader(part).take(torch.tensor([5, 0, 199])).numpy(), array[[105, 100, 299]])


def test_a_block_is_read_once_an_epoch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    n, row = 100_000, 60
    for place, name, value in (
        (epoch_order, "BLOCKS_FROM", 0), (epoch_order, "WINDOW", 650_000), (epoch_order, "BLOCK", 6000),
        (module, "WINDOW", 650_000), (module, "GAP", 750),
    ):  # fmt: skip
        monkeypatch.setattr(place, name, value)
    read: list[int] = []
    fill = module._fill
    monkeypatch.setattr(module, "_fill", lambda file, room: [read.append(len(room)), fill(file, room)])
    np.save(tmp_path / "array.npy", np.zeros((n, row), np.uint8))
    order = epoch_order.shuffle_in_blocks(n, row, torch.Generator().manual_seed(0))
    mapped = MemmapReader(np.load(tmp_path / "array.npy", mmap_mode="r"))
    assert sum(map(len, mapped.iter_batches(order.split(128)))) == n
    assert n * row <= sum(read) < 1.05 * n * row  # 1.74 where windows are cut elsewhere
