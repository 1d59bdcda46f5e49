"""Wrong input: one clear sentence with the remedy, exit code 2, never a traceback."""

from __future__ import annotations

import hashlib
import re
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import skops.io
from PIL import Image
from sklearn.linear_model import SGDClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from discern import __version__
from discern.api.train import train
from discern.cli import main
from discern.errors import DataError
from discern.files import read_json, write_json
from discern.progress import NullReporter
from tests.command import Command
from tests.images import make_folder

Make = Callable[[Path], None]


def image(path: Path) -> None:
    from PIL import Image

    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (8, 8), (len(path.name) * 9 % 255, 3, 100)).save(path)


CASES = {
    "missing path": (["data", "{tmp}/nowhere"], "nowhere"),
    "unknown name": (["data", "minst"], "mnist"),
    "empty folder": (["data", "{tmp}/empty"], "sub-folder per class"),
    "one class only": (["train", "{tmp}/one"], "at least two"),
    "no images": (["data", "{tmp}/words"], "has no images"),
    "unknown model": (["train", "digits", "--model", "resnet81"], "resnet18"),
    "unknown setting": (["train", "digits", "--set", "learning=3"], 'Unknown setting "learning"'),
    "setting misspelt": (["train", "digits", "--set", "epoch=3"], "epochs"),
    "value not allowed": (["train", "digits", "--set", "lr=-1"], "above 0"),
    "word not allowed": (["train", "digits", "--set", "optimizer=sdg"], "sgd, adamw"),
    "no equals sign": (["train", "digits", "--set", "lr"], "NAME=VALUE"),
    "no data": (["train"], "discern train digits"),
    "a run that is not a run": (["evaluate", "{tmp}/words"], "not a run"),
    "resuming what is no run": (["train", "--resume", "{tmp}/words"], "not a run"),
    "a bundle that is not there": (["predict", "{tmp}/nowhere", "{tmp}/one/a/1.png"], "nowhere"),
    "a folder that is no bundle": (["predict", "{tmp}/words", "{tmp}/one/a/1.png"], "model.json"),
    "out is taken": (["train", "{tmp}/two", "--out", "{tmp}/words"], "--out"),
    "unknown network": (["models", "vgg61"], "did you mean vgg19"),
    "device that is not here": (["train", "digits", "--set", "device=tpu"], "device=tpu"),
}


@pytest.mark.parametrize("case", CASES)
def test_one_sentence_and_exit_code_2(case: str, tmp_path: Path, command: Command) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "words").mkdir()
    (tmp_path / "words" / "notes.txt").write_text("no images here")
    image(tmp_path / "one" / "a" / "1.png")
    for name in ("a/1.png", "a/22.png", "a/333.png", "b/4444.png", "b/55555.png", "b/666666.png"):
        image(tmp_path / "two" / name)
    arguments, expected = CASES[case]
    assert expected in command.refuse(*(argument.format(tmp=tmp_path) for argument in arguments))


@pytest.fixture(scope="module")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Runs of three models on three colors, and what may go wrong with a run, a bundle and an image."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DISCERN_CACHE", str(tmp_path_factory.mktemp("cache")))
        patch.setenv("DISCERN_LANG", "en")
        shelf = tmp_path_factory.mktemp("shelf")
        data = make_folder(shelf / "data", n=8)
        quick = {"precision": "fp32", "memory_format": "contiguous"}
        for model in ("lenet", "feed-forward", "knn"):
            settings = {} if model == "knn" else {"epochs": 1, **quick}
            train(data, model, out=shelf / model, **settings, reporter=NullReporter())
        two = make_folder(shelf / "two", n=8, classes=("red", "blue"))
        train(two, "knn", out=shelf / "fewer", reporter=NullReporter())
        train("iris", "knn", out=shelf / "iris", reporter=NullReporter())
        for name in ("moved", "changed", "knn-moved", "stopped", "damaged"):
            shutil.copytree(shelf / ("knn" if name == "knn-moved" else "lenet"), shelf / name)
            _origin(shelf / name, shelf / ("gone" if "moved" in name else "other"))
        shutil.copytree(data, shelf / "other")
        shutil.copy(shelf / "other" / "red" / "0.png", shelf / "other" / "red" / "1.png")
        (shelf / "stopped" / "metrics.json").unlink()
        (shelf / "damaged" / "metrics.json").write_text('{"result": 3, "test": null, "validation": null}')
        _untrusted(shelf)
        (shelf / "words.jpg").write_text("no image")
        yield shelf


def _origin(run: Path, place: Path) -> None:
    config = read_json(run / "config.json")
    config["data"]["origin"] = str(place)
    write_json(run / "config.json", config)


def _untrusted(shelf: Path) -> None:
    """A bundle whose model.skops holds a function, with the checksum that goes with it."""
    data = skops.io.dumps(make_pipeline(FunctionTransformer(np.linalg.norm), SGDClassifier()))
    (shelf / "strange").mkdir()
    (shelf / "strange" / "model.skops").write_bytes(data)
    card = read_json(shelf / "knn" / "model.json") | {"estimator": hashlib.sha256(data).hexdigest()}
    write_json(shelf / "strange" / "model.json", card)


