"""Several processes: images a second of training in two processes of one thread beside one process of two threads.

    python benchmarks/ranks.py [--quick]

The same network on the same images with the same batch over all processes, in turns. Each turn starts anew: torchrun
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

from discern.models.registry import build_model
from discern.preprocess.spec import Preprocess
from discern.runtime import join_processes
from discern.training.config import TrainConfig, make_config
from discern.training.cpu_convolutions import cpu_convolutions
from discern.training.loop import Trainer
from discern.training.probe import plan_compute
from discern.training.sources import ImageBatches, TrainingData
from results import state

MODELS = ("resnet18-narrow", "cnn-course")
PROCESSES, GOAL = 2, 0.85
BATCH, EPOCHS = 128, 4
SIDE, CLASSES, HELD_BACK = 32, 10, 256
CPU = torch.device("cpu")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="one network, fewer images and turns")
    parser.add_argument("--alone", nargs=2, metavar=("CONFIG", "IMAGES"), help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.alone:
        alone(TrainConfig.model_validate_json(asked.alone[0]), int(asked.alone[1]))
        return
    images, turns = (640, 2) if asked.quick else (5120, 5)
    for model in MODELS[:1] if asked.quick else MODELS:
        race(model, images, turns)


def race(model: str, images: int, turns: int) -> None:
    """Measure one network in turns, and state the ratio."""
    torch.set_num_threads(PROCESSES)
    config = make_config(
        model=model, size=SIDE, batch_size=BATCH, epochs=EPOCHS, flip=True, translate=0.125, compile="no"
    )
    with cpu_convolutions(network := build_model(model, CLASSES, 3, SIDE)):
        choice = plan_compute(network, config, CPU)  # which all turns then share
    config = config.replace(precision=choice.precision, memory_format=choice.memory_format)
    rates = [[rate(config, images, processes) for processes in (1, PROCESSES)] for _turn in range(turns)]
    one, several = (statistics.median(column) for column in zip(*rates, strict=True))
    state(
        "ranks",
        f"{model}, {PROCESSES} processes x 1 thread against 1 x {PROCESSES}",
        ratio=statistics.median(two / alone for alone, two in rates),
        goal=GOAL,
        better="higher",
        note=f"{several:,.0f} against {one:,.0f} images/s, {config.runtime.precision}, batch {BATCH}, {turns} turns",
    )


def rate(config: TrainConfig, images: int, processes: int) -> float:
    """Images a second of the best epoch after the first, over all processes."""
    torchrun = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", str(processes)]
    command = [sys.executable, *(torchrun if processes > 1 else []), __file__]
    environment = {**os.environ, "OMP_NUM_THREADS": str(PROCESSES // processes), "CUDA_VISIBLE_DEVICES": ""}
    arguments = ["--alone", config.model_dump_json(), str(images)]
    done = subprocess.run([*command, *arguments], capture_output=True, text=True, env=environment)
    if done.returncode:
        raise SystemExit(done.stderr)
    return max(json.loads(done.stdout.splitlines()[-1]))


def alone(config: TrainConfig, images: int) -> None:
    """Train here, as one of the processes; the first prints the rate of each epoch but the first."""
    random, n = np.random.default_rng(0), images + HELD_BACK
    pixels = random.integers(0, 256, (n, SIDE, SIDE, 3), dtype=np.uint8)
    labels, rows = random.integers(0, CLASSES, n), np.arange(n)
    data = TrainingData(pixels, labels, rows[:images], rows[images:], CLASSES)
    spec = Preprocess(size=SIDE, mean=(0.5,) * 3, std=(0.3,) * 3)
    with join_processes() as ranks, tempfile.TemporaryDirectory() as folder:
        source = ImageBatches(data, config, spec, CPU, ranks)
        network = build_model(config.model, CLASSES, 3, SIDE)
        trainer = Trainer(network, config, source, Path(folder), CPU, ranks, lambda kind, fields: None)
        trainer.train()
        if ranks.first:
            print(json.dumps([record["images_per_second"] for record in trainer.state.history[1:]]))


if __name__ == "__main__":
    main()
