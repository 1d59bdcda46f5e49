from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from discern.data import pixel_cache as cache
from discern.data import workers
from discern.data.image import Box, decode_reduced
from discern.data.open import open_data
from discern.data.pixel_cache import available_memory, decode_all, evict
from discern.data.scan import ImageStats, scan_images
from discern.errors import ConfigError, DataError, DiskError
from discern.files import cache_folder
from discern.preprocess.spec import Preprocess


@pytest.fixture
def twelve(make_dataset, encode, photo):
    return make_dataset([encode(photo(number), "JPEG") for number in range(12)])


def files() -> list[Path]:
    folder = cache_folder() / "pixels"
    return sorted(path for path in folder.iterdir() if path.suffix != ".lock") if folder.is_dir() else []


@pytest.mark.parametrize("spec", [Preprocess(size=32), Preprocess(size=20, channels=1, resize="pad")])
def test_the_bytes_are_those_of_the_spec(twelve, spec):
    indices = np.array([7, 2, 9])
    pixels = decode_all(twelve, indices, scan_images(twelve), spec)
    assert pixels.shape == (3, *spec.shape)
    assert pixels.dtype == np.uint8
    for row, index in enumerate(indices.tolist()):
        expected = spec.apply(*decode_reduced(twelve.store.read(index), spec.min_side))
        np.testing.assert_array_equal(pixels[row], expected)


@pytest.mark.parametrize(("size", "most"), [(32, 2.5), (64, 2.0), (128, 1.6)])
def test_photographs_look_the_same_decoded_at_a_part_of_their_size(shared_data: Path, size: int, most: float) -> None:
    spec = Preprocess(size=size)
    apart, reduced = [], 0
    for path in sorted((shared_data / "hymenoptera" / "val" / "bees").glob("*.jpg"))[:12]:
        small, whole = decode_reduced(path.read_bytes(), spec.min_side), decode_reduced(path.read_bytes(), 0)
        apart.append(np.abs(spec.apply(*small).astype(np.int16) - spec.apply(*whole)).mean())
        reduced += small[0].size != whole[0].size
    assert reduced >= 10
    assert np.mean(apart) < most  # levels of 255; without the box it is 2 to 4


def test_a_second_call_decodes_nothing(twelve):
    stats, spec, indices = scan_images(twelve), Preprocess(size=16), np.arange(12)
    first = decode_all(twelve, indices, stats, spec)
    reads = twelve.store.reads
    np.testing.assert_array_equal(decode_all(twelve, indices, stats, spec), first)
    assert twelve.store.reads == reads
    decode_all(twelve, indices, stats, Preprocess(size=17))
    assert twelve.store.reads == reads + 12
    assert len(files()) == 2


def test_large_is_mapped_and_small_is_held(twelve, monkeypatch: pytest.MonkeyPatch):
    stats, spec, indices = scan_images(twelve), Preprocess(size=16), np.arange(12)
    in_memory = decode_all(twelve, indices, stats, spec)
    assert not isinstance(in_memory, np.memmap)
    monkeypatch.setattr(cache, "available_memory", lambda: 1000)
    mapped = decode_all(twelve, indices, stats, spec)
    assert isinstance(mapped, np.memmap)
    assert not mapped.flags.writeable
    np.testing.assert_array_equal(mapped, in_memory)


def test_a_damaged_file_is_made_again(twelve):
    stats, spec, indices = scan_images(twelve), Preprocess(size=16), np.arange(12)
    first = decode_all(twelve, indices, stats, spec).copy()
    (path,) = files()
    path.write_bytes(path.read_bytes()[:-100])
    np.testing.assert_array_equal(decode_all(twelve, indices, stats, spec), first)


def test_no_images(twelve):
    assert decode_all(twelve, np.zeros(0, np.int64), scan_images(twelve), Preprocess(size=8)).shape == (0, 8, 8, 3)


def test_a_image_that_broke_since_is_named_and_nothing_stays(twelve):
    stats = scan_images(twelve)
    twelve.store.files[5] = b"broken"
    with pytest.raises(DataError, match=r"5\.png is not readable any more"):
        decode_all(twelve, np.arange(12), stats, Preprocess(size=16))
    assert files() == []


def test_processes_write_what_threads_write(shared_data: Path, monkeypatch: pytest.MonkeyPatch):
    dataset, spec = open_data(shared_data / "fruit"), Preprocess(size=24)
    stats, indices = scan_images(dataset), np.arange(140)
    monkeypatch.setattr(workers, "MAX_FOR_THREADS", 10)
    monkeypatch.setattr(workers, "BATCH", 32)
    monkeypatch.setattr(workers, "count_processors", lambda: 2)
    calls: list[int] = []
    pixels = decode_all(dataset, indices, stats, spec, lambda what, done, total: calls.append(done))
    for index in (0, 77, 139):
        np.testing.assert_array_equal(
            pixels[index], spec.apply(*decode_reduced(dataset.store.read(index), spec.min_side))
        )
    assert calls == sorted(calls)
    assert calls[-1] == 140


