"""How long discern takes to start, beside Python that only imports torch.

    python benchmarks/startup.py [--quick]

`discern predict BUNDLE IMAGE` of a LeNet, the slowest lab without options (`discern lab overfit`), and importing
discern.api, each in fresh processes in turns with `import torch`; medians. "From cold" is a process that has nothing
loaded; the files are in the system's cache for both sides, as the first turn, which is not counted, puts them there.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import torch
from PIL import Image

from discern.classifier.bundle import ModelCard, write_bundle
from discern.models.registry import build_model
from discern.preprocess.spec import Preprocess
from results import state

COMMAND = "from discern.__main__ import command; command()"  # what the installed script does
API = "import time; start = time.perf_counter(); import discern.api; print(time.perf_counter() - start)"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="3 turns instead of 9")
    turns = 3 if parser.parse_args().quick else 9
    with tempfile.TemporaryDirectory() as folder:
        bundle, image = made(Path(folder))
        discern = (sys.executable, "-c", COMMAND)
        commands = {
            "torch": (sys.executable, "-c", "import torch"),
            "predict": (*discern, "predict", str(bundle), str(image)),
            "overfit": (*discern, "lab", "overfit"),
            "api": (sys.executable, "-c", API),
        }
        measured = [{name: run(command) for name, command in commands.items()} for _turn in range(turns + 1)][1:]
    times = {name: statistics.median(turn[name][0] for turn in measured) for name in commands}
    api = statistics.median(float(turn["api"][1]) for turn in measured)
    for name, seconds in times.items():
        print(f"{name:8} {seconds:.2f} s")
    told = "torch {torch:.2f} s; {seconds:.2f} s".format
    note = told(seconds=times["predict"], **times)
    state("startup", "predict of lenet", ratio=times["predict"] / times["torch"], goal=1.5, better="lower", note=note)
    note = told(seconds=times["overfit"], **times) + ", goal 2 s"
    state("startup", "lab overfit", ratio=times["overfit"] / times["torch"], goal=None, better="lower", note=note)
    note = f"{1000 * api:.0f} ms, goal 50 ms"
    state("startup", "importing discern.api", ratio=api / times["torch"], goal=None, better="lower", note=note)


def made(folder: Path) -> tuple[Path, Path]:
    """A bundle of a LeNet with random weights, and an image."""
    torch.manual_seed(0)
    card = ModelCard(model="lenet", classes=tuple("0123456789"), preprocess=Preprocess(size=28, channels=1))
    write_bundle(folder / "bundle", card, build_model("lenet", 10, 1, 28).state_dict())
    Image.new("L", (28, 28), 90).save(folder / "image.png")
    return folder / "bundle", folder / "image.png"


def run(command: tuple[str, ...]) -> tuple[float, str]:
    """Seconds of a process from its start to its end, and what it printed."""
    start = time.perf_counter()
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    return time.perf_counter() - start, done.stdout


if __name__ == "__main__":
    main()
