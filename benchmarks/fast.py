"""The fast recipe: accuracy after its passes, and its time beside bare steps of the same network on ready batches.

    .venv/bin/python benchmarks/fast.py                      # seeds 0 to 4 on CIFAR-10 and the ratio: about an hour
    .venv/bin/python benchmarks/fast.py --seeds 0            # one seed
    .venv/bin/python benchmarks/fast.py --data mnist --seeds 0
    .venv/bin/python benchmarks/fast.py --quick              # the ratio alone, over few pictures

Bare steps are forward, backward and optimizer on batches that lie ready in memory, in the precision and form that the
recipe trains in: no order, no augmentation, no counting, no validation, no files. Both are timed in this process, in
turns of one run each; every seed is scored once on the test part.
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
import time
from pathlib import Path

import torch

import discern
from discern.api.run import Run
from discern.files import read_json
from discern.models.table import build
from discern.progress import Watcher
from discern.training.config import Config
from discern.training.cpu_convolutions import cpu_convolutions
from discern.training.optimizers import make_optimizer
from discern.training.probe import autocast, memory_format, placed
from results import state

READY = 4  # batches that bare steps go round


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", default="cifar10")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2, 3, 4])
    parser.add_argument("--epochs", type=int)
    parser.add_argument("--quick", action="store_true")
    asked = parser.parse_args()
    settings = {"train_limit": 6000} if asked.quick else {}
    seeds, epochs = ([0], 1) if asked.quick else (asked.seeds, asked.epochs)
    ratios, scores = [], []
    for seed in seeds:
        with tempfile.TemporaryDirectory() as place:
            run = discern.train(
                asked.data, recipe="fast", epochs=epochs, seed=seed, out=Path(place) / "run", settings=settings,
                watch=Watcher(),
            )  # fmt: skip
            ratios.append(report(run, seed))
            scores.append(run.result["test"]["top1"])
    note = "few pictures" if asked.quick else f"seeds {seeds}: mean top-1 {statistics.mean(scores):.4f}"
    ratio = statistics.median(ratios)
    state("fast", f"{asked.data}, time of training over bare steps", ratio=ratio, goal=1.1, better="lower", note=note)


def report(run: Run, seed: int) -> float:
    """Print what one seed came to; its time over that of bare steps."""
    config = Config.model_validate(run.directory.read_config()["config"])
    records = list(run.directory.read_events("epoch"))
    n = read_json(run.directory.split)["counts"]["train"]
    bare = bare_seconds(config, len(run.classes), n) * len(records)
    took = sum(record["seconds"] for record in records)
    looks = run.directory.read_metrics()["views"]
    print(
        f"seed {seed}: test {looks['top1']:.4f} ({looks['top1_one_view']:.4f} from one look, n {looks['n']:,}), "
        f"{len(records)} passes in {took:.1f} s, bare steps {bare:.1f} s",
        flush=True,
    )
    return took / bare


def bare_seconds(config: Config, classes: int, n: int) -> float:
    """Seconds that one pass over ``n`` pictures takes when there is nothing but steps to do."""
    where = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    steps = -(-n // config.batch)
    torch.manual_seed(config.seed)
    network = placed(build(config.model, classes, config.channels, config.size, config.network), config.layout, where)
    optimizer = make_optimizer(network, config)
    shape = (n // steps, config.channels, config.size, config.size)
    ready = [
        (
            torch.randn(shape, device=where).contiguous(memory_format=memory_format(config.layout)),
            torch.randint(classes, shape[:1], device=where),
        )
        for _ in range(READY)
    ]
    with cpu_convolutions(network):
        for step in range(-2, steps):
            if step == 0:
                began = time.perf_counter()
            x, y = ready[step % READY]
            with autocast(config.precision, where):
                logits = network(x)
            loss = torch.nn.functional.cross_entropy(logits.float(), y, label_smoothing=config.label_smoothing)
            loss.backward()
            optimizer.step()
            optimizer.zero_grad()
        if where.type == "cuda":
            torch.cuda.synchronize()
        return time.perf_counter() - began


if __name__ == "__main__":
    os.environ.setdefault("DISCERN_LANG", "en")
    main()
