"""``--set cache=stream`` and ``wds:`` from data to report."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest
import torch

import discern
from discern.api.train import train
from discern.data import workers
from discern.errors import ConfigError, DataError, Interrupted
from discern.files import cache_folder
from discern.progress import NullReporter
from discern.runs.run_directory import RunDirectory
from tests.run_facts import QUICK, RecordingReporter

STREAM = {**QUICK, "cache": "stream"}


@pytest.fixture
def shards(small: Path, tmp_path: Path) -> str:
    """The images of ``small`` in four shards, dealt out one by one."""
    images = sorted(small.rglob("*.png"))
    for number in range(4):
        with tarfile.open(tmp_path / f"colours-{number}.tar", "w") as tar:
            for place, path in enumerate(images[number::4]):
                (tmp_path / "label").write_text(path.parent.name)
                tar.add(path, f"{place:03d}.png")
                tar.add(tmp_path / "label", f"{place:03d}.cls")
    return f"wds:{tmp_path}/colours-{{0..3}}.tar"


def weights(run: discern.Run) -> bytes:
    return (run.path / "model.safetensors").read_bytes()


@pytest.mark.parametrize("how", ["threads", "processes", "head"])
def test_the_same_weights_as_from_the_cache(
    small: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    more = {"finetune": "head", "weights": str(first(small, tmp_path))} if how == "head" else {}
    monkeypatch.setenv("DISCERN_CACHE", str(tmp_path / "cache"))
    held = train(small, "cnn-course", epochs=2, **(QUICK | more), out=tmp_path / "h", reporter=NullReporter())
    assert (cache_folder() / "pixels").exists()
    shutil.rmtree(cache_folder() / "pixels")
    if how == "processes":
        monkeypatch.setattr(workers, "MAX_FOR_THREADS", 10)
        monkeypatch.setattr(workers, "count_processors", lambda: 2)
    streamed = train(small, "cnn-course", epochs=2, **(STREAM | more), out=tmp_path / "s", reporter=NullReporter())
    assert not (cache_folder() / "pixels").exists()
    assert weights(streamed) == weights(held)
    assert streamed.result["test"] == held.result["test"]
    assert discern.evaluate(streamed.path, small, reporter=NullReporter()).n == 36
    near = discern.explain(streamed.path, next(small.rglob("*.png")), method="nearest")
    assert len(near.to_json()["nearest"]) == 7
    assert not (cache_folder() / "pixels").exists()
    assert (streamed.path / "images.npz").read_bytes() == (held.path / "images.npz").read_bytes()
    assert (streamed.path / "report.html").is_file()


def first(small: Path, tmp_path: Path) -> Path:
    return train(small, "cnn-course", epochs=1, **QUICK, out=tmp_path / "first", reporter=NullReporter()).path


@pytest.mark.parametrize("source", ["small", "shards"])
def test_it_goes_on_to_the_same_bits(request: pytest.FixtureRequest, tmp_path: Path, source: str) -> None:
    data = request.getfixturevalue(source)
    whole = train(data, "cnn-course", epochs=3, **STREAM, out=tmp_path / "whole", reporter=NullReporter())
    steps = 0

    def act(what: str, done: int) -> None:
        nonlocal steps
        steps += what == "training"
        if steps == 5 and what == "training":  # inside the second epoch
            os.kill(os.getpid(), signal.SIGINT)

    with pytest.raises(Interrupted):
        train(data, "cnn-course", epochs=3, **STREAM, out=tmp_path / "run", reporter=RecordingReporter(act))
    resumed = train(resume=tmp_path / "run", reporter=NullReporter())
    assert weights(resumed) == weights(whole)


def test_shards_learn_as_folders_do(shards: str, small: Path, tmp_path: Path) -> None:
    """Held, the same images in the same parts; only their order is another one, which is that of the shards."""
    run = train(shards, "cnn-course", epochs=6, **QUICK, out=tmp_path / "held", reporter=NullReporter())
    assert run.result["test"]["top1"] == 1.0
    streamed = train(shards, "cnn-course", epochs=6, **STREAM, out=tmp_path / "streamed", reporter=NullReporter())
    assert streamed.result["test"]["top1"] == 1.0
    assert RunDirectory(run.path).read_config()["data"]["origin"] == shards
    assert discern.evaluate(streamed.path, small, reporter=NullReporter()).n == 36
    assert discern.inspect_data(shards, reporter=NullReporter()).to_json()["n"] == 36


def test_shards_that_are_gone_are_missed(shards: str, tmp_path: Path) -> None:
    run = train(shards, "cnn-course", epochs=1, **STREAM, out=tmp_path / "run", reporter=NullReporter())
    (tmp_path / "colours-2.tar").unlink()
    with pytest.raises(DataError, match=r"colours-2\.tar"):
        train(resume=run.path, reporter=NullReporter())


def test_another_cache_is_refused(small: Path) -> None:
    with pytest.raises(ConfigError, match="cache"):
        train(small, cache="tape", reporter=NullReporter())


@pytest.mark.slow
def test_two_processes_stream_their_own_shards(shards: str, tmp_path: Path) -> None:
    """Joined by gloo, they learn: every one of the test images is named right, as by one process."""
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", "-m", "discern"]
    settings = [text for name, value in STREAM.items() for text in ("--set", f"{name}={value}")]
    arguments = ["train", shards, "--model", "cnn-course", "--epochs", "8", "--out", str(tmp_path / "run"), *settings]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    done = subprocess.run([*torchrun, *arguments], capture_output=True, text=True, timeout=300, env=environment)
    assert done.returncode == 0, done.stderr
    assert discern.load(tmp_path / "run").card.metrics["test"]["top1"] == 1.0
    assert not torch.distributed.is_initialized()
