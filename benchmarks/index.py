"""How long it takes, and how much memory, to index a folder of many pictures.

    python benchmarks/index.py [NUMBER]        # default 1 000 000 files in 1 000 class folders

Prints seconds and peak memory of listing them (`open_folder`) and of stamping them (sizes and times of every file),
measured in a fresh process; the goals are 60 s and 1 GB on two cores. The files are hard links to a few empty ones, in
a temporary folder that is removed afterwards.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

CLASSES = 1000
LINKS = 50_000  # file systems allow about 65 000 links to one file
_MEASURE = "--measure"


def make(folder: Path, number: int) -> None:
    """Fill ``folder`` with ``number`` files in class folders."""
    for name in range(CLASSES):
        (folder / f"class {name}").mkdir()
    source = ""
    for index in range(number):
        path = f"{folder}/class {index % CLASSES}/IMG_{index}.jpg"
        if index % LINKS:
            os.link(source, path)
        else:
            Path(path).touch()
            source = path


def measure(folder: str) -> dict[str, float]:
    """Index ``folder`` in this process."""
    from discern.data.folder import open_folder

    start = time.perf_counter()
    data = open_folder(folder)
    listed = time.perf_counter()
    data.store.stamp()
    stamped = time.perf_counter()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (2**30 if sys.platform == "darwin" else 2**20)
    return {"files": len(data), "listing": listed - start, "stamping": stamped - listed, "peak_gb": peak}


def main() -> None:
    if sys.argv[1:2] == [_MEASURE]:
        print(json.dumps(measure(sys.argv[2])))
        return
    number = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    with tempfile.TemporaryDirectory() as folder:
        make(Path(folder), number)
        command = [sys.executable, __file__, _MEASURE, folder]
        found = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    listing, stamping = found["listing"], found["stamping"]
    print(f"{found['files']:,} files: {listing + stamping:.1f} s (listing {listing:.1f}, stamping {stamping:.1f})")
    print(f"peak memory {found['peak_gb']:.2f} GB; goals at 1,000,000 files: 60 s, 1 GB")


if __name__ == "__main__":
    main()
