from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from discern.data import builtin
from discern.data.builtin import BUILTIN_NAMES, REMOTES, is_download_interrupted, open_builtin, open_official
from discern.data.dataset import Split
from discern.download import RemoteFile
from discern.errors import DownloadError
from discern.files import cache_folder


def offline(name: str) -> tuple[RemoteFile, ...]:
    return tuple(RemoteFile(remote.name, remote.sha256, ("http://127.0.0.1:1/",)) for remote in REMOTES[name])


def test_digits() -> None:
    data = open_builtin("digits")
    assert (data.name, len(data), data.classes) == ("digits", 1797, tuple("0123456789"))
    assert (data.given_split == Split.NONE).all() and data.notices == ()
    pixels = np.stack([data.store.read(index) for index in range(100)])
    assert (pixels.dtype, pixels.shape, pixels.min(), pixels.max()) == (np.uint8, (100, 8, 8), 0, 255)


@pytest.mark.parametrize("name", list(REMOTES))
def test_offline_it_says_which_files_to_put_where(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(builtin.REMOTES, name, offline(name))
    with pytest.raises(DownloadError) as caught:
        open_builtin(name)
    message = str(caught.value)
    assert all(remote.name in message for remote in REMOTES[name])
    assert str(cache_folder() / "data" / name) in message


def test_official_files_are_known_by_their_names(shared_data: Path, tmp_path: Path) -> None:
    assert open_official(tmp_path, "mnist") is None
    data = open_official(shared_data / "mnist", "mnist")
    assert data is not None and len(data) == 70_000


def test_an_interrupted_download_is_noticed() -> None:
    folder = cache_folder() / "data" / "mnist"
    folder.mkdir(parents=True)
    assert not is_download_interrupted(folder, "mnist")
    first, *others = REMOTES["mnist"]
    (folder / first.name).touch()
    assert is_download_interrupted(folder, "mnist")
    for remote in others:
        (folder / remote.name).touch()
    assert not is_download_interrupted(folder, "mnist")


def test_remotes_are_well_formed() -> None:
    assert set(BUILTIN_NAMES) == {"digits", "iris", *REMOTES}
    all_remotes = [remote for remotes in REMOTES.values() for remote in remotes]
    assert all(re.fullmatch("[0-9a-f]{64}", remote.sha256) for remote in all_remotes)
    assert len({remote.sha256 for remote in all_remotes}) == len(all_remotes)
    assert all(url.endswith(f"/{remote.name}") for remote in all_remotes for url in remote.urls)
