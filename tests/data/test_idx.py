from __future__ import annotations

import gzip
import pickle
import struct
from pathlib import Path

import numpy as np
import pytest

from discern.data import raw
from discern.data.dataset import Split
from discern.data.idx import open_idx
from discern.errors import DataError


def idx(array: np.ndarray) -> bytes:
    return struct.pack(f">BBBB{array.ndim}I", 0, 0, 8, array.ndim, *array.shape) + array.tobytes()


def write(folder: Path, stem: str, count: int, packed: bool, classes: int = 3) -> np.ndarray:
    images = np.random.default_rng(count).integers(0, 256, (count, 5, 4), dtype=np.uint8)
    labels = (np.arange(count) % classes).astype(np.uint8)
    folder.mkdir(parents=True, exist_ok=True)
    for kind, array in (("images-idx3", images), ("labels-idx1", labels)):
        data = idx(array)
        name = f"{stem}-{kind}-ubyte"
        (folder / (f"{name}.gz" if packed else name)).write_bytes(gzip.compress(data) if packed else data)
    return images


def refused(folder: Path) -> str:
    with pytest.raises(DataError) as caught:
        open_idx(folder)
    return str(caught.value)


@pytest.mark.parametrize("packed", [True, False])
@pytest.mark.parametrize("inner", ["", "raw"])
def test_both_parts(tmp_path: Path, packed: bool, inner: str) -> None:
    train, test = (write(tmp_path / inner, stem, count, packed) for stem, count in (("train", 9), ("t10k", 4)))
    data = open_idx(tmp_path)
    assert (data.classes, data.notices) == (("0", "1", "2"), ())
    assert data.given_split.tolist() == [Split.TRAIN] * 9 + [Split.TEST] * 4
    assert data.labels.tolist() == [0, 1, 2] * 3 + [0, 1, 2, 0]
    store = pickle.loads(pickle.dumps(data.store))
    for index, expected in enumerate([*train, *test]):
        pixels = store.read(index)
        assert isinstance(pixels, np.ndarray) and type(pixels) is np.ndarray
        np.testing.assert_array_equal(pixels, expected)
    assert [store.path(index) for index in (0, 9)] == ["train-images-idx3-ubyte#0", "t10k-images-idx3-ubyte#0"]
    with pytest.raises(IndexError):
        store.read(13)


def test_names_for_the_labels(tmp_path: Path) -> None:
    write(tmp_path, "train", 9, packed=False)
    assert open_idx(tmp_path, ("coat", "bag", "shirt")).classes == ("coat", "bag", "shirt")


def test_the_older_spelling_with_a_dot(tmp_path: Path) -> None:
    write(tmp_path, "train", 9, packed=False)
    for file in tmp_path.iterdir():
        file.rename(file.with_name(file.name.replace("-idx", ".idx")))
    assert len(open_idx(tmp_path)) == 9


def test_missing_labels(tmp_path: Path) -> None:
    write(tmp_path, "train", 9, packed=True)
    (tmp_path / "train-labels-idx1-ubyte.gz").unlink()
    assert "lacks the file train-labels-idx1-ubyte" in refused(tmp_path)


def test_labels_of_other_images(tmp_path: Path) -> None:
    write(tmp_path, "train", 9, packed=False)
    (tmp_path / "train-labels-idx1-ubyte").write_bytes(idx(np.zeros(8, np.uint8)))
    assert "do not belong together" in refused(tmp_path)


def test_no_files(tmp_path: Path) -> None:
    assert "has no IDX files" in refused(tmp_path)


@pytest.mark.parametrize("data", [b"", b"\0\0\x08\x03", b"something else", idx(np.zeros((9, 5, 4), np.uint8))[:-1]])
def test_truncated(tmp_path: Path, data: bytes) -> None:
    write(tmp_path, "train", 9, packed=False)
    (tmp_path / "train-images-idx3-ubyte").write_bytes(data)
    assert "is truncated or corrupt" in refused(tmp_path)


def test_a_damaged_archive(tmp_path: Path) -> None:
    write(tmp_path, "train", 9, packed=True)
    file = tmp_path / "train-images-idx3-ubyte.gz"
    for damaged in (file.read_bytes()[:-20], b"not packed", file.read_bytes()[:20] + b"\xff" * 60):
        file.write_bytes(damaged)
        assert "is truncated or corrupt" in refused(tmp_path)


def test_an_archive_that_swells(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(raw, "MAX_BYTES", 1000)
    write(tmp_path, "train", 90, packed=True)
    assert "unpacks to more than 1000 bytes" in refused(tmp_path)
