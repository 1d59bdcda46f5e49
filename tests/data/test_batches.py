from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from discern.arrays import ArrayLike
from discern.data import epoch_order, memmap_reader
from discern.data.batches import Batches
from discern.data.dataset import Store
from discern.data.shards import ShardStore
from discern.data.streamed import StreamedPixels
from discern.preprocess.spec import Preprocess
from discern.runtime import Ranks

N, SIDE = 1000, 8
INDICES = np.sort(np.random.default_rng(1).choice(N, 700, replace=False))
SPEC = Preprocess(size=SIDE)
LABELS = np.arange(N) // 100  # on disk, images are sorted by class


class Raw(Store):
    """Pixels that need no decoding."""

    def __init__(self, array: np.ndarray) -> None:
        self.array = array

    def __len__(self) -> int:
        return len(self.array)

    def read(self, index: int) -> np.ndarray:
        image: np.ndarray = self.array[index]
        return image

    def path(self, index: int) -> str:
        return str(index)

    def version_key(self) -> str:
        return ""


class Shards(ShardStore):
    """Shards without files, of images that have their index for a level; remembers which were read."""

    def __init__(self, shards: int, per_shard: int) -> None:
        shard = np.arange(shards, dtype=np.int32).repeat(per_shard)
        paths = [Path(f"{number}.tar") for number in range(shards)]
        super().__init__(paths, shard, np.zeros((len(shard), 2), np.int64), np.full(len(shard), b"x"))
        self.read_from: set[int] = set()

    def read(self, index: int) -> np.ndarray:  # type: ignore[override]
        self.read_from.add(int(self.shard[index]))
        return np.full((8, 8), index, np.uint8)


@pytest.fixture(params=["in memory", "mapped", "streamed", "in blocks", "mapped in blocks", "streamed in blocks"])
def pixels(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> np.ndarray | StreamedPixels:
    array = np.random.default_rng(0).integers(0, 256, (N, SIDE, SIDE, 3), dtype=np.uint8)
    if request.param.endswith("blocks"):
        for name, value in (("BLOCKS_FROM", 0), ("WINDOW", 200 * 192), ("BLOCK", 10 * 192)):  # an image has 192 bytes
            monkeypatch.setattr(epoch_order, name, value)
        monkeypatch.setattr(memmap_reader, "WINDOW", 200 * 192)
    if request.param.startswith("streamed"):
        return StreamedPixels(Raw(array), np.arange(N), SPEC)
    if not request.param.startswith("mapped"):
        return array
    np.save(tmp_path / "pixels.npy", array)
    loaded: np.ndarray = np.load(tmp_path / "pixels.npy", mmap_mode="r")
    return loaded


def test_an_epoch_has_each_image_once(pixels: ArrayLike) -> None:
    batches = Batches(pixels, LABELS, INDICES, size=32, seed=5)
    steps = list(batches.epoch(3))
    assert len(steps) == batches.steps == 22
    order = batches.order(3)
    assert {len(indices) for indices in order} == {31, 32}
    assert sorted(torch.cat(order).tolist()) == INDICES.tolist()
    for indices, (x, y) in zip(order, steps, strict=True):
        assert np.array_equal(x.numpy(), pixels[indices.numpy()])
        assert np.array_equal(y.numpy(), LABELS[indices.numpy()])


def test_an_epoch_goes_on_where_it_stopped(pixels: ArrayLike) -> None:
    batches = Batches(pixels, LABELS, INDICES, size=32, seed=5)
    full, rest = list(batches.epoch(1)), list(batches.epoch(1, start=9))
    assert len(rest) == len(full) - 9
    for one, other in zip(full[9:], rest, strict=True):
        assert all(torch.equal(a, b) for a, b in zip(one, other, strict=True))


def test_each_epoch_has_an_order_of_its_own(pixels: ArrayLike) -> None:
    batches = Batches(pixels, LABELS, INDICES, size=32, seed=5)
    orders = [torch.cat(batches.order(epoch)) for epoch in (0, 1)]
    assert orders[0].eq(orders[1]).sum() < 60
    assert torch.equal(orders[0], torch.cat(Batches(pixels, LABELS, INDICES, size=32, seed=5).order(0)))
    assert not torch.equal(orders[0], torch.cat(Batches(pixels, LABELS, INDICES, size=32, seed=6).order(0)))


def test_processes_divide_every_batch(pixels: ArrayLike) -> None:
    single = Batches(pixels, LABELS, INDICES, size=32)
    processes = [Batches(pixels, LABELS, INDICES, size=32, ranks=Ranks(rank, 3)) for rank in range(3)]
    for indices, *chunks in zip(single.order(0), *(process.order(0) for process in processes), strict=True):
        assert sorted(torch.cat(chunks).tolist()) == sorted(indices.tolist())
    for process in processes:
        for indices, (x, _labels) in zip(process.order(0), process.epoch(0), strict=True):
            assert np.array_equal(x.numpy(), pixels[indices.numpy()])


def test_batches_are_mixed(pixels: ArrayLike) -> None:
    batches = Batches(pixels, LABELS, INDICES, size=100)
    for _x, labels in batches.epoch(0):
        assert np.bincount(labels.numpy(), minlength=10).max() <= 30  # 10 of each on average


def test_where_pixels_are_does_not_change_the_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(epoch_order, "BLOCKS_FROM", 0)
    array = np.random.default_rng(0).integers(0, 256, (N, SIDE, SIDE, 3), dtype=np.uint8)
    np.save(tmp_path / "pixels.npy", array)
    sources = array, np.load(tmp_path / "pixels.npy", mmap_mode="r"), StreamedPixels(Raw(array), np.arange(N), SPEC)
    in_memory, *others = (list(Batches(pixels, LABELS, INDICES, size=32).epoch(0)) for pixels in sources)
    for read in others:
        for one, other in zip(in_memory, read, strict=True):
            assert all(torch.equal(a, b) for a, b in zip(one, other, strict=True))


def test_each_process_reads_shards_of_its_own() -> None:
    """Two processes, eight shards of ten, all for training: four shards each, every image once."""
    labels_read, stores = [], [Shards(8, 10), Shards(8, 10)]
    for rank, store in enumerate(stores):
        pixels = StreamedPixels(store, np.arange(80), Preprocess(size=8, channels=1))
        batches = Batches(pixels, np.arange(80), np.arange(80), size=16, ranks=Ranks(rank, 2))
        for epoch in (0, 1):
            steps = list(batches.epoch(epoch))
            assert [len(labels) for _x, labels in steps] == [8] * 5
        for x, labels in steps:
            assert torch.equal(x[:, 0, 0, 0], labels.to(torch.uint8))
            labels_read += labels.tolist()
    assert sorted(labels_read) == list(range(80))
    assert [len(store.read_from) for store in stores] == [4, 4]
    assert not stores[0].read_from & stores[1].read_from
