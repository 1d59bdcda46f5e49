"""Runs side by side: one table, one test in words, and one sentence where they cannot be ranked."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import discern
from discern.api.train import train
from discern.classifier.classifier import Classifier
from discern.cli import main
from discern.errors import ConfigError, RunError
from discern.evaluation.comparison import SORT_KEYS
from discern.progress import NullReporter
from discern.runs.run import Run
from tests.images import make_folder

QUICK = {"precision": "fp32", "memory_format": "contiguous", "size": 32}


@pytest.fixture(scope="module")
def other(apart: None, small: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """On the same images as `trained`, with another network."""
    return train(
        small, "lenet", epochs=1, out=tmp_path_factory.mktemp("runs") / "other", **QUICK, reporter=NullReporter()
    )


def command(monkeypatch: pytest.MonkeyPatch, *arguments: object) -> int:
    monkeypatch.setattr(sys, "argv", ["discern", "compare", *map(str, arguments)])
    with pytest.raises(SystemExit) as stopped:
        main()
    return int(stopped.value.code or 0)


def test_every_number_of_a_run(trained: Run, other: Run) -> None:
    comparison = discern.compare([trained, other.path])
    rows = {row.name: row for row in comparison.runs}
    assert rows.keys() == {"run", "other"} and comparison.split == "test"
    for name, run in (("run", trained), ("other", other)):
        row, metrics = rows[name], run.evaluate()
        assert (row.score, row.interval, row.n) == (metrics.scores["top1"], metrics.interval, metrics.n)
        assert row.scores["loss"] == pytest.approx(metrics.scores["loss"])
        assert row.cost.parameters == sum(p.numel() for p in Classifier.load(run.path).network.parameters())
        assert row.size == sum((run.path / file).stat().st_size for file in ("model.safetensors", "model.json"))
        assert row.seconds == run.result["seconds"]
        assert row.cost.latency_ms > 0 and row.cost.batch_ms > 0
        assert row.cost.memory >= row.size and row.cost.memory_kind in ("peak", "weights")
    assert comparison.runs[0].score >= comparison.runs[1].score
    assert len(comparison.curves["run"]) == 2 and len(comparison.curves["other"]) == 1
    assert comparison.best.n == rows["run"].n and "6 images" in comparison.best.text()


def test_memory_is_that_of_the_model_unpacked(apart: None, trained: Run, tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    for i in range(60):
        blocks = random.integers(0, 120, (4, 4, 3)) + (0 if i < 30 else 120)
        pixels = np.kron(blocks, np.ones((15, 15, 1))).astype(np.uint8)
        place = tmp_path / "dull" / ("dark" if i < 30 else "light")
        place.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(place / f"{i}.png")
    runs = [train(tmp_path / "dull", "knn", out=tmp_path / name, reporter=NullReporter()) for name in ("a", "b")]
    for row in discern.compare(runs).runs:  # k-NN keeps the training images, which compress well
        assert row.size < 60_000 < 40 * 60 * 60 * 3 * 4 < row.cost.memory


@pytest.mark.parametrize("key", ["parameters", "name"])
def test_sorted_by_key(key: str, trained: Run, other: Run) -> None:
    rows = discern.compare([trained, other], sort=key).runs
    assert list(rows) == sorted(rows, key=lambda row: SORT_KEYS[key](row, trained.task))


def test_a_key_that_is_not_there(trained: Run, other: Run) -> None:
    with pytest.raises(ConfigError, match=r'Unknown sort key "accurracy".*accuracy.*latency'):
        discern.compare([trained, other], sort="accurracy")


def test_one_run_is_not_compared_even_twice(trained: Run) -> None:
    with pytest.raises(ConfigError, match="two or more different runs"):
        discern.compare([trained, trained.path])


def test_two_runs_of_one_name_have_full_names(other: Run, tmp_path: Path) -> None:
    shutil.copytree(other.path, tmp_path / "other")
    names = {row.name for row in discern.compare([other, tmp_path / "other"]).runs}
    assert names == {str(other.path.resolve()), str((tmp_path / "other").resolve())}


def test_runs_on_other_images_are_not_ranked(trained: Run, small: Path, tmp_path: Path) -> None:
    apart = train(small, "lenet", epochs=1, seed=7, out=tmp_path / "apart", **QUICK, reporter=NullReporter())
    with pytest.raises(RunError, match=r"run and apart were tested on different examples.*only in run \(.*\.png"):
        discern.compare([trained, apart])


def test_runs_of_other_classes_are_not_ranked(trained: Run, tmp_path: Path) -> None:
    two = make_folder(tmp_path / "two", classes=("red", "blue"))
    fewer = train(two, "lenet", epochs=1, out=tmp_path / "fewer", **QUICK, reporter=NullReporter())
    with pytest.raises(RunError, match=r"run and fewer know different classes \(green\)"):
        discern.compare([trained, fewer])


def test_a_run_without_predictions(trained: Run, other: Run, tmp_path: Path) -> None:
    shutil.copytree(other.path, tmp_path / "old")
    (tmp_path / "old" / "predictions.npz").unlink()
    with pytest.raises(RunError, match=r"old has no stored predictions.*train again"):
        discern.compare([trained, tmp_path / "old"])


def test_a_run_that_did_not_end(trained: Run, other: Run, tmp_path: Path) -> None:
    shutil.copytree(other.path, tmp_path / "stopped")
    (tmp_path / "stopped" / "metrics.json").unlink()
    with pytest.raises(RunError, match=r"training is unfinished; resume with"):
        discern.compare([trained, tmp_path / "stopped"])


def test_the_command_shows_and_saves(
    trained: Run, other: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command(monkeypatch, trained.path, other.path, "--out", tmp_path / "c.html") == 0
    shown = capsys.readouterr().out
    for words in ("run", "other", "accuracy", "6 test images", "measured now", "Saved:"):
        assert words in shown
    assert "other" in (tmp_path / "c.html").read_text(encoding="utf-8")


def test_the_command_for_programs(
    trained: Run, other: Run, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command(monkeypatch, trained.path, other.path, "--json", "--sort", "latency") == 0
    value = json.loads(capsys.readouterr().out)
    assert {row["name"] for row in value["runs"]} == {"run", "other"}
    assert value["best"]["p_value"] <= 1 and value["split"] == "test" and value["batch"] == 32


def test_a_name_for_no_such_file_is_noticed_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command(monkeypatch, tmp_path / "nowhere", tmp_path, "--out", tmp_path / "c.doc") == 2
    assert "Use a name that ends in .png" in capsys.readouterr().err
