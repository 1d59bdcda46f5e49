"""Fixtures every test may use."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real images: ``DISCERN_DATA``, else ``../shared/data`` beside the checkout."""
    chosen = os.environ.get("DISCERN_DATA")
    folder = Path(chosen) if chosen else Path(__file__).resolve().parents[2] / "shared" / "data"
    if not folder.is_dir():
        pytest.skip(f"no real images: {folder} is not there (set DISCERN_DATA)")
    return folder


@pytest.fixture(scope="session")
def shared_weights() -> Path:
    """The folder of weights: ``DISCERN_WEIGHTS``, else ``weights`` beside the folder of real images."""
    chosen, images = os.environ.get("DISCERN_WEIGHTS"), os.environ.get("DISCERN_DATA")
    beside = Path(images).parent if images else Path(__file__).resolve().parents[2] / "shared"
    folder = Path(chosen) if chosen else beside / "weights"
    if not folder.is_dir():
        pytest.skip(f"no weights: {folder} is not there (set DISCERN_WEIGHTS)")
    return folder


@pytest.fixture(scope="session", autouse=True)
def heeded_signals() -> None:
    """A shell starts what runs in its background with signals ignored, and discern leaves ignored what is ignored."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    if hasattr(signal, "SIGHUP"):
        signal.signal(signal.SIGHUP, signal.SIG_DFL)


@pytest.fixture(autouse=True)
def own_cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each test has a cache folder of its own, reads English and keeps off the network."""
    monkeypatch.setenv("DISCERN_OFFLINE", "1")
    monkeypatch.delenv("DISCERN_WEIGHTS", raising=False)
    monkeypatch.setenv("DISCERN_CACHE", str(tmp_path_factory.mktemp("cache")))
    monkeypatch.setenv("DISCERN_LANG", "en")


@pytest.fixture
def online(own_cache: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """For a test with a server on this machine."""
    monkeypatch.delenv("DISCERN_OFFLINE")
    monkeypatch.setenv("no_proxy", "127.0.0.1")