CHILD = """
import sys, numpy as np, resource
from discern.data import pixel_cache as cache
from discern.data.open import open_data
from discern.data.scan import scan_images
from discern.preprocess.spec import Preprocess
from discern.errors import DiskError

def main(size, limit, slow):
    dataset = open_data("digits")
    stats = scan_images(dataset)
    if limit:
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
    writes = []
    real = cache._write_array
    cache._write_array = lambda *arguments: (writes.append(1), print("writing", flush=True), real(*arguments))
    if slow:
        import time
        write = cache._write_batch
        cache._write_batch = lambda *arguments: (time.sleep(0.02), write(*arguments))
    try:
        pixels = cache.decode_all(dataset, np.arange(len(dataset)), stats, Preprocess(size=size))
    except DiskError as error:
        print("DiskError", error)
        return
    print("written" if writes else "reused", int(pixels.sum()), flush=True)

main(*map(int, sys.argv[1:]))
"""


def child(size: int, limit: int = 0, slow: int = 0) -> subprocess.Popen[str]:
    arguments = [sys.executable, "-W", "error", "-c", CHILD, str(size), str(limit), str(slow)]
    return subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def test_two_processes_at_once_do_the_work_once():
    scan_images(open_data("digits"))
    both = [child(8, slow=1), child(8, slow=1)]
    output = [process.communicate(timeout=60)[0].split() for process in both]
    assert sorted(words[-2] for words in output) == ["reused", "written"]
    assert output[0][-1] == output[1][-1]
    assert len(files()) == 1


def test_a_process_killed_in_the_middle_leaves_nothing_in_the_way():
    scan_images(open_data("digits"))
    process = child(8, slow=1)
    assert process.stdout is not None
    assert process.stdout.readline().strip() == "writing"
    time.sleep(0.2)
    os.kill(process.pid, signal.SIGKILL)
    process.communicate(timeout=20)
    assert [path.suffix for path in files()] == [".part"]
    dataset = open_data("digits")
    pixels = decode_all(dataset, np.arange(len(dataset)), scan_images(dataset), Preprocess(size=8))
    assert pixels.shape == (1797, 8, 8, 3)
    assert [path.suffix for path in files()] == [".npy"]


def test_a_full_disk_is_an_error_and_leaves_nothing():
    scan_images(open_data("digits"))
    output = child(8, limit=100_000).communicate(timeout=60)[0]
    assert output.splitlines()[-1].startswith("DiskError The disk that holds")
    assert files() == []


@pytest.mark.parametrize("reserved", [True, False])
def test_a_disk_that_fills_up_on_the_way(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, reserved):
    """A file system of one megabyte; without a reservation the writes themselves must fail cleanly."""
    small = tmp_path / "small"
    small.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(small)], check=False, capture_output=True
    )
    if mounted.returncode:
        pytest.skip("only root may mount a small disk")
    try:
        dataset = open_data("digits")
        stats = scan_images(dataset)
        monkeypatch.setenv("DISCERN_CACHE", str(small))
        if not reserved:
            monkeypatch.setattr(os, "posix_fallocate", lambda *arguments: None)
        with pytest.raises(DiskError, match="is full"):
            decode_all(dataset, np.arange(len(dataset)), stats, Preprocess(size=28))
        assert files() == []
    finally:
        subprocess.run(["umount", str(small)], check=True)


def test_where_space_cannot_be_reserved_it_is_filled(twelve, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delattr(os, "posix_fallocate")
    pixels = decode_all(twelve, np.arange(12), scan_images(twelve), Preprocess(size=16))
    assert pixels.any(axis=(1, 2, 3)).all()


def test_the_least_recently_used_goes_first(twelve, monkeypatch: pytest.MonkeyPatch):
    stats, indices = scan_images(twelve), np.arange(12)
    written = []
    for size in (16, 17, 18):
        decode_all(twelve, indices, stats, Preprocess(size=size))
        written.append(next(path for path in files() if path not in written))
        os.utime(written[-1], (size, size))  # 16 was used longest ago
    decode_all(twelve, indices, stats, Preprocess(size=16))  # and now it was used last
    monkeypatch.setenv("DISCERN_CACHE_LIMIT", str(30_000 / 1e9))
    evict(cache_folder() / "pixels", room_for=12 * 10 * 10 * 3)
    assert files() == sorted([written[0], written[2]])
    evict(cache_folder() / "pixels", room_for=30_000)
    assert files() == []


def test_abandoned_temporary_files_go(tmp_path: Path):
    old, young = tmp_path / ".a.npy.1.part", tmp_path / ".b.npy.2.part"
    for path in (old, young):
        path.write_bytes(b"half")
    os.utime(old, (1, 1))
    evict(tmp_path, room_for=0)
    assert not old.exists()
    assert young.exists()


@pytest.mark.parametrize("value", ["much", "0", "-3", "nan"])
def test_a_limit_that_is_no_number(monkeypatch: pytest.MonkeyPatch, value):
    monkeypatch.setenv("DISCERN_CACHE_LIMIT", value)
    with pytest.raises(ConfigError, match="DISCERN_CACHE_LIMIT"):
        cache.cache_limit()


def test_a_wrong_spec_is_a_programmers_error(twelve):
    class Wrong:
        key, shape, min_side = "wrong", (4, 4, 3), 0

        def apply(self, image: Image.Image, box: Box | None = None) -> np.ndarray:
            return np.zeros((4, 4), np.uint8)

    with pytest.raises(TypeError, match=r"spec\.apply returned"):
        decode_all(twelve, np.arange(3), ImageStats.blank(12), Wrong())


def test_free_memory_is_plausible():
    assert 1 << 20 < available_memory() < 1 << 50
