"""Killed at any moment, a run goes on to the same bits; and several processes learn what one does."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from discern.runs.run_directory import RunDirectory
from tests.images import make_folder

EPOCHS = 4
KILLS = 20


def command(*arguments: object) -> list[str]:
    return [sys.executable, "-m", "discern", "train", *map(str, arguments)]


def finish(arguments: list[str]) -> None:
    done = subprocess.run(arguments, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr


@pytest.mark.slow
def test_kill_minus_nine_at_any_moment(tmp_path: Path) -> None:
    folder = make_folder(tmp_path / "data", n=60)
    settings = ["--epochs", EPOCHS, "--set", "checkpoint_seconds=0", "--set", "ema=0.9", "--set", "precision=fp32"]
    start = time.monotonic()
    finish(command(folder, "--model", "cnn-course", "--out", tmp_path / "whole", *settings))
    length = time.monotonic() - start
    expected = (tmp_path / "whole" / "model.safetensors").read_bytes()
    moments = random.Random(0)
    kills = number = 0
    while kills < KILLS:
        number += 1
        run = tmp_path / f"killed{number}"
        arguments = command(folder, "--model", "cnn-course", "--out", run, *settings)
        while kills < KILLS:
            process = subprocess.Popen(arguments, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            try:
                process.wait(timeout=moments.uniform(0.3 * length, 1.1 * length))
                break
            except subprocess.TimeoutExpired:
                process.send_signal(signal.SIGKILL)
                process.wait()
                kills += 1
            if (run / "config.json").exists():
                arguments = command("--resume", run)
        finish(command("--resume", run) if (run / "config.json").exists() else arguments)
        assert (run / "model.safetensors").read_bytes() == expected
        assert [event["epoch"] for event in RunDirectory(run).read_events("epoch")] == [1, 2, 3, 4]


@pytest.mark.slow
def test_two_processes_learn_what_one_does(tmp_path: Path) -> None:
    """Digits, 8 epochs of LeNet: the validation accuracies of one and two processes differ by no more than three
    standard errors of a difference of two rates near 0.97 on 179 images, 0.054."""
    settings = ["--model", "lenet", "--epochs", 8, "--set", "precision=fp32"]
    finish(command("digits", "--out", tmp_path / "one", *settings))
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", "-m", "discern"]
    arguments = [*torchrun, "train", "digits", "--out", str(tmp_path / "two"), *map(str, settings)]
    done = subprocess.run(arguments, capture_output=True, text=True, timeout=300, env=environment)
    assert done.returncode == 0, done.stderr
    results = [json.loads((tmp_path / name / "metrics.json").read_text())["result"] for name in ("one", "two")]
    assert all(result["validation"]["top1"] > 0.9 for result in results)
    assert abs(results[0]["validation"]["top1"] - results[1]["validation"]["top1"]) <= 0.054
    assert [event["epoch"] for event in RunDirectory(tmp_path / "two").read_events("epoch")] == list(range(1, 9))
