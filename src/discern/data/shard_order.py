"""The order of an epoch over shards: each read forward, several side by side, and shuffled in a buffer.

A shard on a slow disk is then read about once an epoch, from its beginning to its end, however large the whole is.
"""

from __future__ import annotations

import torch
from torch import Tensor

from discern.runtime import Ranks, generator

SIDE_BY_SIDE = 16  # shards; where each holds a class of its own, batches still have several
BUFFER = 4096  # pictures; what the system keeps in memory of files read, some hundred megabytes of JPEG, holds them


def share(shard: Tensor, seed: int, ranks: Ranks) -> Tensor:
    """The places of the pictures that one process learns from: whole shards, save at its first and its last.

    The shards, in an order that the seed decides, are laid end to end and cut into equal parts.

    Parameters
    ----------
    shard : Tensor
        int (n,), the shard that each picture lies in.

    Returns
    -------
    Tensor
        int64, ascending; as many as other processes have, give or take one.

    Examples
    --------
    >>> shard = torch.arange(4).repeat_interleave(2)
    >>> [sorted(set(shard[share(shard, 0, Ranks(rank, 2))].tolist())) for rank in (0, 1)]
    [[1, 2], [0, 3]]
    """
    turn = _turns(shard, generator(seed, "shards"))
    return turn.argsort(stable=True).tensor_split(ranks.size)[ranks.rank].sort().values


def forward(shard: Tensor, random: torch.Generator, buffer: int = BUFFER) -> Tensor:
    """The places 0..n-1 in the order of an epoch, int64 (n,).

    The shards take turns at random, `SIDE_BY_SIDE` at a time, and each is read from its beginning to its end. Then
    every picture moves up to ``buffer`` places, which is what a shuffle buffer of that many does.

    Parameters
    ----------
    shard : Tensor
        int (n,), the shard that each picture lies in; ascending within each of them.
    random : torch.Generator
        Decides the order.

    Examples
    --------
    >>> order = forward(torch.tensor([0, 0, 0, 1, 1]), torch.Generator().manual_seed(0), buffer=1)
    >>> sorted(order.tolist())
    [0, 1, 2, 3, 4]
    """
    n = len(shard)
    grouped = shard.argsort(stable=True)
    counts = torch.unique_consecutive(shard[grouped], return_counts=True)[1]
    within = torch.arange(n) - (counts.cumsum(0) - counts).repeat_interleave(counts)
    read = torch.empty(n, dtype=torch.float64)  # how far the epoch is when the picture is read, in turns
    read[grouped] = (within + torch.rand(n, generator=random, dtype=torch.float64)) / counts.repeat_interleave(counts)
    read += _turns(shard, random) // SIDE_BY_SIDE
    moved = read.argsort(stable=True).argsort() + buffer * torch.rand(n, generator=random, dtype=torch.float64)
    return moved.argsort(stable=True)


def _turns(shard: Tensor, random: torch.Generator) -> Tensor:
    """A number for each picture, the same within a shard: when it is that shard's turn."""
    shards, place = shard.unique(return_inverse=True)
    return torch.randperm(len(shards), generator=random)[place]
