"""Seconds to a classifier of ants and bees on a frozen MobileNet, discern's beside the usual loop's, in one run.

    .venv/bin/python benchmarks/transfer.py --repeats 3

The usual loop is that of the PyTorch tutorial on transfer learning: ImageFolder and DataLoader, random crops and
flips, every layer but the head frozen, 10 epochs with validation after each. Both start from the same weights, hold
the same images out, and run alone in a process of their own, in turns; the clock starts when everything is imported.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from images import DATA
from results import state

FOLDER = DATA / "hymenoptera"
WEIGHTS = "mobilenet_v1_0.25_224_imagenet.safetensors"
EPOCHS, BATCH, WORKERS, GOAL = 10, 32, 2, 8.0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=3, help="turns; the median counts")
    parser.add_argument("--quick", action="store_true", help="one turn")
    parser.add_argument("--weights", default=str(DATA.parent / "weights" / WEIGHTS), help="of MobileNet 0.25")
    parser.add_argument("--alone", choices=CONTESTANTS, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.alone:
        print(json.dumps(CONTESTANTS[asked.alone](asked.weights)))
        return
    repeats = 1 if asked.quick else asked.repeats
    measured: dict[str, list[dict[str, float]]] = {name: [] for name in CONTESTANTS}
    with tempfile.TemporaryDirectory() as cache:
        run_alone("discern", asked.weights, cache)  # afterwards the pixel cache exists
        for _ in range(repeats):
            for name, results in measured.items():
                results.append(run_alone(name, asked.weights, cache))
    for name, results in measured.items():
        seconds = [round(result["seconds"], 2) for result in results]
        top1 = statistics.median(result["top1"] for result in results)
        print(f"{name:10} {statistics.median(seconds):6.2f} s {seconds}   top-1 {top1:.4f} {interval(top1)}")
    usual, ours = (statistics.median(result["seconds"] for result in measured[name]) for name in ("usual", "discern"))
    note = f"seconds of the usual loop over discern's; {'one turn' if repeats == 1 else f'median of {repeats} turns'}"
    about = "hymenoptera: head of MobileNet 0.25 at 224 px"
    state("transfer", about, ratio=usual / ours, goal=GOAL, better="higher", note=note)


def run_alone(name: str, weights: str, cache: str) -> dict[str, float]:
    command = [sys.executable, __file__, "--alone", name, "--weights", weights]
    answer = subprocess.run(
        command, stdout=subprocess.PIPE, text=True, check=True, env={**os.environ, "DISCERN_CACHE": cache}
    )
    figures: dict[str, float] = json.loads(answer.stdout.splitlines()[-1])
    return figures


def interval(top1: float, n: int = 153) -> str:
    from discern.evaluation.metrics import wilson

    low, high = wilson(round(top1 * n), n)
    return f"({low:.4f} to {high:.4f} at 95 % on {n})"


def discern(weights: str) -> dict[str, float]:
    """The command line's own verb, from the folder to the finished run."""
    import torch._dynamo  # noqa: F401  every torch optimizer imports it; before the clock starts, like everything else

    from discern.api.train import train
    from discern.progress import NullReporter

    with tempfile.TemporaryDirectory() as place, contextlib.redirect_stdout(io.StringIO()):
        begin = time.perf_counter()
        run = train(FOLDER, weights=weights, finetune="head", out=Path(place) / "run", reporter=NullReporter())
        seconds = time.perf_counter() - begin
        return {"seconds": seconds, "top1": run.evaluate().top1}


def usual(weights: str) -> dict[str, float]:
    """The tutorial's loop; what it reports is the epoch that validated best, on the images held out."""
    import torch
    import torch._dynamo
    from torch.utils.data import DataLoader
    from torchvision import transforms
    from torchvision.datasets import ImageFolder

    from discern.models.registry import build_model
    from discern.models.weights import load_weights

    torch.manual_seed(0)
    network = build_model("mobilenet-0.25", 2, model_args={"stem": "imagenet"})
    load_weights(network, weights, new=network.heads)
    begin = time.perf_counter()
    scaled = [transforms.ToTensor(), transforms.Normalize([0.5] * 3, [0.5] * 3)]
    random = transforms.Compose([transforms.RandomResizedCrop(224), transforms.RandomHorizontalFlip(), *scaled])
    fixed = transforms.Compose([transforms.Resize(256), transforms.CenterCrop(224), *scaled])
    options = {"batch_size": BATCH, "num_workers": WORKERS, "persistent_workers": True}
    training = DataLoader(ImageFolder(str(FOLDER / "train"), random), shuffle=True, **options)
    held_out = DataLoader(ImageFolder(str(FOLDER / "val"), fixed), **options)
    network.requires_grad_(False)
    network.head.requires_grad_(True)
    optimizer = torch.optim.Adam(network.head.parameters(), lr=1e-3)
    best = 0.0
    for _ in range(EPOCHS):
        network.eval()  # a frozen backbone keeps its running statistics
        for x, labels in training:
            optimizer.zero_grad()
            torch.nn.functional.cross_entropy(network(x), labels).backward()
            optimizer.step()
        with torch.no_grad():
            right = sum(int((network(x).argmax(1) == labels).sum()) for x, labels in held_out)
        best = max(best, right / len(held_out.dataset))
    return {"seconds": time.perf_counter() - begin, "top1": best}


CONTESTANTS = {"usual": usual, "discern": discern}

if __name__ == "__main__":
    main()
