"""Training from a memory map larger than memory, beside the same images in memory.

    .venv/bin/python benchmarks/memory.py [--quick]

Colour images of 32 pixels, sorted by class, in a .npy file in a temporary folder. Both contestants run alone in a
process of their own, in turns, and train LeNet in the same order. Memory is capped by `systemd-run --scope` where that
works. Where it does not, the file is thrown out of memory after every window that was read, so that each comes from the
disk; the output says which, and how much was read. Linux only.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import mmap
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from unittest import mock

import numpy as np
import torch
from torch import Tensor

from results import state

SIDE, CLASSES = 32, 10
IMAGE = SIDE * SIDE * 3  # bytes
CAP = 0.8  # of the file's size
CONTESTANTS = ("in memory", "capped")
WHOSE = [] if os.geteuid() == 0 else ["--user"]
SCOPE = ["systemd-run", *WHOSE, "--scope", "--quiet", "-p", "MemorySwapMax=0"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="1.1 GB and 1500 steps, not 2.4 GB and 6000; one turn")
    parser.add_argument("--alone", nargs=2, metavar=("CONTESTANT", "FILE"), help=argparse.SUPPRESS)
    parser.add_argument("--steps", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--evict", action="store_true", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.alone:
        print(json.dumps(alone(*asked.alone, asked.steps, asked.evict)))
        return
    images, steps, turns = (352_000, 1500, 1) if asked.quick else (800_000, 6000, 3)
    with tempfile.TemporaryDirectory() as place:
        os.environ["DISCERN_CACHE"] = place  # one probe for both
        file = Path(place) / "pixels.npy"
        write(file, images)
        race(file, steps, turns)


def write(file: Path, images: int) -> None:
    """Noise, the same four thousand images over and over."""
    from input_pipeline import noise

    block = noise((4000, SIDE, SIDE, 3))
    with file.open("wb") as out:
        header = {"descr": "|u1", "fortran_order": False, "shape": (images, SIDE, SIDE, 3)}
        np.lib.format.write_array_header_1_0(out, header)
        for _ in range(images // len(block)):
            out.write(block.data)
        out.flush()
        os.fsync(out.fileno())  # what is not on the disk yet cannot leave memory


def race(file: Path, steps: int, turns: int) -> None:
    """Run both in turns, and state the ratios."""
    cap = int(CAP * file.stat().st_size)
    scope = [*SCOPE, "-p", f"MemoryMax={cap}"] if scoped() else []
    how = f"a cap of {cap / 1e9:.1f} GB by systemd-run" if scope else "the file thrown out of memory after every window"
    print(f"{file.stat().st_size / 1e9:.1f} GB of images; capped: {how}", flush=True)
    found: dict[str, list[dict[str, float]]] = {name: [] for name in CONTESTANTS}
    for _ in range(turns):
        for name, figures in found.items():
            command = [sys.executable, __file__, "--steps", str(steps), "--alone", name, str(file)]
            if name == "capped":
                command = [*scope, *command, *([] if scope else ["--evict"])]
            answer = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
            figures.append(json.loads(answer.stdout.splitlines()[-1]))
            figure = figures[-1]
            print(
                f"  {name:9} {figure['training']:8,.0f} images/s in training, {figure['batches']:10,.0f} of batches "
                f"alone; {figure['read']:.0f} MB read from disk",
                flush=True,
            )
    for what, goal in (("training", 0.9), ("batches", None)):
        held, capped = (statistics.median(figure[what] for figure in found[name]) for name in CONTESTANTS)
        case = "LeNet in training, capped over in memory" if goal else "batches alone, capped over in memory"
        state("memory", case, ratio=capped / held, goal=goal, better="higher", note=how)


def scoped() -> bool:
    """Whether systemd caps the memory of a process here."""
    try:
        return not subprocess.run([*SCOPE, "-p", "MemoryMax=1G", "true"], capture_output=True, check=False).returncode
    except OSError:
        return False


def alone(name: str, file: str, steps: int, evict: bool) -> dict[str, float]:
    """Images a second in training and of batches alone, and the megabytes that came from the disk."""
    from discern.data.batches import Batches
    from input_pipeline import configured, train

    pixels = np.load(file, mmap_mode="r" if name == "capped" else None)
    labels = np.arange(len(pixels)) * CLASSES // len(pixels)
    config = configured("lenet", pixels, [f"class {name}" for name in "abcdefghij"], batch_size=128)
    with evicting(pixels, file) if evict else contextlib.nullcontext():
        read = from_disk()
        clocked = train(config, pixels, labels, steps)
        training = clocked.images / (sum(clocked.waited) + sum(clocked.worked))
        read = from_disk() - read if name == "capped" else 0.0
        batches = Batches(pixels, labels, np.arange(len(pixels)), 128)
        began, taken = time.perf_counter(), 0
        for taken_pixels, _labels in batches.epoch(0):
            taken += len(taken_pixels)
        return {"training": training, "batches": taken / (time.perf_counter() - began), "read": read / 1e6}


@contextlib.contextmanager
def evicting(pixels: np.ndarray, file: str) -> Iterator[None]:
    """Throw the pages of ``file`` out of memory after every window that is read, so that none is found there."""
    from discern.data.memmap_reader import MemmapReader

    read = MemmapReader._read
    descriptor = os.open(file, os.O_RDONLY)

    def and_throw(mapped: MemmapReader, batches: list[Tensor]) -> tuple[Tensor, list[Tensor]]:
        found = read(mapped, batches)
        pixels.base.madvise(mmap.MADV_DONTNEED)  # a page that is mapped would stay
        os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
        return found

    and_throw(MemmapReader(pixels), [torch.arange(1)])
    with mock.patch.object(MemmapReader, "_read", and_throw):
        yield
    os.close(descriptor)


def from_disk() -> int:
    """Bytes that this process had read from a disk so far."""
    with Path("/proc/self/io").open(encoding="ascii") as lines:
        return next((int(line.split()[1]) for line in lines if line.startswith("read_bytes")), 0)


if __name__ == "__main__":
    main()
