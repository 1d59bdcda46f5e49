from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from discern.arrays import Rows
from discern.data import mapped, shuffle
from discern.data.batches import Batches
from discern.data.dataset import Store
from discern.data.shards import ShardStore
from discern.data.streamed import Streamed
from discern.preprocess.spec import Preprocess
from discern.runtime import Ranks

N, SIDE = 1000, 4
ROWS = np.sort(np.random.default_rng(1).choice(N, 700, replace=False))
SPEC = Preprocess(size=SIDE)
LABELS = np.arange(N) // 100  # on disk, pictures are sorted by class


class Raw(Store):
    """Pixels that need no decoding."""

    def __init__(self, array: np.ndarray) -> None:
        self.array = array

    def __len__(self) -> int:
        return len(self.array)

    def read(self, index: int) -> np.ndarray:
        found: np.ndarray = self.array[index]
        return found

    def path(self, index: int) -> str:
        return str(index)

    def stamp(self) -> str:
        return ""


class Shards(ShardStore):
    """Shards without files, of pictures that have their index for a level; remembers which were read."""

    def __init__(self, shards: int, each: int) -> None:
        shard = np.arange(shards, dtype=np.int32).repeat(each)
        paths = [Path(f"{number}.tar") for number in range(shards)]
        super().__init__(paths, shard, np.zeros((len(shard), 2), np.int64), np.full(len(shard), b"x"))
        self.read_from: set[int] = set()

    def read(self, index: int) -> np.ndarray:  # type: ignore[override]
        self.read_from.add(int(self.shard[index]))
        return np.full((8, 8), index, np.uint8)


@pytest.fixture(params=["in memory", "mapped", "streamed", "in blocks", "mapped in blocks", "streamed in blocks"])
def pixels(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> np.ndarray | Streamed:
    array = np.random.default_rng(0).integers(0, 256, (N, SIDE, SIDE, 3), dtype=np.uint8)
    if request.param.endswith("blocks"):
        for name, value in (("IN_BLOCKS", 0), ("WINDOW", 200 * 48), ("BLOCK", 10 * 48)):  # a picture has 48 bytes
            monkeypatch.setattr(shuffle, name, value)
        monkeypatch.setattr(mapped, "WINDOW", 200 * 48)
    if request.param.startswith("streamed"):
        return Streamed(Raw(array), np.arange(N), SPEC)
    if not request.param.startswith("mapped"):
        return array
    np.save(tmp_path / "pixels.npy", array)
    loaded: np.ndarray = np.load(tmp_path / "pixels.npy", mmap_mode="r")
    return loaded


def test_an_epoch_has_each_picture_once(pixels: Rows) -> None:
    batches = Batches(pixels, LABELS, ROWS, size=32, seed=5)
    seen = list(batches.epoch(3))
    assert len(seen) == batches.steps == 22
    order = batches.order(3)
    assert {len(rows) for rows in order} == {31, 32}
    assert sorted(torch.cat(order).tolist()) == ROWS.tolist()
    for rows, (x, y) in zip(order, seen, strict=True):
        assert np.array_equal(x.numpy(), pixels[rows.numpy()])
        assert np.array_equal(y.numpy(), LABELS[rows.numpy()])


def test_an_epoch_goes_on_where_it_stopped(pixels: Rows) -> None:
    batches = Batches(pixels, LABELS, ROWS, size=32, seed=5)
    whole, rest = list(batches.epoch(1)), list(batches.epoch(1, start=9))
    assert len(rest) == len(whole) - 9
    for one, other in zip(whole[9:], rest, strict=True):
        assert all(torch.equal(a, b) for a, b in zip(one, other, strict=True))


def test_each_epoch_has_an_order_of_its_own(pixels: Rows) -> None:
    batches = Batches(pixels, LABELS, ROWS, size=32, seed=5)
    orders = [torch.cat(batches.order(epoch)) for epoch in (0, 1)]
    assert orders[0].eq(orders[1]).sum() < 60
    assert torch.equal(orders[0], torch.cat(Batches(pixels, LABELS, ROWS, size=32, seed=5).order(0)))
    assert not torch.equal(orders[0], torch.cat(Batches(pixels, LABELS, ROWS, size=32, seed=6).order(0)))


def test_processes_share_every_batch(pixels: Rows) -> None:
    whole = Batches(pixels, LABELS, ROWS, size=32)
    shares = [Batches(pixels, LABELS, ROWS, size=32, ranks=Ranks(rank, 3)) for rank in range(3)]
    for rows, *parts in zip(whole.order(0), *(share.order(0) for share in shares), strict=True):
        assert sorted(torch.cat(parts).tolist()) == sorted(rows.tolist())
    for share in shares:
        for rows, (x, _labels) in zip(share.order(0), share.epoch(0), strict=True):
            assert np.array_equal(x.numpy(), pixels[rows.numpy()])


def test_batches_are_mixed(pixels: Rows) -> None:
    batches = Batches(pixels, LABELS, ROWS, size=100)
    for _x, labels in batches.epoch(0):
        assert np.bincount(labels.numpy(), minlength=10).max() <= 30  # 10 of each on average


def test_where_pixels_are_does_not_change_the_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shuffle, "IN_BLOCKS", 0)
    array = np.random.default_rng(0).integers(0, 256, (N, SIDE, SIDE, 3), dtype=np.uint8)
    np.save(tmp_path / "pixels.npy", array)
    sources = array, np.load(tmp_path / "pixels.npy", mmap_mode="r"), Streamed(Raw(array), np.arange(N), SPEC)
    held, *others = (list(Batches(pixels, LABELS, ROWS, size=32).epoch(0)) for pixels in sources)
    for read in others:
        for one, other in zip(held, read, strict=True):
            assert all(torch.equal(a, b) for a, b in zip(one, other, strict=True))


def test_each_process_reads_shards_of_its_own() -> None:
    """Two processes, eight shards of ten, all for training: four shards each, every picture once."""
    found, stores = [], [Shards(8, 10), Shards(8, 10)]
    for rank, store in enumerate(stores):
        pixels = Streamed(store, np.arange(80), Preprocess(size=8, channels=1))
        batches = Batches(pixels, np.arange(80), np.arange(80), size=16, ranks=Ranks(rank, 2))
        for epoch in (0, 1):
            steps = list(batches.epoch(epoch))
            assert [len(labels) for _x, labels in steps] == [8] * 5
        for x, labels in steps:
            assert torch.equal(x[:, 0, 0, 0], labels.to(torch.uint8))
            found += labels.tolist()
    assert sorted(found) == list(range(80))
    assert [len(store.read_from) for store in stores] == [4, 4]
    assert not stores[0].read_from & stores[1].read_from
