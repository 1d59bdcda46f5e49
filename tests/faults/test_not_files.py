"""What is named like an image or a data set and is none: pipes, sockets, devices, endless and huge files."""

from __future__ import annotations

import os
import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from types import FrameType

import numpy as np
import pytest

from discern.api.inspect_data import inspect_data
from discern.api.load import load
from discern.api.predict import predict
from discern.api.train import train
from discern.data.file_store import FileStore
from discern.data.open import open_data
from discern.data.scan import PROBLEMS, scan_batch
from discern.errors import DataError, DiscernError, ImageError
from discern.progress import NullReporter
from discern.runs.run import Run
from tests.images import make_folder

SECONDS = 20  # after which something waits for ever


def make_pipe(path: Path) -> None:
    os.mkfifo(path)


def make_socket(path: Path) -> None:
    here = Path.cwd()
    os.chdir(path.parent)  # a socket's name has at most 107 bytes
    try:
        with socket.socket(socket.AF_UNIX) as server:
            server.bind(path.name)
    finally:
        os.chdir(here)


def make_endless(path: Path) -> None:
    path.symlink_to("/dev/zero")


def make_sparse(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(20 << 30)


def make_loop(path: Path) -> None:
    path.symlink_to(path.name)


MAKE: list[Callable[[Path], None]] = [make_pipe, make_socket, make_endless, make_sparse, make_loop]


@pytest.fixture(autouse=True)
def in_time() -> Iterator[None]:
    """Nothing here waits for ever."""

    def stop(number: int, frame: FrameType | None) -> None:
        raise AssertionError("it waits")

    before = signal.signal(signal.SIGALRM, stop)
    signal.alarm(SECONDS)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DISCERN_CACHE", str(tmp_path_factory.mktemp("cache")))
        folder = tmp_path_factory.mktemp("data")
        data = make_folder(folder / "data", n=6, size=16)
        yield train(data, "knn", out=folder / "run", reporter=NullReporter())


@pytest.mark.parametrize("make", MAKE)
def test_an_image_that_is_no_file(make: Callable[[Path], None], trained: Run, tmp_path: Path) -> None:
    path = tmp_path / "odd.png"
    make(path)
    good = next((trained.path.parent / "data").rglob("*.png"))
    if make is make_loop:
        with pytest.raises(DiscernError):
            list(predict(trained, [path]))
    else:
        found = list(predict(trained, [path, good]))
        assert isinstance(found[0], ImageError) and not isinstance(found[1], ImageError)
    with pytest.raises(ImageError):
        load(trained).explain(path, method="nearest")
    stats = scan_batch(FileStore(str(tmp_path), [[path.name]]), np.arange(1))
    assert stats.problem[0] == PROBLEMS.index("unreadable") or stats.problem[0]


@pytest.mark.parametrize("make", MAKE)
def test_one_among_the_images_of_a_class(make: Callable[[Path], None], tmp_path: Path) -> None:
    data = make_folder(tmp_path / "data", n=6, size=16)
    make(data / "red" / "odd.png")
    inspect_data(data, reporter=NullReporter())


@pytest.mark.parametrize("name", ["odd.csv", "odd.json", "odd.parquet", "odd.png", "odd.tar", "wds"])
@pytest.mark.parametrize("make", [make_pipe, make_endless])
def test_a_data_set_that_is_no_file(make: Callable[[Path], None], name: str, tmp_path: Path) -> None:
    path = tmp_path / ("odd.tar" if name == "wds" else name)
    make(path)
    with pytest.raises(DataError):
        open_data(f"wds:{path}" if name == "wds" else str(path))


@pytest.mark.parametrize("name", ["train-00000.parquet", "data.arrow", "metadata.csv", "train-images-idx3-ubyte"])
def test_what_describes_a_folder_is_no_file(name: str, tmp_path: Path) -> None:
    make_folder(tmp_path / "data", n=2, size=8)
    make_pipe(tmp_path / "data" / name)
    with suppress(DiscernError):
        open_data(str(tmp_path / "data"))


@pytest.mark.parametrize("make", [make_pipe, make_endless])
def test_a_model_that_is_no_file(make: Callable[[Path], None], trained: Run, tmp_path: Path) -> None:
    for name in ("model.json", "model.skops", "model.keras", "model.safetensors"):
        make(tmp_path / name)
        with pytest.raises(DiscernError):
            load(tmp_path if name != "model.keras" else tmp_path / name)
        with pytest.raises(DiscernError):
            train(trained.path.parent / "data", "lenet", weights=str(tmp_path / name), reporter=NullReporter())


def test_one_path_is_one_image(trained: Run) -> None:
    good = next((trained.path.parent / "data").rglob("*.png"))
    for image in (good, str(good)):
        assert [Path(found.path) for found in predict(trained, image)] == [good]  # type: ignore[union-attr]
