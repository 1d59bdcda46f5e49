from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from discern import download as module
from discern.download import RemoteFile, download, fetch_checksum
from discern.errors import DownloadError
from tests.hub import hub

CONTENT = bytes(range(256)) * 3000


class Handler(BaseHTTPRequestHandler):
    """Serves what its path asks for."""

    def do_GET(self) -> None:
        if self.path == "/gone":
            self.send_error(404)
            return
        self.send_response(200)
        if self.path != "/unsaid":
            self.send_header("Content-Length", str(len(CONTENT)))
        self.end_headers()
        self.wfile.write({"/cut": CONTENT[:1000], "/other": bytes(len(CONTENT))}.get(self.path, CONTENT))

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    monkeypatch.delenv("DISCERN_OFFLINE")
    running = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=running.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{running.server_address[1]}"
    running.shutdown()
    running.server_close()
    thread.join()


def remote(*urls: str) -> RemoteFile:
    return RemoteFile("file.bin", hashlib.sha256(CONTENT).hexdigest(), urls)


def test_it_arrives_whole_and_is_not_fetched_again(server: str, tmp_path: Path) -> None:
    told: list[tuple[str, int, int]] = []
    target = download(remote(f"{server}/it"), tmp_path / "new", lambda *seen: told.append(seen))
    assert target.read_bytes() == CONTENT
    assert told[-1] == ("downloading file.bin", len(CONTENT), len(CONTENT))
    assert download(remote("http://127.0.0.1:1/"), tmp_path / "new") == target


def test_a_server_that_does_not_say_how_much(server: str, tmp_path: Path) -> None:
    totals: list[int] = []
    download(remote(f"{server}/unsaid"), tmp_path, lambda what, done, total: totals.append(total))
    assert set(totals) == {0}


def test_the_next_mirror_is_tried(server: str, tmp_path: Path) -> None:
    urls = [f"{server}/{path}" for path in ("gone", "cut", "other", "it")]
    assert download(remote("http://127.0.0.1:1/", *urls), tmp_path).read_bytes() == CONTENT


@pytest.mark.parametrize(
    ("path", "said"),
    [("gone", "Not Found"), ("cut", "cut after 1000 of 768000 bytes"), ("other", "its checksum is wrong")],
)
def test_nothing_is_left_of_a_file_that_is_not_right(server: str, tmp_path: Path, path: str, said: str) -> None:
    with pytest.raises(DownloadError, match=said) as caught:
        download(remote(f"{server}/{path}"), tmp_path)
    assert said in caught.value.reason
    assert list(tmp_path.iterdir()) == []


def test_no_server(tmp_path: Path) -> None:
    with pytest.raises(DownloadError, match="check the network"):
        download(remote("http://127.0.0.1:1/"), tmp_path)


def test_a_file_without_end(server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_BYTES", 1000)
    with pytest.raises(DownloadError, match="larger than any valid file"):
        download(remote(f"{server}/it"), tmp_path)


def test_the_first_digits_of_a_checksum_will_do(server: str, tmp_path: Path) -> None:
    """torchvision and timm write eight of them into the names of their files."""
    first = hashlib.sha256(CONTENT).hexdigest()[:8]
    assert download(RemoteFile("a.bin", first, (f"{server}/it",)), tmp_path).read_bytes() == CONTENT
    with pytest.raises(DownloadError, match="its checksum is wrong"):
        download(RemoteFile("b.bin", first, (f"{server}/other",)), tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["a.bin"]


def test_offline_nothing_is_asked_for(server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DISCERN_OFFLINE", "1")
    with pytest.raises(DownloadError, match="DISCERN_OFFLINE is set") as caught:
        download(remote(f"{server}/it"), tmp_path)
    assert caught.value.reason == "DISCERN_OFFLINE is set"
    with pytest.raises(DownloadError, match="DISCERN_OFFLINE is set"):
        fetch_checksum(f"{server}/it")
    assert list(tmp_path.iterdir()) == []


def test_an_address_without_a_scheme(online: None, tmp_path: Path) -> None:
    with pytest.raises(DownloadError, match="unknown url type"):
        download(remote("hub/it"), tmp_path)
    with pytest.raises(DownloadError, match="hub/it could not be reached"):
        fetch_checksum("hub/it")


@pytest.mark.parametrize("form", ['"{}"', "{}", 'W/"{}"'])
def test_the_checksum_that_a_hub_tells(online: None, form: str) -> None:
    digest = hashlib.sha256(CONTENT).hexdigest()
    with hub({"/it": CONTENT}, {"/it": form.format(digest)}) as (address, asked):
        assert fetch_checksum(f"{address}/it") == digest
    assert asked == [("HEAD", "/it")]  # the redirection is read, not followed


@pytest.mark.parametrize("told", ["", '"33a64df5"', f'"{"g" * 64}"'])
def test_a_hub_that_states_no_checksum(online: None, told: str) -> None:
    with (
        hub({"/it": CONTENT}, {"/it": told}) as (address, _asked),
        pytest.raises(DownloadError, match=r"/it could not be checked: the hub states no checksum\.") as caught,
    ):
        fetch_checksum(f"{address}/it")
    assert caught.value.reason == "the hub states no checksum"


def test_a_hub_that_has_no_such_file_or_is_not_there(online: None) -> None:
    with hub({}) as (address, _asked), pytest.raises(DownloadError, match=r"could not be reached .*404"):
        fetch_checksum(f"{address}/it")
    with pytest.raises(DownloadError, match=r"could not be reached .*refused"):
        fetch_checksum("http://127.0.0.1:1/it")
