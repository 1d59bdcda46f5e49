"""Wrong input: one clear sentence with the remedy, exit code 2, never a traceback."""

from __future__ import annotations

import hashlib
import json
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

from discern.api.train import train
from discern.cli import main
from discern.files import read_json, write_json
from discern.progress import NullReporter
from tests.images import make_folder

Make = Callable[[Path], None]


def run(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    monkeypatch.setattr(sys, "argv", ["discern", *arguments])
    with pytest.raises(SystemExit) as stopped:
        main()
    return int(stopped.value.code or 0)


def image(path: Path) -> None:
    from PIL import Image

    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (8, 8), (len(path.name) * 9 % 255, 3, 100)).save(path)


CASES = {
    "missing path": (["data", "{tmp}/nowhere"], "nowhere"),
    "unknown name": (["data", "minst"], "mnist"),
    "empty folder": (["data", "{tmp}/empty"], "sub-folder per class"),
    "one class only": (["train", "{tmp}/one"], "at least two"),
    "no images": (["data", "{tmp}/words"], "holds no images"),
    "unknown model": (["train", "digits", "--model", "resnet81"], "resnet18"),
    "unknown setting": (["train", "digits", "--set", "learning=3"], "There is no setting 'learning'"),
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
    "unknown network": (["models", "vgg61"], "discern models"),
    "device that is not here": (["train", "digits", "--set", "device=tpu"], "device=tpu"),
}


@pytest.mark.parametrize("case", CASES)
def test_one_sentence_and_exit_code_2(
    case: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "words").mkdir()
    (tmp_path / "words" / "notes.txt").write_text("no images here")
    image(tmp_path / "one" / "a" / "1.png")
    for name in ("a/1.png", "a/22.png", "a/333.png", "b/4444.png", "b/55555.png", "b/666666.png"):
        image(tmp_path / "two" / name)
    arguments, expected = CASES[case]
    code = run(monkeypatch, *(argument.format(tmp=tmp_path) for argument in arguments))
    shown = capsys.readouterr()
    last = shown.err.strip().splitlines()[-1]
    assert code == 2
    assert "Traceback" not in shown.err and not shown.out
    assert last.startswith("Error: ") and expected in last


@pytest.fixture(scope="module")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Runs of three models on three colours, and what may go wrong with a run, a bundle and an image."""
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
        "no layer stage9 for this; there are, for example: stage2",
    ),
    "no such convolution": ("explain {lenet} {image} --method filters --layer c2", "c1, c3"),
    "no such class": ("explain {lenet} {image} --class rde", "no class rde: did you mean red?"),
    "no class like it": ("explain {lenet} {image} --class zebra", "there are: blue, green, red"),
    "no such method": ("explain {lenet} {image} --method grad-cam", "did you mean gradcam"),
    "a layer for what has none": ("explain {lenet} {image} --method nearest --layer stage2", "leave the layer out"),
    "a cell outside": (
        "explain {lenet} {image} --method arithmetic --cell 99,0,0",
        "6x28x28 (channels, rows, columns)",
    ),
    "maps of what has none": ("explain {feed-forward} {image} --method features", "no feature maps: use saliency"),
    "kernels of what has none": ("explain {feed-forward} {image} --method filters", "no convolution to show"),
    "layers of neighbours": ("explain {knn} {image}", "nearest, embedding and embedding-tsne"),
    "explaining a table": ("explain {iris} {image} --method nearest", "reads rows of a table, and explain looks at"),
    "features of a network": ("train digits --model lenet --features hog", "leave them out"),
    "embedding of neighbours": ("train {data} --model knn --features embedding:{knn}", "which is no network"),
    "a drawing that is none": ("explain {lenet} {image} --save why.doc", "end it in .png or .svg"),
    "no image": ("explain {lenet} {words.jpg}", "not an image"),
    "a folder for an image": ("explain {lenet} {data}", "is a folder: name an image in it"),
    "a bundle's training images": (
        "explain {strange} {image} --method nearest",
        "discern never writes: it was not opened",
    ),
    "an untrusted type": ("predict {strange} {image}", "discern never writes: it was not opened; train again"),
    "near images that moved": ("explain {moved} {image} --method nearest", "gone any more: put them back there"),
    "what still works": (
        "explain {knn-moved} {image} --method embedding",
        "predict, evaluate, compare and the other",
    ),
    "near images that changed": ("explain {changed} {image} --method nearest", "changed since"),
    "resuming where images moved": ("train --resume {moved}", "discern train FOLDER --resume"),
    "resuming where images changed": ("train --resume {changed}", "changed since"),
    "comparing other classes": ("compare {knn} {fewer}", "know different classes (green)"),
    "comparing what did not end": ("compare {knn} {stopped}", "its training did not end. Go on with"),
    "comparing a damaged run": ("compare {knn} {damaged}", "metrics.json is damaged or from another version"),
    "measuring a damaged run": ("evaluate {damaged}", "metrics.json is damaged or from another version"),
    "comparing by no key": ("compare {knn} {lenet} --sort speed", "accuracy, loss, parameters"),
    "measuring what is not there": ("evaluate {nowhere}", "does not exist: give a run"),
    "measuring classes it never saw": ("evaluate {knn} --data digits", "knows none of the classes of digits"),
}


@pytest.mark.parametrize("case", RUNS)
def test_one_sentence_about_a_run(
    case: str, shelf: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    command, expected = RUNS[case]
    assert run(monkeypatch, *on_shelf(command, shelf)) == 2
    shown = capsys.readouterr()
    last = shown.err.strip().splitlines()[-1]
    assert last.startswith("Error: ") and expected in last
    assert "Traceback" not in shown.err and not shown.out


@pytest.mark.parametrize(
    "command",
    [
        "evaluate {moved}",
        "evaluate {changed}",
        "predict {moved} {image}",
        "explain {moved} {image}",
        "evaluate {moved} --data {data}",
        "compare {moved} {knn-moved}",
        "train {data} --resume {moved}",
    ],
)
def test_what_a_run_can_do_without_its_images(command: str, shelf: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert run(monkeypatch, *on_shelf(command, shelf)) == 0


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "F"])
@pytest.mark.parametrize("size", [(1, 1), (300, 7)])
def test_a_image_of_another_size_or_mode(
    mode: str, size: tuple[int, int], shelf: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Image.new(mode, size).save(tmp_path / "other.tiff")
    for model in ("lenet", "knn"):
        assert run(monkeypatch, "predict", str(shelf / model), str(tmp_path / "other.tiff")) == 0
    assert run(monkeypatch, "explain", str(shelf / "lenet"), str(tmp_path / "other.tiff")) == 0


def on_shelf(command: str, shelf: Path) -> list[str]:
    """The words of ``command``, each {name} what lies there on the shelf."""
    words = command.replace("{image}", "{data/red/0.png}").split()
    return [re.sub(r"\{(.+)\}", lambda name: str(shelf / name[1]), word) for word in words]


def test_debug_shows_the_traceback(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from discern.errors import DataError

    monkeypatch.setattr(sys, "argv", ["discern", "--debug", "data", str(tmp_path / "nowhere")])
    with pytest.raises(DataError):
        main()


def test_version(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    from discern import __version__

    assert run(monkeypatch, "--version") == 0
    assert capsys.readouterr().out == f"discern {__version__}\n"


def test_models_json(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(monkeypatch, "models", "--json") == 0
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert {"name", "year", "idea", "parameters", "size"} <= rows[0].keys()
    assert run(monkeypatch, "models", "lenet", "--json") == 0
    assert json.loads(capsys.readouterr().out)["trainable"] == 61_706
