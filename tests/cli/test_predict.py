"""`discern predict`: lines for programs, exit code 1 when some image is none, 2 when the bundle is cut short."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from PIL import Image

from discern.classifier.bundle import ModelCard, write_bundle
from discern.models.registry import build_model
from discern.preprocess.spec import Preprocess
from tests.command import Command


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    torch.manual_seed(0)
    card = ModelCard(model="lenet", classes=("蘋果", "香蕉"), preprocess=Preprocess(size=28))
    write_bundle(tmp_path / "bundle", card, build_model("lenet", 2, 3, 28).state_dict())
    return tmp_path / "bundle"


@pytest.fixture
def images(tmp_path: Path) -> Path:
    folder = tmp_path / "images"
    folder.mkdir()
    for number in (1, 2, 10):
        Image.new("RGB", (40, 30), (25 * number, 90, 40)).save(folder / f"{number}.jpg")
    return folder


def test_one_json_line_an_image_in_natural_order(bundle: Path, images: Path, command: Command) -> None:
    output = command("predict", bundle, images, "--json", "--top-k", 2)
    rows = [json.loads(line) for line in output.splitlines()]
    assert [Path(row["path"]).name for row in rows] == ["1.jpg", "2.jpg", "10.jpg"]
    for row in rows:
        assert row["top"][0] == {"label": row["label"], "probability": row["probability"]}
        assert sum(choice["probability"] for choice in row["top"]) == pytest.approx(1)


def test_continues_past_what_is_no_image(bundle: Path, images: Path, command: Command) -> None:
    (images / "3.jpg").write_text("words")
    assert len(command("predict", bundle, images, "--json", code=1).splitlines()) == 3
    assert "3.jpg" in command.error


@pytest.mark.parametrize("name", ["model.safetensors", "model.json"])
def test_a_bundle_cut_short(name: str, bundle: Path, images: Path, command: Command) -> None:
    data = (bundle / name).read_bytes()
    (bundle / name).write_bytes(data[: len(data) // 2])
    assert name in command.refuse("predict", bundle, images)
