"""`discern predict`: lines for programs, exit code 1 when some image is none, 2 when the bundle is cut short."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
import torch
from PIL import Image

from discern.classifier.bundle import ModelCard, write_bundle
from discern.cli import main
from discern.models.registry import build_model
from discern.preprocess.spec import Preprocess


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    torch.manual_seed(0)
    card = ModelCard(model="lenet", network={}, classes=("蘋果", "香蕉"), preprocess=Preprocess(size=28))
    write_bundle(tmp_path / "bundle", card, build_model("lenet", 2, 3, 28).state_dict())
    return tmp_path / "bundle"


@pytest.fixture
def images(tmp_path: Path) -> Path:
    folder = tmp_path / "images"
    folder.mkdir()
    for number in (1, 2, 10):
        Image.new("RGB", (40, 30), (25 * number, 90, 40)).save(folder / f"{number}.jpg")
    return folder


def run(monkeypatch: pytest.MonkeyPatch, *arguments: object) -> int:
    monkeypatch.setattr(sys, "argv", ["discern", "predict", *map(str, arguments)])
    with pytest.raises(SystemExit) as stopped:
        main()
    return int(stopped.value.code or 0)


def test_one_json_line_a_image_in_natural_order(
    bundle: Path, images: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, bundle, images, "--json", "--top", "2") == 0
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [Path(row["path"]).name for row in rows] == ["1.jpg", "2.jpg", "10.jpg"]
    for row in rows:
        assert row["top"][0] == {"label": row["label"], "probability": row["probability"]}
        assert sum(choice["probability"] for choice in row["top"]) == pytest.approx(1)


def test_goes_on_past_what_is_no_image(
    bundle: Path, images: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (images / "3.jpg").write_text("words")
    assert run(monkeypatch, bundle, images, "--json") == 1
    shown = capsys.readouterr()
    assert len(shown.out.splitlines()) == 3
    assert "3.jpg" in shown.err and "Traceback" not in shown.err


@pytest.mark.parametrize("name", ["model.safetensors", "model.json"])
def test_a_bundle_cut_short(
    name: str, bundle: Path, images: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    data = (bundle / name).read_bytes()
    (bundle / name).write_bytes(data[: len(data) // 2])
    assert run(monkeypatch, bundle, images) == 2
    error = capsys.readouterr().err
    assert error.startswith("Error: ") and name in error and len(error.splitlines()) == 1
