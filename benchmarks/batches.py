"""What taking, augmenting and normalising a batch costs, as a share of the whole training step.

    .venv/bin/python benchmarks/batches.py [--quick]

The recipe's own settings and augmentation, batches of 128, on the CPU with the precision that the probe finds: LeNet on
digits of 28 pixels (shift, rotation and zoom), ResNet-18 on colour images of 32 (shift and flip).
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
from dataclasses import dataclass

import numpy as np
import torch

from input_pipeline import FIRST, configured, noise, train
from results import state


@dataclass(frozen=True)
class Case:
    """A network and the images it learns from; ``steps`` are timed in the whole form, ``quick`` in the quick one."""

    model: str
    side: int
    channels: int
    names: list[str]
    steps: int
    quick: int
    goal: float


CASES = [
    Case("lenet", 28, 1, [str(digit) for digit in range(10)], steps=400, quick=100, goal=0.25),
    Case("resnet18", 32, 3, [f"class {name}" for name in "abcdefghij"], steps=60, quick=12, goal=0.05),
]
TURNS = 3


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="fewer steps")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as cache:
        os.environ["DISCERN_CACHE"] = cache  # the probe measures anew
        for case in CASES:
            measure(case, case.quick if asked.quick else case.steps)


def measure(case: Case, steps: int) -> None:
    """State the share of one case: the median step of the median turn."""
    pixels = noise((128 * (steps + 1), case.side, case.side, case.channels))
    labels = np.arange(len(pixels)) % len(case.names)
    config = configured(case.model, pixels, case.names, batch_size=128)
    shares = []
    for _ in range(TURNS):
        clocked = train(config, pixels, labels, steps // TURNS + FIRST)
        waited, worked = (statistics.median(seconds[FIRST:]) for seconds in (clocked.waited, clocked.worked))
        shares.append(waited / (waited + worked))
        print(f"  {case.model}: batch {waited * 1e3:.2f} ms, forward to optimizer {worked * 1e3:.2f} ms", flush=True)
    kinds = ("flip", "translate", "rotation", "zoom", "color_jitter")
    changes = [name for name in kinds if getattr(config.augmentation, name)]
    note = f"{', '.join(changes)}; {config.runtime.precision}, {torch.get_num_threads()} threads"
    what = f"batch over step, {case.model} at {case.side} px"
    state("batches", what, ratio=statistics.median(shares), goal=case.goal, better="lower", note=note)


if __name__ == "__main__":
    main()
