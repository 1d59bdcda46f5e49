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
from discern.errors import ConfigError, DataError
from discern.files import cache_folder
from discern.progress import Watcher
from discern.run import RunDirectory
from discern.training.interrupt import Interrupted
from tests.runs import QUICK, Heard

STREAM = {**QUICK, "cache": "stream"}


@pytest.fixture
def shards(small: Path, tmp_path: Path) -> str:
    """The pictures of ``small`` in four shards, dealt out one by one."""
    pictures = sorted(small.rglob("*.png"))
    for number in range(4):
        with tarfile.open(tmp_path / f"colours-{number}.tar", "w") as tar:
            for place, path in enumerate(pictures[number::4]):
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
    more = {"tune": "head", "weights": str(first(small, tmp_path))} if how == "head" else {}
    monkeypatch.setenv("DISCERN_CACHE", str(tmp_path / "cache"))
    held = train(small, "cnn-course", epochs=2, settings=QUICK | more, out=tmp_path / "h", watch=Watcher())
    assert (cache_folder() / "pixels").exists()
    shutil.rmtree(cache_folder() / "pixels")
    if how == "processes":
        monkeypatch.setattr(workers, "FEW", 10)
        monkeypatch.setattr(workers, "processors", lambda: 2)
    streamed = train(small, "cnn-course", epochs=2, settings=STREAM | more, out=tmp_path / "s", watch=Watcher())
    assert not (cache_folder() / "pixels").exists()
    assert weights(streamed) == weights(held)
    assert streamed.result["test"] == held.result["test"]
    assert discern.evaluate(streamed.path, small, watch=Watcher()).n == 36
    near = discern.explain(streamed.path, next(small.rglob("*.png")), method="nearest")
    assert len(near.to_json()["nearest"]) == 7
    assert not (cache_folder() / "pixels").exists()
    assert (streamed.path / "pictures.npz").read_bytes() == (held.path / "pictures.npz").read_bytes()
    assert (streamed.path / "report.html").is_file()


def first(small: Path, tmp_path: Path) -> Path:
    return train(small, "cnn-course", epochs=1, settings=QUICK, out=tmp_path / "first", watch=Watcher()).path


@pytest.mark.parametrize("source", ["small", "shards"])
def test_it_goes_on_to_the_same_bits(request: pytest.FixtureRequest, tmp_path: Path, source: str) -> None:
    data = request.getfixturevalue(source)
    whole = train(data, "cnn-course", epochs=3, settings=STREAM, out=tmp_path / "whole", watch=Watcher())
    steps = 0

    def act(what: str, done: int) -> None:
        nonlocal steps
        steps += what == "training"
        if steps == 5 and what == "training":  # inside the second epoch
            os.kill(os.getpid(), signal.SIGINT)

    with pytest.raises(Interrupted):
        train(data, "cnn-course", epochs=3, settings=STREAM, out=tmp_path / "run", watch=Heard(act))
    resumed = train(resume=tmp_path / "run", watch=Watcher())
    assert weights(resumed) == weights(whole)


def test_shards_learn_as_folders_do(shards: str, small: Path, tmp_path: Path) -> None:
    """Held, the same pictures in the same parts; only their order is another one, which is that of the shards."""
    run = train(shards, "cnn-course", epochs=6, settings=QUICK, out=tmp_path / "held", watch=Watcher())
    assert run.result["test"]["top1"] == 1.0
    streamed = train(shards, "cnn-course", epochs=6, settings=STREAM, out=tmp_path / "streamed", watch=Watcher())
    assert streamed.result["test"]["top1"] == 1.0
    assert RunDirectory(run.path).read_config()["data"]["origin"] == shards
    assert discern.evaluate(streamed.path, small, watch=Watcher()).n == 36
    assert discern.inspect(shards, watch=Watcher()).to_json()["n"] == 36


def test_shards_that_are_gone_are_missed(shards: str, tmp_path: Path) -> None:
    run = train(shards, "cnn-course", epochs=1, settings=STREAM, out=tmp_path / "run", watch=Watcher())
    (tmp_path / "colours-2.tar").unlink()
    with pytest.raises(DataError, match=r"colours-2\.tar"):
        train(resume=run.path, watch=Watcher())


def test_another_cache_is_refused(small: Path) -> None:
    with pytest.raises(ConfigError, match="cache"):
        train(small, settings={"cache": "tape"}, watch=Watcher())


@pytest.mark.slow
def test_two_processes_stream_their_own_shards(shards: str, tmp_path: Path) -> None:
    """Joined by gloo, they learn: every one of the test pictures is named right, as by one process."""
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", "-m", "discern"]
    settings = [text for name, value in STREAM.items() for text in ("--set", f"{name}={value}")]
    arguments = ["train", shards, "--model", "cnn-course", "--epochs", "8", "--out", str(tmp_path / "run"), *settings]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    done = subprocess.run([*torchrun, *arguments], capture_output=True, text=True, timeout=300, env=environment)
    assert done.returncode == 0, done.stderr
    assert discern.load(tmp_path / "run").card.metrics["test"]["top1"] == 1.0
    assert not torch.distributed.is_initialized()
