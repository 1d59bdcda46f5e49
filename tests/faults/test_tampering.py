"""Each file of a bundle damaged in each way: one sentence, or the same prediction; never another one."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from discern.api.load import load
from discern.api.train import train
from discern.errors import DiscernError
from discern.progress import NullReporter
from tests.faults.walk import QUICK
from tests.images import make_folder

FILES = {"lenet": ("model.json", "model.safetensors"), "knn": ("model.json", "model.skops")}


def flip(path: Path, position: float) -> None:
    data = bytearray(path.read_bytes())
    data[int(position * (len(data) - 1))] ^= 4
    path.write_bytes(data)


def replace(path: Path, make: Callable[[Path], object]) -> None:
    path.unlink()
    make(path)


WAYS: dict[str, Callable[[Path], object]] = {
    "emptied": lambda path: path.write_bytes(b""),
    "cut": lambda path: path.write_bytes(path.read_bytes()[:-9]),
    "halved": lambda path: path.write_bytes(path.read_bytes()[: path.stat().st_size // 2]),
    "longer": lambda path: path.write_bytes(path.read_bytes() + b"\0"),
    "zeros": lambda path: path.write_bytes(bytes(path.stat().st_size)),
    "a bit at the start": lambda path: flip(path, 0),
    "a bit in the middle": lambda path: flip(path, 0.5),
    "a bit at the end": lambda path: flip(path, 1),
    "a pipe": lambda path: replace(path, os.mkfifo),
    "a folder": lambda path: replace(path, Path.mkdir),
    "endless": lambda path: replace(path, lambda place: place.symlink_to("/dev/zero")),
    "a link to itself": lambda path: replace(path, lambda place: place.symlink_to(place.name)),
    "gone": Path.unlink,
    "of another model": lambda path: shutil.copy(path.parents[1] / "other" / path.name, path),
}


@pytest.fixture(scope="module")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Bundles of two models, and files of others that are called as theirs are."""
    with pytest.MonkeyPatch.context() as patch:
        shelf = tmp_path_factory.mktemp("shelf")
        patch.setenv("DISCERN_CACHE", str(shelf / "cache"))
        data = make_folder(shelf / "data", n=6, size=16)
        two = make_folder(shelf / "two", n=6, size=16, classes=("red", "blue"))
        for model in FILES:
            settings = QUICK if model == "lenet" else {}
            train(data, model, out=shelf / model, reporter=NullReporter(), **settings)
            train(two, model, out=shelf / f"two-{model}", reporter=NullReporter(), **settings)
        yield shelf


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(("model", "name"), [(model, name) for model, names in FILES.items() for name in names])
def test_a_damaged_bundle(model: str, name: str, way: str, shelf: Path, tmp_path: Path) -> None:
    for place, source in (("bundle", model), ("other", f"two-{model}")):
        (tmp_path / place).mkdir()
        for file in FILES[model]:
            shutil.copy(shelf / source / file, tmp_path / place / file)
    image = shelf / "data" / "red" / "1.png"
    expected = load(tmp_path / "bundle").predict(image)
    WAYS[way](tmp_path / "bundle" / name)
    try:
        predicted = load(tmp_path / "bundle").predict(image)
    except DiscernError as error:
        assert "\n" not in str(error) and str(error).endswith((".", "`"))
    else:  # JSON has places where a changed character says the same: a digit of a metric, a version
        assert name == "model.json" and predicted.top == expected.top
