from __future__ import annotations

import io
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from discern.data import workers
from discern.data.folder import open_folder
from discern.data.scan import FORMATS, PROBLEMS, compute_phash, scan_batch, scan_images
from discern.files import cache_folder


def test_columns_say_what_is_there(make_dataset, encode, photo):
    color, gray = photo(1, (120, 90)), photo(2, (40, 60)).convert("L")
    stats = scan_images(make_dataset([encode(color, "JPEG"), encode(gray), np.asarray(gray)]))
    assert stats.width.tolist() == [120, 40, 40]
    assert stats.height.tolist() == [90, 60, 60]
    assert stats.channels.tolist() == [3, 1, 1]
    assert [FORMATS[code] for code in stats.format] == ["jpeg", "png", "raw"]
    assert stats.size[2] == 40 * 60
    assert stats.problem.tolist() == [0, 0, 0]
    assert stats.thumbnail.dtype == np.uint8
    assert stats.thumbnail.shape == (3, 16, 16)
    np.testing.assert_array_equal(stats.thumbnail[1], stats.thumbnail[2])
    assert stats.colorfulness[0] > 10 > stats.colorfulness[1]


def test_looks_of_a_plain_image(make_dataset, encode):
    half = np.zeros((64, 64, 3), np.uint8)
    half[:32] = (200, 100, 0)
    stats = scan_images(make_dataset([encode(Image.new("RGB", (50, 50), (10, 20, 30))), encode(Image.fromarray(half))]))
    assert stats.deviation[0] == 0
    assert stats.flat.tolist() == pytest.approx([1.0, 0.5], abs=0.04)
    assert stats.mean_color.tolist() == [[10, 20, 30], [100, 50, 0]]
    assert stats.colorfulness.tolist() == pytest.approx([20, 100], abs=1)


@pytest.mark.parametrize("size", [(800, 400), (60, 40)])
def test_size_is_the_whole_images_and_upright(make_dataset, encode, photo, size):
    exif = Image.Exif()
    exif[0x0112] = 6
    stats = scan_images(make_dataset([encode(photo(1, size), "JPEG", exif=exif.tobytes())]))
    assert (stats.width[0], stats.height[0]) == (size[1], size[0])


def test_broken_images_are_recorded(make_dataset, encode, photo):
    whole = encode(photo(1), "JPEG")
    stats = scan_images(make_dataset([whole, whole[: len(whole) // 2], b"", b"<html>no</html>"]))
    assert [PROBLEMS[code] for code in stats.problem] == ["", "truncated", "empty", "not_an_image"]
    assert stats.flat[1] == stats.phash[1] == 0


def test_a_file_that_vanished_is_missing(tmp_path: Path, encode, photo):
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "1.png").write_bytes(encode(photo(1)))
    dataset = open_folder(tmp_path)
    (tmp_path / "a" / "1.png").unlink()
    assert [PROBLEMS[code] for code in scan_images(dataset).problem] == ["missing", ""]


def test_second_scan_reads_the_cache_and_a_damaged_cache_is_remade(make_dataset, encode, photo):
    dataset = make_dataset([encode(photo(number)) for number in range(3)])
    first = scan_images(dataset)
    again = scan_images(dataset)
    assert dataset.store.reads == 3
    np.testing.assert_array_equal(first.phash, again.phash)
    (kept,) = (cache_folder() / "scan").iterdir()
    for damaged in (b"", kept.read_bytes()[:-40], b"PK" + bytes(100)):
        before = dataset.store.reads
        kept.write_bytes(damaged)
        assert scan_images(dataset).fingerprint() == first.fingerprint()
        assert dataset.store.reads == before + 3


def test_fingerprint_depends_on_content_and_order(make_dataset, encode, photo):
    stats = scan_images(make_dataset([encode(photo(number)) for number in (1, 2, 1)]))
    assert stats.fingerprint([0, 1]) == stats.fingerprint(np.array([2, 1]))
    assert stats.fingerprint([0, 1]) != stats.fingerprint([1, 0])
    assert stats.fingerprint() == stats.fingerprint([0, 1, 2])


def test_hash_ignores_brightness_and_size(photo):
    pil_image = photo(5, (256, 256)).convert("L")

    def small(image: Image.Image) -> np.ndarray:
        return np.asarray(image.resize((32, 32), Image.Resampling.BILINEAR))

    views = np.stack(
        [small(pil_image), small(pil_image.resize((200, 200))), small(pil_image.point(lambda v: v * 0.9 + 5))]
    )
    hashes = compute_phash(views)
    assert all(int(hashes[0] ^ other).bit_count() <= 4 for other in hashes[1:])
    assert int(hashes[0] ^ compute_phash(small(photo(6).convert("L"))[None])[0]).bit_count() > 12


def test_processes_agree_with_threads(tmp_path: Path, encode, photo, monkeypatch: pytest.MonkeyPatch):
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        for number in range(20):
            (tmp_path / name / f"{number}.png").write_bytes(encode(photo(number, (20, 20))))
    dataset = open_folder(tmp_path)
    told: list[tuple[int, int]] = []
    monkeypatch.setattr(workers, "MAX_FOR_THREADS", 10)
    monkeypatch.setattr(workers, "BATCH", 16)
    monkeypatch.setattr(workers, "count_processors", lambda: 2)
    stats = scan_images(dataset, lambda what, done, total: told.append((done, total)))
    expected = scan_batch(dataset.store, np.arange(40))
    np.testing.assert_array_equal(stats.digest, expected.digest)
    np.testing.assert_array_equal(stats.thumbnail, expected.thumbnail)
    assert told[0] == (0, 40)
    assert told[-1] == (40, 40)


def test_scanning_imports_no_torch():
    code = "import sys, discern.data.pixel_cache, discern.data.split; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_real_photos(shared_data: Path):
    dataset = open_folder(shared_data / "hymenoptera")
    stats = scan_images(dataset)
    index = next(i for i in range(len(dataset)) if dataset.store.path(i).endswith("imageNotFound.gif"))
    assert not stats.problem.any()
    assert (stats.width[index], stats.height[index]) == (300, 300)
    data = dataset.store.read(0)
    assert isinstance(data, bytes)
    with Image.open(io.BytesIO(data)) as header:
        assert header.size == (stats.width[0], stats.height[0])
