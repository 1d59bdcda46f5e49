"""How long it takes, and how much memory, to index a folder of many images.

    python benchmarks/index.py [NUMBER]        # default 1 000 000 files in 1 000 class folders

Seconds and memory of listing them (`open_folder`) and of stamping them (sizes and times of every file), beside those of
torchvision's ImageFolder, which lists only; each in fresh processes, in turns. The files are hard links to a few empty
ones, in a temporary folder that is removed afterwards.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from results import state

CLASSES = 1000
LINKS = 50_000  # file systems allow about 65 000 links to one file
TURNS = 3


def make(folder: Path, number: int, classes: int = CLASSES) -> None:
    """Fill ``folder`` with ``number`` files in class folders."""
    for name in range(classes):
        (folder / f"class {name}").mkdir()
    source = ""
    for index in range(number):
        path = f"{folder}/class {index % classes}/IMG_{index}.jpg"
        if index % LINKS:
            os.link(source, path)
        else:
            Path(path).touch()
            source = path


def discern(folder: str) -> Iterator[int]:
    """The number of images, then that they are stamped."""
    from discern.data.folder import open_folder

    data = open_folder(folder)
    yield len(data)
    data.store.version_key()
    yield len(data)


def torchvision(folder: str) -> Iterator[int]:
    """The number of images that ImageFolder lists; it stamps nothing."""
    from torchvision.datasets import ImageFolder

    yield len(ImageFolder(folder))


CONTESTANTS = {"discern": discern, "torchvision": torchvision}


def measure(name: str, folder: str) -> dict[str, float]:
    """Index ``folder`` in this process, in which the contestant's packages are loaded before the clock starts."""
    with tempfile.TemporaryDirectory() as small:
        make(Path(small), 10, classes=2)
        list(CONTESTANTS[name](small))
    before, start = peak(), time.perf_counter()
    times = [(files, time.perf_counter() - start) for files in CONTESTANTS[name](folder)]
    return {
        "files": times[0][0],
        "listing": times[0][1],
        "whole": times[-1][1],
        "gb": peak(),
        "own_gb": peak() - before,
    }


def peak() -> float:
    """The most memory that this process has held, in GB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (2**30 if sys.platform == "darwin" else 2**20)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("number", nargs="?", type=int, default=1_000_000, help="files")
    parser.add_argument("--quick", action="store_true", help="50,000 files")
    parser.add_argument("--alone", nargs=2, metavar=("CONTESTANT", "FOLDER"), help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.alone:
        print(json.dumps(measure(*asked.alone)))
        return
    measured: dict[str, list[dict[str, float]]] = {name: [] for name in CONTESTANTS}
    with tempfile.TemporaryDirectory() as folder:
        make(Path(folder), 50_000 if asked.quick else asked.number)
        for _ in range(TURNS):
            for name, results in measured.items():
                results.append(alone(name, folder))
    found = {
        name: {key: statistics.median(result[key] for result in results) for key in results[0]}
        for name, results in measured.items()
    }
    for name, figures in found.items():
        print("{:12} listing {listing:.2f} s, in all {whole:.2f} s, peak memory {gb:.2f} GB".format(name, **figures))
    ours, theirs = found["discern"], found["torchvision"]
    case = f"{ours['files']:,.0f} files"
    for what, key, note in (
        ("listed", "listing", "beside ImageFolder; {whole:.1f} s with sizes and times, goal 60 s for 1,000,000"),
        ("memory", "own_gb", "beside ImageFolder; {gb:.2f} GB with the packages, goal 1 GB for 1,000,000"),
    ):
        ratio = ours[key] / theirs[key]
        state("index", f"{case}: {what}", ratio=ratio, goal=None, better="lower", note=note.format(**ours))


def alone(name: str, folder: str) -> dict[str, float]:
    command = [sys.executable, __file__, "--alone", name, folder]
    figures: dict[str, float] = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)
    return figures


if __name__ == "__main__":
    main()
