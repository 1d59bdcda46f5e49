from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from discern.data import mapped, shuffle
from discern.data.batches import Batches
from discern.runtime import Ranks

N, SIDE = 1000, 4
ROWS = np.sort(np.random.default_rng(1).choice(N, 700, replace=False))
LABELS = np.arange(N) // 100  # on disk, pictures are sorted by class


@pytest.fixture(params=["in memory", "mapped", "in blocks", "mapped in blocks"])
def pixels(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> np.ndarray:
    array = np.random.default_rng(0).integers(0, 256, (N, SIDE, SIDE, 3), dtype=np.uint8)
    if request.param.endswith("blocks"):
        for name, value in (("IN_BLOCKS", 0), ("WINDOW", 200 * 48), ("BLOCK", 10 * 48)):  # a picture has 48 bytes
            monkeypatch.setattr(shuffle, name, value)
        monkeypatch.setattr(mapped, "WINDOW", 200 * 48)
    if not request.param.startswith("mapped"):
        return array
    np.save(tmp_path / "pixels.npy", array)
    loaded: np.ndarray = np.load(tmp_path / "pixels.npy", mmap_mode="r")
    return loaded


def test_an_epoch_has_each_picture_once(pixels: np.ndarray) -> None:
    batches = Batches(pixels, LABELS, ROWS, size=32, seed=5)
    seen = list(batches.epoch(3))
    assert len(seen) == batches.steps == 22
    order = batches.order(3)
    assert {len(rows) for rows in order} == {31, 32}
    assert sorted(torch.cat(order).tolist()) == ROWS.tolist()
    for rows, (x, y) in zip(order, seen, strict=True):
        assert np.array_equal(x.numpy(), pixels[rows.numpy()])
        assert np.array_equal(y.numpy(), LABELS[rows.numpy()])


def test_an_epoch_goes_on_where_it_stopped(pixels: np.ndarray) -> None:
    batches = Batches(pixels, LABELS, ROWS, size=32, seed=5)
    whole, rest = list(batches.epoch(1)), list(batches.epoch(1, start=9))
    assert len(rest) == len(whole) - 9
    for one, other in zip(whole[9:], rest, strict=True):
        assert all(torch.equal(a, b) for a, b in zip(one, other, strict=True))


def test_each_epoch_has_an_order_of_its_own(pixels: np.ndarray) -> None:
    batches = Batches(pixels, LABELS, ROWS, size=32, seed=5)
    orders = [torch.cat(batches.order(epoch)) for epoch in (0, 1)]
    assert orders[0].eq(orders[1]).sum() < 60
    assert torch.equal(orders[0], torch.cat(Batches(pixels, LABELS, ROWS, size=32, seed=5).order(0)))
    assert not torch.equal(orders[0], torch.cat(Batches(pixels, LABELS, ROWS, size=32, seed=6).order(0)))


def test_processes_share_every_batch(pixels: np.ndarray) -> None:
    whole = Batches(pixels, LABELS, ROWS, size=32)
    shares = [Batches(pixels, LABELS, ROWS, size=32, ranks=Ranks(rank, 3)) for rank in range(3)]
    for rows, *parts in zip(whole.order(0), *(share.order(0) for share in shares), strict=True):
        assert sorted(torch.cat(parts).tolist()) == sorted(rows.tolist())
    for share in shares:
        for rows, (x, _labels) in zip(share.order(0), share.epoch(0), strict=True):
            assert np.array_equal(x.numpy(), pixels[rows.numpy()])


def test_batches_are_mixed(pixels: np.ndarray) -> None:
    batches = Batches(pixels, LABELS, ROWS, size=100)
    for _x, labels in batches.epoch(0):
        assert np.bincount(labels.numpy(), minlength=10).max() <= 30  # 10 of each on average


def test_where_pixels_are_does_not_change_the_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shuffle, "IN_BLOCKS", 0)
    array = np.random.default_rng(0).integers(0, 256, (N, SIDE, SIDE, 3), dtype=np.uint8)
    np.save(tmp_path / "pixels.npy", array)
    sources = array, np.load(tmp_path / "pixels.npy", mmap_mode="r")
    held, read = (list(Batches(pixels, LABELS, ROWS, size=32).epoch(0)) for pixels in sources)
    for one, other in zip(held, read, strict=True):
        assert all(torch.equal(a, b) for a, b in zip(one, other, strict=True))
