from __future__ import annotations

import io
import pickle
import tarfile
from pathlib import Path

import numpy as np
import pytest

from discern.data.cifar import CIFAR10, CIFAR100, Layout, find_cifar_layout, open_cifar
from discern.data.dataset import Split
from discern.errors import DataError

NAMES = {CIFAR10: "airplane\nautomobile\nbird\n\n", CIFAR100: "apple\naquarium_fish\nbaby\n"}


def contents(layout: Layout) -> dict[str, bytes]:
    rng = np.random.default_rng(0)
    files = {layout.names: NAMES[layout].encode()}
    for name in (*layout.train, layout.test):
        records = rng.integers(0, 256, (6, layout.before + 3072), dtype=np.uint8)
        records[:, layout.label_at] = np.arange(6) % 3
        files[name] = records.tobytes()
    return files


def pack(archive: Path, files: dict[str, bytes], prefix: str) -> None:
    with tarfile.open(archive, "w:gz") as packed:
        for name, data in files.items():
            item = tarfile.TarInfo(f"{prefix}/{name}")
            item.size = len(data)
            packed.addfile(item, io.BytesIO(data))


def refused(folder: Path) -> str:
    with pytest.raises(DataError) as caught:
        open_cifar(folder)
    return str(caught.value)


@pytest.mark.parametrize("layout", [CIFAR10, CIFAR100])
@pytest.mark.parametrize("how", ["plain", "folder", "packed"])
def test_both_however_they_lie_there(tmp_path: Path, layout: Layout, how: str) -> None:
    files = contents(layout)
    if how == "packed":
        pack(tmp_path / layout.archive, files, layout.folder)
    else:
        place = tmp_path / (layout.folder if how == "folder" else "")
        place.mkdir(exist_ok=True)
        for name, data in files.items():
            (place / name).write_bytes(data)
    data = open_cifar(tmp_path)
    trained = 6 * len(layout.train)
    assert data.classes == tuple(NAMES[layout].split())
    assert data.given_split.tolist() == [Split.TRAIN] * trained + [Split.TEST] * 6
    assert data.labels.tolist() == [0, 1, 2] * ((trained + 6) // 3)
    expected = np.frombuffer(files[layout.test], np.uint8).reshape(6, -1)[2, layout.before :].reshape(3, 32, 32)
    pixels = pickle.loads(pickle.dumps(data.store)).read(trained + 2)
    np.testing.assert_array_equal(pixels, expected.transpose(1, 2, 0))
    assert data.store.path(trained + 2) == f"{layout.test}#2"


def test_nothing_is_written_where_the_archive_says(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    pack(tmp_path / "data" / CIFAR10.archive, contents(CIFAR10), "../../escaped")
    assert len(open_cifar(tmp_path / "data")) == 36
    assert sorted(path.name for path in tmp_path.iterdir()) == ["data"]


def test_links_in_the_archive_are_not_followed(tmp_path: Path) -> None:
    files = contents(CIFAR10)
    del files[CIFAR10.names]
    pack(tmp_path / "part.tar.gz", files, "x")
    with tarfile.open(tmp_path / CIFAR10.archive, "w:gz") as packed:
        item = tarfile.TarInfo(CIFAR10.names)
        item.type, item.linkname = tarfile.SYMTYPE, "/etc/passwd"
        packed.addfile(item)
    assert "lacks" in refused(tmp_path)


def test_the_pickled_version_is_not_read(tmp_path: Path) -> None:
    (tmp_path / "cifar-10-python.tar.gz").write_bytes(b"x")
    assert find_cifar_layout(tmp_path) is None
    assert CIFAR10.archive in refused(tmp_path)


def test_a_missing_batch(tmp_path: Path) -> None:
    for name, data in contents(CIFAR10).items():
        (tmp_path / name).write_bytes(data)
    (tmp_path / "data_batch_3.bin").unlink()
    assert "lacks the file data_batch_3.bin" in refused(tmp_path)


def test_a_cut_batch(tmp_path: Path) -> None:
    for name, data in contents(CIFAR100).items():
        (tmp_path / name).write_bytes(data[:-1] if name == "train.bin" else data)
    assert "train.bin is truncated or corrupt" in refused(tmp_path)


def test_too_few_names(tmp_path: Path) -> None:
    for name, data in contents(CIFAR10).items():
        (tmp_path / name).write_bytes(b"airplane\n" if name == CIFAR10.names else data)
    assert "names fewer classes" in refused(tmp_path)


def test_a_cut_archive(tmp_path: Path) -> None:
    archive = tmp_path / CIFAR10.archive
    pack(archive, contents(CIFAR10), "x")
    archive.write_bytes(archive.read_bytes()[:-3000])
    assert "is truncated or corrupt" in refused(tmp_path)
