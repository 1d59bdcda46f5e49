"""A multilayer perceptron in PyTorch that learns a boundary, recorded after every epoch.

Source: Rumelhart, Hinton and Williams 1986, Learning representations by back-propagating errors; Kingma and Ba 2015,
Adam.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import torch
from torch import nn
from torch.nn.functional import cross_entropy

from discern.i18n import _
from discern.labs.boundary.decision_regions import GRID, Region, Sample

BATCH_SIZE = 16


@dataclass(frozen=True)
class Epoch:
    """The network after some epochs, 0 before the first."""

    loss: float  # mean cross-entropy over the training points
    train_correct: int  # correctly classified points among those it trains on
    test_correct: int  # the same among those held out
    classes: np.ndarray  # uint8 (G, G): the predicted class at every point of the grid


def train_mlp(
    sample: Sample, hidden: tuple[int, ...], n_epochs: int, lr: float, seed: int
) -> tuple[Region, tuple[Epoch, ...]]:
    """Train ``hidden`` layers of these widths, tanh after each, with Adam on batches of 16 drawn anew each epoch."""
    x, y = torch.from_numpy(sample.standardized).float(), torch.from_numpy(sample.labels)
    grid = torch.from_numpy(sample.grid).float()
    train = torch.from_numpy(np.flatnonzero(~sample.held_out))
    with torch.random.fork_rng(devices=[]):  # the caller's random numbers stay as they are
        torch.manual_seed(seed)
        widths = (2, *hidden, len(sample.classes))
        layers = [layer for sizes in pairwise(widths) for layer in (nn.Linear(*sizes), nn.Tanh())]
        network = nn.Sequential(*layers[:-1])
        optimizer = torch.optim.Adam(network.parameters(), lr=lr)
        epochs = [_record_epoch(network, x, y, grid, sample.held_out)]
        for _epoch in range(n_epochs):
            for batch in train[torch.randperm(len(train))].split(BATCH_SIZE):
                optimizer.zero_grad()
                cross_entropy(network(x[batch]), y[batch]).backward()
                optimizer.step()
            epochs.append(_record_epoch(network, x, y, grid, sample.held_out))
    last, empty = epochs[-1], np.zeros(0, dtype=np.int64)
    stores = _("{n} weights").format(n=sum(parameter.numel() for parameter in network.parameters()))
    title = _("MLP {layers}").format(layers="-".join(map(str, widths)))
    correct = (last.train_correct, len(train), last.test_correct, int(sample.held_out.sum()))
    return Region("mlp", title, stores, last.classes, *correct, empty, empty), tuple(epochs)


@torch.no_grad()
def _record_epoch(
    network: nn.Module, x: torch.Tensor, y: torch.Tensor, grid: torch.Tensor, held_out: np.ndarray
) -> Epoch:
    logits, test = network(x), torch.from_numpy(held_out)  # (N, K), (N,)
    correct = logits.argmax(dim=1) == y
    loss = float(cross_entropy(logits[~test], y[~test]))
    classes = network(grid).argmax(dim=1).reshape(GRID, GRID).numpy().astype(np.uint8)
    return Epoch(loss, int(correct[~test].sum()), int(correct[test].sum()), classes)
