"""The fast recipe from data to bundle, on the forms of data it is for."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from safetensors.torch import load_file

import discern
from discern.data.cifar import CIFAR100
from discern.notices import Notice
from discern.progress import NullReporter
from discern.runs.report_data import load_report_data
from discern.runs.run import Run
from tests.data.test_idx import idx
from tests.run_facts import settings_of


def stripes(random: np.random.Generator, labels: np.ndarray, side: int) -> np.ndarray:
    """Noise with a bright row that tells the class. -> uint8 (N, side, side)"""
    pixels = random.integers(0, 100, (len(labels), side, side), dtype=np.uint8)
    for image, label in zip(pixels, labels.tolist(), strict=True):
        image[label % (side // 2) * 2 : label % (side // 2) * 2 + 2] += 150
    return pixels


def fashion(folder: Path) -> None:
    random = np.random.default_rng(0)
    for stem, count in (("train", 300), ("t10k", 60)):
        labels = (np.arange(count) % 10).astype(np.uint8)
        (folder / f"{stem}-images-idx3-ubyte").write_bytes(idx(stripes(random, labels, 28)))
        (folder / f"{stem}-labels-idx1-ubyte").write_bytes(idx(labels))


def cifar100(folder: Path) -> None:
    random = np.random.default_rng(0)
    (folder / CIFAR100.names).write_text("\n".join(f"thing{i}" for i in range(100)), encoding="utf-8")
    for name, count in (*((name, 400) for name in CIFAR100.train), (CIFAR100.test, 200)):
        labels = (np.arange(count) % 100).astype(np.uint8)
        records = np.zeros((count, CIFAR100.before + 3072), np.uint8)
        records[:, CIFAR100.label_at] = labels
        records[:, CIFAR100.before :] = np.tile(stripes(random, labels, 32).reshape(count, -1), 3)
        (folder / name).write_bytes(records.tobytes())


FORMS: dict[str, Callable[[Path], None]] = {"fashion-mnist": fashion, "cifar100": cifar100}


def train(name: str, folder: Path, out: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    data = folder / name
    data.mkdir(exist_ok=True)
    FORMS[name](data)
    monkeypatch.setenv("DISCERN_DATA", str(folder))
    settings = {"width": 0.1, "precision": "bf16", "memory_format": "channels_last"}
    return discern.train(name, recipe="fast", epochs=3, out=out, **settings, reporter=NullReporter())


@pytest.mark.parametrize("name", FORMS)
def test_it_runs_on_gray_images_and_on_many_classes(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = train(name, tmp_path, tmp_path / "run", monkeypatch)
    config = settings_of(run)
    assert (config["model"], config["channels"]) == ("fastnet", 1 if name == "fashion-mnist" else 3)
    gain = run.directory.read_metrics()["tta"]
    assert gain["views"] == 6 and gain["top1"] == run.result["test"]["top1"]
    assert Notice.from_json(gain["notice"]) in load_report_data(run.directory).remarks
    classifier = discern.load(run.path)
    assert classifier.card.tta == ("flip", "shift")
    assert run.evaluate().scores["top1"] == gain["top1"]  # the bundle has as many views as the run had
    assert classifier.without_tta().card.tta == ()


def test_the_same_seed_gives_the_same_bundle(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    one, other = (train("fashion-mnist", tmp_path, tmp_path / name, monkeypatch) for name in ("one", "other"))
    first, second = (load_file(run.path / "model.safetensors") for run in (one, other))
    assert all(tensor.equal(second[name]) for name, tensor in first.items())
