"""`discern explain`: numbers on the screen, a figure on the disk, one sentence for wrong arguments."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from PIL import Image

from discern.classifier.bundle import write_bundle
from tests.command import Command
from tests.explanations.inputs import classifier, image


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    model = classifier("lenet", 28)
    write_bundle(tmp_path / "bundle", model.card, model.network.state_dict())
    Image.fromarray(image(40)).save(tmp_path / "image.png")
    return tmp_path / "bundle"


@pytest.mark.parametrize(
    ("method", "shown"),
    [
        ("all", "cam: lenet"),
        ("gradcam", "stage2"),
        ("features", "16 most active channels"),
        ("deconv", "stage2"),
        ("filters", "6 "),
        ("arithmetic", "75 products"),
    ],
)
def test_numbers_and_a_figure(method: str, shown: str, bundle: Path, command: Command) -> None:
    figure = bundle.parent / "figure.png"
    output = command("explain", bundle, bundle.parent / "image.png", "--method", method, "--out", figure)
    assert shown in output and f"Saved:  {figure}" in output
    assert figure.is_file()


def test_json(bundle: Path, command: Command) -> None:
    arguments = ("--method", "arithmetic", "--layer", "c3", "--cell", "1,2,3", "--json")
    value = json.loads(command("explain", bundle, bundle.parent / "image.png", *arguments))
    assert value["cell"] == [1, 2, 3] and value["layer"] == "c3"


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
def test_one_sentence(arguments: tuple[str, ...], bundle: Path, command: Command) -> None:
    command.refuse("explain", bundle, bundle.parent / "image.png", *arguments)
    assert len(command.error.splitlines()) == 1
