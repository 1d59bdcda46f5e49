from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from discern.data import named
from discern.data.dataset import Part
from discern.data.named import NAMES, REMOTES, open_named
from discern.download import Remote
from discern.errors import DownloadError
from discern.files import cache_folder


def test_digits() -> None:
    data = open_named("digits")
    assert (data.name, len(data), data.classes) == ("digits", 1797, tuple("0123456789"))
    assert (data.given == Part.NONE).all() and data.notes == ()
    pixels = np.stack([data.store.read(index) for index in range(100)])
    assert (pixels.dtype, pixels.shape, pixels.min(), pixels.max()) == (np.uint8, (100, 8, 8), 0, 255)


@pytest.mark.parametrize("name", ["mnist", "cifar10"])
def test_found_in_the_data_folder(shared_data: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv("DISCERN_DATA", str(shared_data))
    data = open_named(name)
    assert (data.name, data.origin, len(data.classes)) == (name, name, 10)


def offline(name: str) -> tuple[Remote, ...]:
    return tuple(Remote(remote.name, remote.sha256, ("http://127.0.0.1:1/",)) for remote in REMOTES[name])


@pytest.mark.parametrize("name", list(REMOTES))
def test_offline_it_says_which_files_to_put_where(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(named.REMOTES, name, offline(name))
    monkeypatch.delenv("DISCERN_DATA", raising=False)
    with pytest.raises(DownloadError) as caught:
        open_named(name)
    sentence = str(caught.value)
    assert all(remote.name in sentence for remote in REMOTES[name])
    assert str(cache_folder() / "data" / name) in sentence


def test_files_put_there_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    images = np.zeros((4, 28, 28), np.uint8)
    folder = cache_folder() / "data" / "fashion-mnist"
    folder.mkdir(parents=True)
    for stem in ("train", "t10k"):
        (folder / f"{stem}-images-idx3-ubyte").write_bytes(
            b"\0\0\x08\x03" + np.array(images.shape, ">u4").tobytes() + images.tobytes()
        )
        (folder / f"{stem}-labels-idx1-ubyte").write_bytes(
            b"\0\0\x08\x01" + np.array([4], ">u4").tobytes() + bytes([0, 1, 9, 1])
        )
    monkeypatch.delenv("DISCERN_DATA", raising=False)
    data = open_named("fashion-mnist")
    assert (data.name, data.classes) == ("fashion-mnist", ("T-shirt/top", "Trouser", "Ankle boot"))


def test_remotes_are_well_formed() -> None:
    assert set(NAMES) == {"digits", "iris", *REMOTES}
    every = [remote for remotes in REMOTES.values() for remote in remotes]
    assert all(re.fullmatch("[0-9a-f]{64}", remote.sha256) for remote in every)
    assert len({remote.sha256 for remote in every}) == len(every)
    assert all(url.endswith(f"/{remote.name}") for remote in every for url in remote.urls)
