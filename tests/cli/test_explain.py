"""`discern explain`: numbers on the screen, a drawing on the disk, one sentence when asked wrongly."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
from PIL import Image

from discern.classifier.bundle import write_bundle
from discern.cli import main
from tests.explanations.inputs import classifier, image


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    made = classifier("lenet", 28)
    write_bundle(tmp_path / "bundle", made.card, made.network.state_dict())
    Image.fromarray(image(40)).save(tmp_path / "image.png")
    return tmp_path / "bundle"


def run(monkeypatch: pytest.MonkeyPatch, bundle: Path, *arguments: object) -> int:
    words = ["discern", "explain", bundle, bundle.parent / "image.png", *arguments]
    monkeypatch.setattr(sys, "argv", [str(word) for word in words])
    with pytest.raises(SystemExit) as stopped:
        main()
    return int(stopped.value.code or 0)


@pytest.mark.parametrize(
    ("method", "shown"),
    [
        ("all", "cam: lenet does not average"),
        ("gradcam", "stage2"),
        ("features", "the 16 most active channels"),
        ("deconv", "stage2: the 9 channels"),
        ("filters", "the 6 largest kernels"),
        ("arithmetic", "the sum of 75 products"),
    ],
)
def test_numbers_and_a_drawing(
    method: str, shown: str, bundle: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    drawing = bundle.parent / "why.png"
    assert run(monkeypatch, bundle, "--method", method, "--save", drawing) == 0
    out = capsys.readouterr().out
    assert shown in out and str(drawing) in out.replace("\n", "")
    assert drawing.is_file()


def test_json(bundle: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ("--method", "arithmetic", "--layer", "c3", "--cell", "1,2,3", "--json")
    assert run(monkeypatch, bundle, *arguments) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["cell"] == [1, 2, 3] and found["layer"] == "c3"
    assert found["value"] == pytest.approx(found["network"], abs=1e-4)


@pytest.mark.parametrize(
    "arguments",
    [
        ("--method", "magic"),
        ("--layer", "stage9"),
        ("--class", "zebra"),
        ("--method", "arithmetic", "--cell", "1,2"),
        ("--method", "cam"),
    ],
)
def test_one_sentence(
    arguments: tuple[str, ...],
    bundle: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run(monkeypatch, bundle, *arguments) == 2
    error = capsys.readouterr().err
    assert error.startswith("Error: ") and len(error.splitlines()) == 1
