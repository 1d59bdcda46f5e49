"""How fast networks answer and learn here, measured turn by turn so that what else the machine does hits all alike."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from discern.models.network import Model

BATCH = 32  # pictures of a training step
RATE = 1e-4  # small: noise is learned here, and its loss must stay finite
ROUNDS, MOST = 3, 200  # turns each network gets at least and at most
SECONDS = 1.0  # of turns for each network, once it has had its least


@dataclass(frozen=True)
class Timing:
    """What one network did on this machine.

    Attributes
    ----------
    latency_ms : float
        Median time to classify one picture, in milliseconds.
    pictures_per_second : float
        Pictures learned from a second: forward, backward and step in batches of `BATCH`; median.
    """

    latency_ms: float
    pictures_per_second: float


def measure(
    networks: Mapping[str, Model], shapes: Mapping[str, tuple[int, int]], device: torch.device
) -> dict[str, Timing]:
    """Time each network on noise, in float32; their weights are changed by it.

    Parameters
    ----------
    networks : mapping
        Name -> network with real weights.
    shapes : mapping
        Name -> colour channels and pixels a side of its pictures.
    device : torch.device
        Where to compute.

    Examples
    --------
    >>> from discern.models.table import build
    >>> found = measure({"lenet": build("lenet", classes=10, channels=1)}, {"lenet": (1, 32)}, torch.device("cpu"))
    >>> found["lenet"].latency_ms > 0
    True
    """
    answers, steps = {}, {}
    for name, network in networks.items():
        channels, size = shapes[name]
        network.to(device)
        answers[name] = _answer(network, torch.rand(1, channels, size, size, device=device))
        steps[name] = _step(network, torch.rand(BATCH, channels, size, size, device=device))
    latencies = in_turns(answers, device)
    learning = in_turns(steps, device)
    return {name: Timing(1000 * latencies[name], BATCH / learning[name]) for name in networks}


def _answer(network: Model, picture: Tensor) -> Callable[[], object]:
    def answer() -> None:
        with torch.inference_mode():
            network.eval()(picture)

    return answer


def _step(network: Model, pictures: Tensor) -> Callable[[], object]:
    optimizer = torch.optim.SGD(network.parameters(), lr=RATE, momentum=0.9)
    labels = torch.zeros(len(pictures), dtype=torch.long, device=pictures.device)

    def step() -> None:
        network.train()
        torch.stack([cross_entropy(logits, labels) for logits in network.answers(pictures)]).sum().backward()
        optimizer.step()
        optimizer.zero_grad()

    return step


def in_turns(jobs: Mapping[str, Callable[[], object]], device: torch.device) -> dict[str, float]:
    """Median seconds of each job; every round does each once, after one that warms up."""
    times: dict[str, list[float]] = {name: [] for name in jobs}
    rounds = -1
    spent = 0.0
    while rounds < ROUNDS or (rounds < MOST and spent < SECONDS * len(jobs)):
        for name, job in jobs.items():
            start = time.perf_counter()
            job()
            if device.type == "cuda":
                torch.cuda.synchronize(device)
            times[name].append(time.perf_counter() - start)
        rounds += 1
        spent = sum(sum(each[1:]) for each in times.values())
    return {name: statistics.median(each[1:]) for name, each in times.items()}
