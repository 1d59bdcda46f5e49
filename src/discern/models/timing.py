"""How fast networks predict and train here, measured in turns so that what else the machine does affects all alike."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from discern.models.network import Model

BATCH_SIZE = 32  # images of a training step
LEARNING_RATE = 1e-4  # small: the labels are noise, and the loss must stay finite
MIN_ROUNDS, MAX_ROUNDS = 3, 200
SECONDS = 1.0  # of rounds for each network, after the first ones


@dataclass(frozen=True)
class Timing:
    """The speed of one network on this machine, in medians."""

    latency_ms: float  # milliseconds to classify one image
    images_per_second: float  # in training: forward, backward and step in batches of `BATCH_SIZE`


def measure_speed(
    networks: Mapping[str, Model], shapes: Mapping[str, tuple[int, int]], device: torch.device
) -> dict[str, Timing]:
    """Time each network on noise, in float32; their weights are changed by it.

    Both mappings are by name: to networks with real weights, and to color channels and pixels a side of their images.

    Examples
    --------
    >>> from discern.models.registry import build_model
    >>> networks = {"lenet": build_model("lenet", classes=10, channels=1)}
    >>> measure_speed(networks, {"lenet": (1, 32)}, torch.device("cpu"))["lenet"].latency_ms > 0
    True
    """
    predictions, steps = {}, {}
    for name, network in networks.items():
        channels, size = shapes[name]
        network.to(device)
        predictions[name] = _make_prediction(network, torch.rand(1, channels, size, size, device=device))
        steps[name] = _make_step(network, torch.rand(BATCH_SIZE, channels, size, size, device=device))
    latencies = time_in_turns(predictions, device)
    training = time_in_turns(steps, device)
    return {name: Timing(1000 * latencies[name], BATCH_SIZE / training[name]) for name in networks}


def time_in_turns(jobs: Mapping[str, Callable[[], object]], device: torch.device) -> dict[str, float]:
    """Return the median seconds of each job; every round runs each once, and the first one only warms up."""
    times: dict[str, list[float]] = {name: [] for name in jobs}
    rounds = -1
    spent = 0.0
    while rounds < MIN_ROUNDS or (rounds < MAX_ROUNDS and spent < SECONDS * len(jobs)):
        for name, job in jobs.items():
            start = time.perf_counter()
            job()
            if device.type == "cuda":
                torch.cuda.synchronize(device)
            times[name].append(time.perf_counter() - start)
        rounds += 1
        spent = sum(sum(seconds[1:]) for seconds in times.values())
    return {name: statistics.median(seconds[1:]) for name, seconds in times.items()}


def _make_prediction(network: Model, image: Tensor) -> Callable[[], object]:
    def predict() -> None:
        with torch.inference_mode():
            network.eval()(image)

    return predict


def _make_step(network: Model, images: Tensor) -> Callable[[], object]:
    optimizer = torch.optim.SGD(network.parameters(), lr=LEARNING_RATE, momentum=0.9)
    labels = torch.zeros(len(images), dtype=torch.long, device=images.device)

    def step() -> None:
        network.train()
        torch.stack([cross_entropy(logits, labels) for logits in network.forward_train(images)]).sum().backward()
        optimizer.step()
        optimizer.zero_grad()

    return step
