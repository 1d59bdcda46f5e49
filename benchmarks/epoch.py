"""Images per second of training, discern's beside the tutorial's loop, timm's and fastai's, in one run.

    .venv/bin/python benchmarks/epoch.py --quick                       # small images, few of them, without fastai
    python tools/environment.py --peers                                # fetches fastai into .venv-bench
    .venv-bench/bin/python benchmarks/epoch.py cifar10 --images 5000 --repeats 3

Every contestant runs alone in a process of its own, in turns, and trains the same network from a folder of images;
the first epoch is not counted. benchmarks/baselines.py holds what each of them does, benchmarks/images.py the folders.
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
from pathlib import Path

import torch

from baselines import CONTESTANTS, Case
from images import exported, photos
from results import state

CASES = [
    Case("cifar10", "resnet18", 32, 3, 10, batch=128, augment=True, epochs=2, goal=1.3),
    Case("mnist", "lenet", 28, 1, 10, batch=128, augment=False, epochs=2, goal=3.0),
    Case("photos-resnet18", "resnet18", 128, 3, 2, batch=32, augment=True, epochs=4, goal=1.2),
    Case("photos-mobilenet", "mobilenet", 128, 3, 2, batch=32, augment=True, epochs=4, goal=1.2),
]


QUICK = {"cifar10": 2_000, "mnist": 10_000}  # case -> images


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    names = [case.name for case in CASES]
    parser.add_argument("cases", nargs="*", metavar="CASE", help=f"of {', '.join(names)}; all unless named")
    parser.add_argument("--images", type=int, help="CIFAR-10 and MNIST images (10,000 and all 60,000 unless given)")
    parser.add_argument("--repeats", type=int, default=1, help="turns; the median counts")
    parser.add_argument("--quick", action="store_true", help="2,000 images of CIFAR-10 and 10,000 of MNIST")
    parser.add_argument("--alone", nargs=2, metavar=("CONTESTANT", "FOLDER"), help=argparse.SUPPRESS)
    asked = parser.parse_args()
    wanted = asked.cases or (list(QUICK) if asked.quick else names)
    chosen = [case for case in CASES if case.name in wanted]
    if asked.alone:
        alone(chosen[0], *asked.alone)
        return
    print(f"{os.cpu_count()} cores, torch {torch.__version__}", flush=True)
    with tempfile.TemporaryDirectory() as place:
        for case in chosen:
            few = QUICK.get(case.name) if asked.quick else None
            folder = folder_of(case, asked.images or few, Path(place))
            race(case, folder, asked.repeats, [name for name in CONTESTANTS if name != "fastai" or not asked.quick])


def folder_of(case: Case, images: int | None, place: Path) -> Path:
    if case.name.startswith("photos"):
        return photos()
    return exported(case.name, images or (10_000 if case.name == "cifar10" else None), place)


def race(case: Case, folder: Path, repeats: int, contestants: list[str]) -> None:
    """Print a line a contestant, and state discern's ratio to the best of the others."""
    print(f"\n{case.name}: {case.model} at {case.size}x{case.size}, batches of {case.batch}", flush=True)
    measured: dict[str, list[dict[str, float]]] = {name: [] for name in contestants}
    for _ in range(repeats):
        for name, results in measured.items():
            results += run_alone(case, name, folder)
    rates = {}
    for name, results in measured.items():
        if results:
            rates[name] = statistics.median(result["rate"] for result in results)
            memory = max(result["memory"] for result in results)
            print(f"  {name:10} {rates[name]:8,.0f} images/s   peak memory {memory / 1e9:.1f} GB", flush=True)
        else:
            print(f"  {name:10}  missing, its reason is above", flush=True)
    others = {name: rate for name, rate in rates.items() if name != "discern"}
    if "discern" in rates and others:
        best = max(others, key=lambda name: others[name])
        about = f"{case.name}: {case.model} at {case.size} px"
        beaten = f"images/s over those of {best}, the best of {', '.join(others)}; {turns(repeats)}"
        state("epoch", about, ratio=rates["discern"] / others[best], goal=case.goal, better="higher", note=beaten)


def turns(repeats: int) -> str:
    return "one turn" if repeats == 1 else f"median of {repeats} turns"


def run_alone(case: Case, name: str, folder: Path) -> list[dict[str, float]]:
    command = [sys.executable, __file__, case.name, "--alone", name, str(folder)]
    with tempfile.TemporaryDirectory() as cache:
        environment = {**os.environ, "DISCERN_CACHE": cache}
        answer = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    if answer.returncode:
        print(f"  {name}: {answer.stderr.strip().splitlines()[-1]}", flush=True)
        return []
    return [json.loads(answer.stdout.splitlines()[-1])]


def alone(case: Case, name: str, folder: str) -> None:
    """Run one contestant here; the last line on stdout is its figures."""
    rates = CONTESTANTS[name](case, Path(folder))
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    print(json.dumps({"rate": statistics.median(rates[1:]), "memory": memory}))


if __name__ == "__main__":
    main()
