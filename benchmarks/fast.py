"""The fast recipe: accuracy after its passes, and its time beside bare steps of the same network on ready batches.

    .venv/bin/python benchmarks/fast.py                      # seeds 0 to 4 on CIFAR-10 and the ratio: about an hour
    .venv/bin/python benchmarks/fast.py --seeds 0            # one seed
    .venv/bin/python benchmarks/fast.py --data mnist --seeds 0
    .venv/bin/python benchmarks/fast.py --quick              # the ratio alone, over few images

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
from discern.files import read_json
from discern.models.network import Model
from discern.models.registry import build_model
from discern.models.summary import summarize
from discern.progress import NullReporter
from discern.runs.run import Run
from discern.runtime import choose_device
from discern.training.config import TrainConfig
from discern.training.cpu_convolutions import cpu_convolutions
from discern.training.optimizers import make_optimizer
from discern.training.probe import autocast, get_memory_format, move_to
from images import DATA, exported
from results import state

WHOLE = {"width": 1.0, "batch_size": 500}  # what the recipe would not choose for few images
READY = 4  # batches that bare steps go round


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", default="cifar10")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2, 3, 4])
    parser.add_argument("--epochs", type=int)
    parser.add_argument("--quick", action="store_true")
    asked = parser.parse_args()
    os.environ.setdefault("DISCERN_DATA", str(DATA))
    ratios, scores = [], []
    with tempfile.TemporaryDirectory() as place:
        data, settings = asked.data, {}
        if asked.quick:  # nearly all to train on, as of the whole
            data, settings = exported("cifar10", 6000, Path(place)), {"test": 0.02, "validation": 0.02, **WHOLE}
        for seed in [0] if asked.quick else asked.seeds:
            out, epochs = Path(place) / str(seed), 2 if asked.quick else asked.epochs
            run = discern.train(
                data, recipe="fast", epochs=epochs, seed=seed, out=out, **settings, reporter=NullReporter()
            )
            ratios.append(report(run, seed))
            scores.append(run.result["test"]["top1"])
    note = "few images" if asked.quick else f"seeds {asked.seeds}: mean top-1 {statistics.mean(scores):.4f}"
    ratio = statistics.median(ratios)
    state("fast", f"{asked.data}, time of training over bare steps", ratio=ratio, goal=1.1, better="lower", note=note)


def report(run: Run, seed: int) -> float:
    """Print what one seed came to; its time over that of bare steps."""
    written = run.directory.read_config()
    config, classes = TrainConfig.model_validate(written["config"]), len(written["classes"])
    records = list(run.directory.read_events("epoch"))
    n = read_json(run.directory.split)["counts"]["train"]
    bare = bare_seconds(config, classes, n) * len(records)
    took = sum(record["seconds"] for record in records)
    gain = run.directory.read_metrics()["tta"]
    spec = config.preprocess
    work = 3 * 2 * summarize(network_of(config, classes), spec.size, spec.channels).multiply_adds * n
    print(
        f"seed {seed}: test {gain['top1']:.4f} ({gain['top1_without']:.4f} without augmentation, n {gain['n']:,}), "
        f"{len(records)} passes in {took:.1f} s, bare steps {bare:.1f} s, which reach "
        f"{work * len(records) / bare / product_rate(config):.0%} of a large matrix product's rate",
        flush=True,
    )
    return took / bare


def network_of(config: TrainConfig, classes: int) -> Model:
    """The network that ``config`` trains, with first weights."""
    torch.manual_seed(config.seed)
    return build_model(config.model, classes, config.preprocess.channels, config.preprocess.size, config.model_args)


def product_rate(config: TrainConfig, side: int = 2048) -> float:
    """Operations a second of a square matrix product in the precision of training: what the device can do at most."""
    where = choose_device()
    precision = torch.bfloat16 if config.runtime.precision == "bf16" else torch.float32
    a = torch.randn(side, side, device=where, dtype=precision)
    times = []
    for _ in range(8):
        began = time.perf_counter()
        float((a @ a)[0, 0])  # waits for the device
        times.append(time.perf_counter() - began)
    return 2 * side**3 / min(times)


def bare_seconds(config: TrainConfig, classes: int, n: int) -> float:
    """Seconds that one pass over ``n`` images takes when there is nothing but steps to do."""
    where = choose_device()
    steps = -(-n // config.optim.batch_size)
    network = move_to(network_of(config, classes), config.runtime.memory_format, where)
    optimizer = make_optimizer(network, config)
    shape = (n // steps, config.preprocess.channels, config.preprocess.size, config.preprocess.size)
    ready = [
        (
            torch.randn(shape, device=where).contiguous(memory_format=get_memory_format(config.runtime.memory_format)),
            torch.randint(classes, shape[:1], device=where),
        )
        for _ in range(READY)
    ]
    with cpu_convolutions(network):
        for step in range(-2, steps):
            if step == 0:
                began = time.perf_counter()
            x, y = ready[step % READY]
            with autocast(config.runtime.precision, where):
                logits = network(x)
            loss = torch.nn.functional.cross_entropy(logits.float(), y, label_smoothing=config.optim.label_smoothing)
            loss.backward()
            optimizer.step()
            optimizer.zero_grad()
        if where.type == "cuda":
            torch.cuda.synchronize()
        return time.perf_counter() - began


if __name__ == "__main__":
    os.environ.setdefault("DISCERN_LANG", "en")
    main()
