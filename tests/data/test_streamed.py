from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from discern.data import streamed as room
from discern.data import workers
from discern.data.dataset import Store
from discern.data.file_store import FileStore
from discern.data.pixel_cache import decode_all, decode_one
from discern.data.scan import scan_images
from discern.data.shards import ShardStore
from discern.data.streamed import StreamedPixels
from discern.errors import DataError
from discern.files import cache_folder
from discern.preprocess.spec import Preprocess

SPEC = Preprocess(size=16)


@pytest.fixture
def twelve(make_dataset, encode, photo):
    return make_dataset([encode(photo(number), "JPEG") for number in range(12)])


@pytest.fixture
def processes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workers, "MAX_FOR_THREADS", 0)
    monkeypatch.setattr(workers, "count_processors", lambda: 2)


@pytest.fixture
def on_disk(tmp_path: Path, encode, photo) -> FileStore:
    for number in range(12):
        (tmp_path / f"{number}.png").write_bytes(encode(photo(number)))
    return FileStore(str(tmp_path), [[f"{number}.png" for number in range(12)]])


def test_the_bytes_are_those_of_the_cache(twelve):
    indices = np.array([7, 2, 9, 0])
    cached = decode_all(twelve, indices, scan_images(twelve), SPEC)
    streamed = StreamedPixels(twelve.store, indices, SPEC)
    assert (streamed.shape, streamed.ndim, len(streamed)) == (cached.shape, cached.ndim, len(cached))
    for indices in (2, -1, slice(1, 3), np.array([3, 0, 0]), np.zeros(0, np.int64)):
        np.testing.assert_array_equal(streamed[indices], cached[indices])
        assert streamed[indices].dtype == np.uint8
    batches = [np.array([3, 1]), np.array([0]), np.array([2, 2, 1])]
    for images, indices in zip(streamed.iter_batches(batches), batches, strict=True):
        np.testing.assert_array_equal(images, cached[indices])


def test_nothing_is_written(twelve):
    streamed = StreamedPixels(twelve.store, np.arange(12), SPEC)
    assert len(streamed[:]) == 12
    assert not (cache_folder() / "pixels").exists()


def test_processes_give_the_same(on_disk, processes):
    streamed = StreamedPixels(on_disk, np.arange(12), SPEC)
    alone = np.stack([decode_one(SPEC, on_disk, i) for i in range(12)])
    np.testing.assert_array_equal(streamed[:], alone)


@pytest.mark.parametrize("room_for", [0, 2, 6])
def test_what_waits_is_bounded(twelve, monkeypatch: pytest.MonkeyPatch, room_for: int):
    """Beside the batch in use, of 100 as many are begun as there is room for, and one at least."""
    monkeypatch.setattr(room, "AHEAD", room_for * int(np.prod(SPEC.shape)))
    asked: list[int] = []

    def batches() -> Iterator[np.ndarray]:
        for number in range(100):
            asked.append(number)
            yield np.array([0, 1])

    coming = StreamedPixels(twelve.store, np.arange(12), SPEC).iter_batches(batches())
    for used in range(100):
        assert len(next(coming)) == 2
        assert len(asked) == min(100, used + 1 + max(1, room_for // 2))
    assert next(coming, None) is None


def test_the_next_batch_is_decoded_meanwhile(make_dataset, encode, photo):
    """While the first batch is in use the second is read, without being asked for."""
    dataset = make_dataset([encode(photo(number)) for number in range(4)])
    read, second = dataset.store.read, threading.Event()

    def watched(index: int) -> bytes:
        if index == 3:
            second.set()
        return read(index)

    dataset.store.read = watched
    coming = StreamedPixels(dataset.store, np.arange(4), SPEC).iter_batches([np.array([0, 1]), np.array([2, 3])])
    next(coming)
    assert second.wait(timeout=30)
    coming.close()


def test_what_is_not_wanted_any_more_is_not_decoded(twelve, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(workers, "count_processors", lambda: 1)
    streamed = StreamedPixels(twelve.store, np.arange(12), SPEC)
    hold, read = threading.Event(), twelve.store.read

    def cached(index: int) -> bytes:
        if index:
            hold.wait(timeout=30)
        return read(index)

    twelve.store.read = cached
    coming = streamed.iter_batches([np.array([number]) for number in range(12)])
    next(coming)
    coming.close()
    hold.set()
    assert len(streamed[np.array([0])]) == 1  # the one worker has come to the end of what was left
    assert twelve.store.reads <= 3


def test_a_image_that_broke_since_is_named(on_disk, processes):
    streamed = StreamedPixels(on_disk, np.arange(12), SPEC)
    Path(on_disk.file(5)).write_bytes(b"")
    with pytest.raises(DataError, match=r"5\.png is not readable any more"):
        streamed[np.array([4, 5])]
    assert len(streamed[np.array([4])]) == 1  # the workers live on


class Deadly(Store):
    def __len__(self) -> int:
        return 4

    def read(self, index: int) -> bytes:
        os.kill(os.getpid(), signal.SIGKILL)
        return b""

    def path(self, index: int) -> str:
        return str(index)

    def version_key(self) -> str:
        return ""


def test_a_worker_that_was_killed(processes):
    with pytest.raises(DataError, match="ended by the system"):
        StreamedPixels(Deadly(), np.arange(4), SPEC)[np.array([0])]


class Interrupting(FileStore):
    def read(self, index: int) -> bytes:
        os.kill(os.getpid(), signal.SIGINT)
        return super().read(index)


def test_control_c_is_not_for_the_workers(on_disk, processes):
    """A terminal sends it to all processes; the one that trains saves first, and needs its batch for that."""
    store = Interrupting(on_disk.root, [["3.png"]])
    assert StreamedPixels(store, np.arange(1), SPEC)[:].shape == (1, 16, 16, 3)


def test_torchruns_processes_divide_the_processors(twelve, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(workers, "count_processors", lambda: 8)
    monkeypatch.setenv("LOCAL_WORLD_SIZE", "4")
    assert len(workers.WorkerPool(lambda store, indices: indices, twelve.store, 12).submit(np.arange(12))) == 2


def test_shards_are_known(tmp_path: Path, twelve):
    store = ShardStore([tmp_path / "a.tar"], np.array([0, 0, 1, 2]), np.zeros((4, 2), np.int64), np.array([b"x"] * 4))
    shard = StreamedPixels(store, np.array([1, 3]), SPEC).shard
    assert shard is not None
    assert shard.tolist() == [0, 2]
    assert StreamedPixels(twelve.store, np.arange(2), SPEC).shard is None