RUNS = {
    "no such layer": (
        "explain {lenet} {image} --layer stage9",
        'no layer "stage9" that fits this method; it has, for example: stage2',
    ),
    "no such convolution": ("explain {lenet} {image} --method filters --layer c2", "c1, c3"),
    "no such class": ("explain {lenet} {image} --class rde", 'Unknown class "rde" (did you mean red?)'),
    "no class like it": ("explain {lenet} {image} --class zebra", "choose one of blue, green, red"),
    "no such method": ("explain {lenet} {image} --method grad-cam", "did you mean gradcam"),
    "a layer for what has none": ("explain {lenet} {image} --method nearest --layer stage2", "remove the layer"),
    "a cell outside": (
        "explain {lenet} {image} --method arithmetic --cell 99,0,0",
        "6x28x28 (channels, rows, columns)",
    ),
    "maps of what has none": ("explain {feed-forward} {image} --method features", "no feature maps: use saliency"),
    "kernels of what has none": ("explain {feed-forward} {image} --method filters", "no convolution to show"),
    "layers of neighbors": ("explain {knn} {image}", "nearest, embedding or embedding-tsne"),
    "explaining a table": ("explain {iris} {image} --method nearest", "reads rows of a table, and explain works on"),
    "features of a network": ("train digits --model lenet --features hog", "not of lenet: use --model"),
    "embedding of neighbors": ("train {data} --model knn --features embedding:{knn}", "not a network"),
    "a figure of no kind": ("explain {lenet} {image} --out why.doc", "Use a name that ends in .png or .svg"),
    "no image": ("explain {lenet} {words.jpg}", "not an image"),
    "a folder for an image": ("explain {lenet} {data}", "is a folder: choose an image in it"),
    "a bundle's training images": (
        "explain {strange} {image} --method nearest",
        "discern never writes: it was not opened",
    ),
    "an untrusted type": ("predict {strange} {image}", "discern never writes: it was not opened; train again"),
    "near images that moved": ("explain {moved} {image} --method nearest", "gone: put them back there"),
    "what still works": (
        "explain {knn-moved} {image} --method embedding",
        "predict, evaluate, compare and the other",
    ),
    "near images that changed": ("explain {changed} {image} --method nearest", "changed since"),
    "resuming where images moved": ("train --resume {moved}", "discern train FOLDER --resume"),
    "resuming where images changed": ("train --resume {changed}", "changed since"),
    "comparing other classes": ("compare {knn} {fewer}", "know different classes (green)"),
    "comparing an unfinished run": ("compare {knn} {stopped}", "training is unfinished; resume with"),
    "comparing a damaged run": ("compare {knn} {damaged}", "metrics.json is damaged or from another version"),
    "measuring a damaged run": ("evaluate {damaged}", "metrics.json is damaged or from another version"),
    "comparing by no key": ("compare {knn} {lenet} --sort speed", "accuracy, loss, parameters"),
    "measuring what is not there": ("evaluate {nowhere}", "does not exist: give a run"),
    "measuring unknown classes": ("evaluate {knn} digits", "knows none of the classes of digits"),
}


@pytest.mark.parametrize("case", RUNS)
def test_one_sentence_about_a_run(case: str, shelf: Path, command: Command) -> None:
    words, expected = RUNS[case]
    assert expected in command.refuse(*on_shelf(words, shelf))


@pytest.mark.parametrize(
    "words",
    [
        "evaluate {moved}",
        "evaluate {changed}",
        "predict {moved} {image}",
        "explain {moved} {image}",
        "evaluate {moved} {data}",
        "compare {moved} {knn-moved}",
        "train {data} --resume {moved}",
    ],
)
def test_what_a_run_can_do_without_its_images(words: str, shelf: Path, command: Command) -> None:
    command(*on_shelf(words, shelf))


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "F"])
@pytest.mark.parametrize("size", [(1, 1), (300, 7)])
def test_an_image_of_another_size_or_mode(
    mode: str, size: tuple[int, int], shelf: Path, tmp_path: Path, command: Command
) -> None:
    Image.new(mode, size).save(tmp_path / "other.tiff")
    for model in ("lenet", "knn"):
        command("predict", shelf / model, tmp_path / "other.tiff")
    command("explain", shelf / "lenet", tmp_path / "other.tiff")


def on_shelf(words: str, shelf: Path) -> list[str]:
    """Return the words, each {name} replaced by what lies there on the shelf."""
    split = words.replace("{image}", "{data/red/0.png}").split()
    return [re.sub(r"\{(.+)\}", lambda name: str(shelf / name[1]), word) for word in split]


def test_debug_shows_the_traceback(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["discern", "--debug", "data", str(tmp_path / "nowhere")])
    with pytest.raises(DataError):
        main()


def test_version(command: Command) -> None:
    assert command("--version") == f"discern {__version__}\n"
