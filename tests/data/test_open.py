from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from discern.data.builtin import REMOTES
from discern.data.dataset import ImageDataset, TableDataset
from discern.data.open import find_local, open_data
from discern.errors import DataError, DownloadError
from discern.files import cache_folder
from discern.notices import Notice


def refused(source: object) -> str:
    with pytest.raises(DataError) as caught:
        open_data(source)  # type: ignore[arg-type]
    return str(caught.value)


def fill(root: Path, *names: str) -> Path:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(b"x")
    return root


def write_idx(folder: Path) -> None:
    images = np.zeros((4, 28, 28), np.uint8)
    folder.mkdir(parents=True)
    for stem in ("train", "t10k"):
        header = b"\0\0\x08\x03" + np.array(images.shape, ">u4").tobytes()
        (folder / f"{stem}-images-idx3-ubyte").write_bytes(header + images.tobytes())
        header = b"\0\0\x08\x01" + np.array([4], ">u4").tobytes()
        (folder / f"{stem}-labels-idx1-ubyte").write_bytes(header + bytes([0, 1, 9, 1]))


def test_a_data_set_passes_through() -> None:
    data = open_data("digits")
    assert isinstance(data, ImageDataset) and open_data(data) is data
    assert isinstance(open_data("iris"), TableDataset)


def test_a_folder_a_table_and_parquet(shared_data: Path, tmp_path: Path) -> None:
    fill(tmp_path, "a/1.jpg", "b/1.jpg").joinpath("t.csv").write_text("path,label\na/1.jpg,x\nb/1.jpg,y\n")
    assert open_data(tmp_path).classes == ("a", "b")
    assert open_data(str(tmp_path / "t.csv")).classes == ("x", "y")
    assert len(open_data(shared_data / "mnist")) == 70000
    assert len(open_data(shared_data / "mnist" / "test.parquet")) == 10000
    assert len(open_data(shared_data / "fruit")) == 142


def test_what_exists_wins_over_a_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(fill(tmp_path, "digits/a/1.jpg", "digits/b/1.jpg"))
    data = open_data("digits")
    assert data.classes == ("a", "b")
    assert data.notices[0].text().startswith("'digits' is the ")
    assert open_data(Path("digits").resolve()).notices == ()


def test_any_folder_of_the_data_folder_has_a_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DISCERN_DATA", str(tmp_path))
    fill(tmp_path, "pets/a/1.jpg", "pets/b/1.jpg", "deep/inside/a/1.jpg", "deep/inside/b/1.jpg")
    (tmp_path / "flowers.csv").write_text("height,class\n1.5,a\n2.5,b\n")
    for name in ("pets", "pets/", "deep/inside"):
        data = open_data(name)
        assert data.classes == ("a", "b") and data.origin == str(tmp_path / name)
        assert data.notices[-1] == Notice("data.found_in_data_folder", {"name": name, "path": str(tmp_path / name)})
    assert isinstance(open_data("flowers.csv"), TableDataset)
    assert find_local("../pets") is None and find_local(str(tmp_path / "pets")) is None and find_local("") is None
    (tmp_path / "empty").mkdir()
    assert "empty has no images" in refused("empty")


def test_a_built_in_data_set_is_looked_up_before_it_is_downloaded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DISCERN_DATA", str(tmp_path))
    monkeypatch.setenv("DISCERN_OFFLINE", "1")
    (tmp_path / "mnist").mkdir()  # empty: as if it were not there
    with pytest.raises(DownloadError):
        open_data("mnist")
    write_idx(tmp_path / "fashion-mnist")
    data = open_data("fashion-mnist")
    assert (data.name, data.origin, data.notices[0].code) == ("fashion-mnist",) * 2 + ("data.empty_classes",)
    assert data.classes == ("T-shirt/top", "Trouser", "Ankle boot")
    fill(tmp_path, "mnist/0/1.png", "mnist/1/1.png")
    assert open_data("mnist").classes == ("0", "1")
    fill(tmp_path, "digits/a/1.jpg", "digits/b/1.jpg")
    assert len(open_data("digits")) == 1797  # it comes with scikit-learn, everywhere


def test_files_in_the_cache_folder_are_found_and_an_interrupted_download_goes_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("DISCERN_DATA", raising=False)
    monkeypatch.setenv("DISCERN_OFFLINE", "1")
    write_idx(cache_folder() / "data" / "fashion-mnist")
    assert open_data("fashion-mnist").name == "fashion-mnist"
    fill(cache_folder() / "data" / "mnist", REMOTES["mnist"][0].name)
    with pytest.raises(DownloadError, match="could not be downloaded"):
        open_data("mnist")


@pytest.mark.parametrize("name", ["fruit", "hymenoptera", "mnist", "cifar10"])
def test_real_data_sets_by_name(shared_data: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv("DISCERN_DATA", str(shared_data))
    data = open_data(name)
    assert data.name == name and len(data.classes) in (2, 3, 10)


def test_missing_path_and_similar_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DISCERN_DATA", str(tmp_path))
    assert refused("mnits").startswith('Unknown data set "mnits" (did you mean mnist')
    fill(tmp_path, "images/a/1.jpg")
    assert f"did you mean {tmp_path / 'images'}?" in refused(str(tmp_path / "imagse"))
    assert f"did you mean images?). Searched here, in {tmp_path}, " in refused("imagse")
    message = refused(str(tmp_path / "deep" / "qqqq"))
    assert "digits, iris, mnist, fashion-mnist, cifar10, cifar100" in message and f"in {tmp_path}, " in message
    assert "DISCERN_DATA" in message
    assert "Unknown data set" in refused("")


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("one.jpg", "is one image"),
        ("all.zip", "unpack it"),
        ("all.tar.gz", "unpack it"),
        ("notes.txt", "is not a data set"),
    ],
)
def test_files_that_are_no_data_set(tmp_path: Path, name: str, message: str) -> None:
    assert message in refused(fill(tmp_path, name) / name)


def test_no_torch_is_loaded() -> None:
    code = "import sys; from discern.data.open import open_data; open_data('digits'); assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)
