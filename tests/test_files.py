from __future__ import annotations

import errno
import os
import socket
import threading
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from safetensors import SafetensorError

from discern.errors import DiskError
from discern.files import (
    atomic_write,
    cache_folder,
    check_regular,
    data_folders,
    disk_errors,
    read_file,
    read_json,
    write_json,
    write_text,
)

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


def test_a_file_is_whole_or_as_it_was(tmp_path: Path) -> None:
    target = tmp_path / "sub" / "note.txt"
    write_text(target, "old")
    with pytest.raises(KeyError), atomic_write(target) as temporary:
        temporary.write_text("half")
        raise KeyError
    assert target.read_text() == "old"
    assert [file.name for file in target.parent.iterdir()] == ["note.txt"]


def test_nobody_sees_the_file_before_it_is_whole(tmp_path: Path) -> None:
    target = tmp_path / "note.txt"
    with atomic_write(target) as temporary:
        temporary.write_text("whole")
        assert not target.exists()
        assert temporary.parent == target.parent  # a rename must stay on one disk
    assert target.read_text() == "whole"
    assert [file.name for file in tmp_path.iterdir()] == ["note.txt"]


def test_many_writers_leave_one_whole_file(tmp_path: Path) -> None:
    target = tmp_path / "note.txt"
    texts = [str(n) * 10_000 for n in range(8)]
    writers = [threading.Thread(target=write_text, args=(target, text)) for text in texts]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert target.read_text() in texts
    assert [file.name for file in tmp_path.iterdir()] == ["note.txt"]


@given(JSON)
def test_json_comes_back(tmp_path_factory: pytest.TempPathFactory, value: object) -> None:
    file = tmp_path_factory.mktemp("json") / "value.json"
    write_json(file, value)
    assert read_json(file) == value


def test_json_is_readable_to_a_person(tmp_path: Path) -> None:
    write_json(tmp_path / "value.json", {"類別": "蘋果"})
    assert (tmp_path / "value.json").read_text(encoding="utf-8") == '{\n  "類別": "蘋果"\n}\n'


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EFBIG])
def test_a_full_disk_leaves_no_partial_file(tmp_path: Path, number: int) -> None:
    with (
        pytest.raises(DiskError, match=r"disk that holds .*note\.txt is full: free some space"),
        atomic_write(tmp_path / "note.txt") as temporary,
    ):
        temporary.write_text("half")
        raise OSError(number, os.strerror(number))
    assert [file.name for file in tmp_path.iterdir()] == []


@pytest.mark.parametrize("number", [errno.EACCES, errno.EPERM, errno.EROFS])
def test_a_folder_that_is_not_writable(tmp_path: Path, number: int) -> None:
    with (
        pytest.raises(DiskError, match="is not writable: choose another folder"),
        disk_errors(tmp_path),
    ):
        raise OSError(number, os.strerror(number))


REFUSALS = {errno.EIO: "check the disk", errno.ENAMETOOLONG: "choose a shorter one", errno.EMFILE: "was not written"}


@pytest.mark.parametrize("number", REFUSALS)
def test_other_refusals_of_the_system(tmp_path: Path, number: int) -> None:
    with pytest.raises(DiskError, match=REFUSALS[number]), atomic_write(tmp_path / "note.txt"):
        raise OSError(number, os.strerror(number))
    assert [file.name for file in tmp_path.iterdir()] == []


def test_safetensors_tells_of_a_full_disk_in_its_own_way(tmp_path: Path) -> None:
    text = "Error while serializing: I/O error: No space left on device (os error 28)"
    with pytest.raises(DiskError, match="is full: free some space"), atomic_write(tmp_path / "a.safetensors"):
        raise SafetensorError(text)


def test_what_fails_elsewhere_is_not_told_of_this_file(tmp_path: Path) -> None:
    with pytest.raises(PermissionError), atomic_write(tmp_path / "note.txt"):
        raise PermissionError(errno.EACCES, "no", str(tmp_path / "data" / "1.jpg"))


def test_what_is_no_regular_file_is_refused_at_once(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.png")
    server = socket.socket(socket.AF_UNIX)
    server.bind(str(tmp_path / "socket.png"))
    for path in (tmp_path / "pipe.png", Path("/dev/zero"), Path("/dev/tty")):
        with pytest.raises(OSError):
            read_file(path)
    with pytest.raises(OSError):
        read_file(tmp_path / "socket.png")
    server.close()
    with pytest.raises(IsADirectoryError):
        read_file(tmp_path)
    for path in (tmp_path / "pipe.png", tmp_path / "socket.png", tmp_path):
        with pytest.raises(OSError):
            check_regular(path)


def test_a_file_of_many_gigabytes_is_not_read(tmp_path: Path) -> None:
    with (tmp_path / "sparse.png").open("wb") as file:
        file.truncate(20 << 30)
    with pytest.raises(OSError, match="larger than"):
        read_file(tmp_path / "sparse.png")
    with pytest.raises(OSError, match="larger than 0 MB"):
        read_file("/proc/cpuinfo", 100)  # whose stated size is 0


def test_a_file_that_may_not_be_read_is_not_called_damaged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*arguments: object) -> int:
        raise PermissionError(errno.EACCES, "Permission denied")

    write_json(tmp_path / "value.json", 1)
    monkeypatch.setattr(os, "open", refuse)  # to the administrator, who runs the tests, nothing is refused
    with pytest.raises(DiskError, match=r"is not readable \(Permission denied\): check its permissions"):
        read_json(tmp_path / "value.json")


def test_a_file_in_the_place_of_a_folder(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    for target in (tmp_path / "file" / "note.txt", tmp_path / "file" / "deep" / "note.txt"):
        with pytest.raises(DiskError, match="choose another folder"):
            write_text(target, "x")
    assert (tmp_path / "file").read_text() == "mine"


def test_other_errors_keep_their_kind(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError), disk_errors(tmp_path):
        (tmp_path / "missing").read_text()


def test_where_the_cache_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DISCERN_CACHE", "~/here")
    assert cache_folder() == Path.home() / "here"
    monkeypatch.delenv("DISCERN_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", "/x")
    assert cache_folder() == Path("/x/discern")
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert cache_folder() == Path.home() / ".cache" / "discern"


def test_where_named_data_is_looked_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DISCERN_CACHE", "/c")
    monkeypatch.setenv("DISCERN_DATA", "/d")
    assert data_folders() == [Path("/d"), Path("/c/data")]
    monkeypatch.delenv("DISCERN_DATA")
    assert data_folders() == [Path("/c/data")]
