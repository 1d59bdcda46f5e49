"""Networks of other libraries and of one's own files go through the same verbs and commands."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import discern
from discern.cli import main
from discern.errors import ConfigError, ModelError
from tests.images import make_folder

EXAMPLE = Path(__file__).resolve().parents[2] / "docs" / "examples" / "keras_mlp.py"
QUICK = {"batch_size": 8, "precision": "fp32", "memory_format": "contiguous", "size": 28}
NET = """
from torch import nn

def net(classes, channels):
    return nn.Sequential(nn.Conv2d(channels, 8, 3, stride=2), nn.BatchNorm2d(8), nn.ReLU(), nn.AdaptiveAvgPool2d(4),
                         nn.Flatten(), nn.Linear(128, classes))

def another(classes):
    return nn.Sequential(nn.Flatten(), nn.LazyLinear(classes))
"""


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_folder(tmp_path_factory.mktemp("data") / "colours", size=32)


@pytest.fixture
def code(tmp_path: Path) -> str:
    (tmp_path / "mine.py").write_text(NET)
    return f"{tmp_path / 'mine.py'}:net"


def run(monkeypatch: pytest.MonkeyPatch, *arguments: object) -> int:
    monkeypatch.setattr(sys, "argv", ["discern", *map(str, arguments)])
    try:
        main()
    except SystemExit as stopped:
        return int(stopped.code or 0)
    return 0


def test_a_network_of_ones_own(data: Path, code: str, tmp_path: Path) -> None:
    made = discern.train(data, model=code, epochs=4, out=tmp_path / "run", **QUICK)
    assert made.evaluate().top1 > 0.5
    assert not list((tmp_path / "run").rglob("*.py"))
    image = next(data.rglob("*.png"))
    before = discern.load(tmp_path / "run", model_code=code).predict(image)
    assert [found.label for found in discern.predict(tmp_path / "run", [image], model_code=code)] == [before.label]
    assert discern.evaluate(tmp_path / "run", data, model_code=code).top1 > 0.5
    shutil.move(tmp_path / "mine.py", tmp_path / "moved.py")
    assert discern.load(tmp_path / "run", model_code=f"{tmp_path / 'moved.py'}:net").predict(image) == before
    with pytest.raises(ConfigError, match="which a bundle does not carry: add --model-code"):
        discern.load(tmp_path / "run")
    with pytest.raises(ConfigError, match="--model-code resnet18 does not go with"):
        discern.load(tmp_path / "run", model_code="resnet18")
    with pytest.raises(discern.errors.RunError, match="do not fit the network"):
        discern.load(tmp_path / "run", model_code=f"{tmp_path / 'moved.py'}:another")
    with pytest.raises(ModelError, match="does not exist"):
        discern.load(tmp_path / "run", model_code=code)


@pytest.mark.parametrize(
    "model",
    [
        "timm:mobilenetv3_small_050",
        "torchvision:shufflenet_v2_x0_5",
        f"{EXAMPLE}:subclass",
        pytest.param("keras:MobileNet", marks=pytest.mark.slow),
        pytest.param("torchvision:googlenet", marks=pytest.mark.slow),
    ],
)
def test_trains_resumes_and_predicts(model: str, data: Path, tmp_path: Path) -> None:
    settings = QUICK | {"size": 32, "lr": 1e-3, "optimizer": "adamw", "ema": 0.5}
    made = discern.train(data, model=model, epochs=1, out=tmp_path / "run", **settings)
    code = model if ".py" in model else None
    classifier = discern.load(made.path, model_code=code)
    seen = np.random.default_rng(0).integers(0, 256, (2, *classifier.card.preprocess.shape), dtype=np.uint8)
    assert classifier.probabilities(seen).sum(axis=1) == pytest.approx(1, abs=1e-5)
    assert discern.train(resume=made.path, model_code=code).evaluate().n == made.evaluate().n


def test_code_of_a_run_is_run_only_when_named(data: Path, code: str, tmp_path: Path) -> None:
    discern.train(data, model=code, epochs=1, out=tmp_path / "run", **QUICK)
    with pytest.raises(ConfigError, match="only when named: add --model-code"):
        discern.train(resume=tmp_path / "run")


def test_the_same_through_the_commands(
    data: Path, code: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    sets = [word for name, value in QUICK.items() for word in ("--set", f"{name}={value}")]
    made = tmp_path / "run"
    assert run(monkeypatch, "train", data, "--model", code, "--epochs", 1, "--out", made, "--json", *sets) == 0
    capsys.readouterr()
    Image.new("RGB", (30, 20), (200, 40, 40)).save(tmp_path / "red.bmp")
    assert run(monkeypatch, "predict", made, tmp_path / "red.bmp", "--model-code", code, "--json") == 0
    assert json.loads(capsys.readouterr().out)["label"] in ("red", "green", "blue")
    assert run(monkeypatch, "evaluate", made, data, "--model-code", code, "--json") == 0
    assert 0 <= json.loads(capsys.readouterr().out)["top1"] <= 1
    for arguments in (("predict", made, tmp_path / "red.bmp"), ("evaluate", made, data)):
        assert run(monkeypatch, *arguments) == 2
        error = capsys.readouterr().err.strip().splitlines()[-1]
        assert error.startswith("Error: ") and error.endswith(f"add --model-code {code}.")


@pytest.mark.slow
@pytest.mark.parametrize("way", ["sequential", "functional", "subclass"])
def test_the_lectures_keras_mlp_on_mnist(
    way: str, shared_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Adam, batches of 32 and 5 epochs, as in the lecture, which holds nothing back for validation."""
    monkeypatch.setenv("DISCERN_DATA", str(shared_data))
    settings = {"recipe": "lecture", "validation": 0.02}
    made = discern.train("mnist", model=f"{EXAMPLE}:{way}", epochs=5, out=tmp_path / "run", **settings)
    assert made.evaluate().n == 10_000
    assert made.evaluate().top1 >= 0.975
