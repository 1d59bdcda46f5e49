"""Several processes: pictures a second of training in two processes of one thread beside one process of two threads.

    python benchmarks/ranks.py [--quick]

The same network on the same pictures with the same batch over all processes, in turns. Each turn starts anew: torchrun
with gloo for the two, as `torchrun --nproc-per-node 2 -m discern train` would. The first epoch of a turn is not
counted, the best of the others is; the median over the turns is stated.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import torch

from discern.models.table import build
from discern.preprocess.spec import Preprocess
from discern.runtime import process_group
from discern.training.config import Config
from discern.training.cpu_convolutions import cpu_convolutions
from discern.training.loop import Trainer
from discern.training.probe import choose
from discern.training.sources import Data, Pictures
from results import state

MODELS = ("resnet18-narrow", "cnn-course")
PROCESSES, GOAL = 2, 0.85
BATCH, EPOCHS = 128, 4
SIDE, CLASSES, HELD_BACK = 32, 10, 256
CPU = torch.device("cpu")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="one network, fewer pictures and turns")
    parser.add_argument("--alone", nargs=2, metavar=("CONFIG", "PICTURES"), help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.alone:
        alone(Config.model_validate_json(asked.alone[0]), int(asked.alone[1]))
        return
    pictures, turns = (640, 2) if asked.quick else (5120, 5)
    for model in MODELS[:1] if asked.quick else MODELS:
        race(model, pictures, turns)


def race(model: str, pictures: int, turns: int) -> None:
    """Measure one network in turns, and state the ratio."""
    torch.set_num_threads(PROCESSES)
    config = Config(model=model, size=SIDE, batch=BATCH, epochs=EPOCHS, flip=True, shift=0.125, compile="no")
    with cpu_convolutions(network := build(model, CLASSES, 3, SIDE)):
        choice = choose(network, config, CPU)  # which all turns then share
    config = config.model_copy(update={"precision": choice.precision, "layout": choice.layout})
    rates = [[rate(config, pictures, processes) for processes in (1, PROCESSES)] for _turn in range(turns)]
    one, several = (statistics.median(column) for column in zip(*rates, strict=True))
    state(
        "ranks",
        f"{model}, {PROCESSES} processes x 1 thread against 1 x {PROCESSES}",
        ratio=statistics.median(two / alone for alone, two in rates),
        goal=GOAL,
        better="higher",
        note=f"{several:,.0f} against {one:,.0f} pictures/s, {config.precision}, batch {BATCH}, {turns} turns",
    )


def rate(config: Config, pictures: int, processes: int) -> float:
    """Pictures a second of the best epoch after the first, over all processes."""
    torchrun = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", str(processes)]
    command = [sys.executable, *(torchrun if processes > 1 else []), __file__]
    environment = {**os.environ, "OMP_NUM_THREADS": str(PROCESSES // processes), "CUDA_VISIBLE_DEVICES": ""}
    arguments = ["--alone", config.model_dump_json(), str(pictures)]
    done = subprocess.run([*command, *arguments], capture_output=True, text=True, env=environment)
    if done.returncode:
        raise SystemExit(done.stderr)
    return max(json.loads(done.stdout.splitlines()[-1]))


def alone(config: Config, pictures: int) -> None:
    """Train here, as one of the processes; the first prints the rate of each epoch but the first."""
    random, n = np.random.default_rng(0), pictures + HELD_BACK
    pixels = random.integers(0, 256, (n, SIDE, SIDE, 3), dtype=np.uint8)
    labels, rows = random.integers(0, CLASSES, n), np.arange(n)
    data = Data(pixels, labels, rows[:pictures], rows[pictures:], CLASSES)
    spec = Preprocess(size=SIDE, mean=(0.5,) * 3, std=(0.3,) * 3)
    with process_group() as ranks, tempfile.TemporaryDirectory() as folder:
        source = Pictures(data, config, spec, CPU, ranks)
        network = build(config.model, CLASSES, 3, SIDE)
        trainer = Trainer(network, config, source, Path(folder), CPU, ranks, lambda kind, fields: None)
        trainer.train()
        if ranks.first:
            print(json.dumps([record["images_per_second"] for record in trainer.progress.history[1:]]))


if __name__ == "__main__":
    main()
