"""A multilayer perceptron in PyTorch that learns a boundary, watched after every epoch.

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

BATCH = 16


@dataclass(frozen=True)
class Epoch:
    """The network after some epochs, 0 before the first.

    Attributes
    ----------
    loss : float
        Mean cross-entropy over the points it learns from.
    learned, right : int
        Points right among those it learns from, and among those held back.
    classes : numpy.ndarray
        uint8 (G, G): the class of every place.
    """

    loss: float
    learned: int
    right: int
    classes: np.ndarray


def learn(on: Sample, hidden: tuple[int, ...], epochs: int, rate: float, seed: int) -> tuple[Region, tuple[Epoch, ...]]:
    """Train with Adam on batches of 16, drawn anew each epoch.

    Parameters
    ----------
    hidden : tuple of int
        Widths of the hidden layers, with tanh after each.
    """
    x, y = torch.from_numpy(on.standardized).float(), torch.from_numpy(on.labels)
    places = torch.from_numpy(on.places).float()
    chosen = torch.from_numpy(np.flatnonzero(~on.held_out))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = _network((2, *hidden, len(on.classes)))
        optimizer = torch.optim.Adam(network.parameters(), lr=rate)
        watched = [_record_epoch(network, x, y, places, on.held_out)]
        for _epoch in range(epochs):
            for batch in chosen[torch.randperm(len(chosen))].split(BATCH):
                optimizer.zero_grad()
                cross_entropy(network(x[batch]), y[batch]).backward()
                optimizer.step()
            watched.append(_record_epoch(network, x, y, places, on.held_out))
    last, none = watched[-1], np.zeros(0, dtype=np.int64)
    weights = sum(parameter.numel() for parameter in network.parameters())
    keeps, n = _("{n} weights").format(n=weights), int(on.held_out.sum())
    title = _("MLP {layers}").format(layers="-".join(map(str, (2, *hidden, len(on.classes)))))
    return Region("mlp", title, keeps, last.classes, last.learned, len(chosen), last.right, n, none, none), tuple(
        watched
    )


def _network(widths: tuple[int, ...]) -> nn.Sequential:
    layers: list[nn.Module] = []
    for before, after in pairwise(widths):
        layers += [nn.Linear(before, after), nn.Tanh()]
    return nn.Sequential(*layers[:-1])


@torch.no_grad()
def _record_epoch(
    network: nn.Module, x: torch.Tensor, y: torch.Tensor, places: torch.Tensor, held_out: np.ndarray
) -> Epoch:
    logits = network(x)  # (N, K)
    held_out_mask = torch.from_numpy(held_out)
    right = logits.argmax(dim=1) == y
    classes = network(places).argmax(dim=1).reshape(GRID, GRID).numpy().astype(np.uint8)
    loss = float(cross_entropy(logits[~held_out_mask], y[~held_out_mask]))
    return Epoch(loss, int(right[~held_out_mask].sum()), int(right[held_out_mask].sum()), classes)
