"""The order of an epoch: shuffled as a whole, in windows of blocks where a disk has to keep up, or shard by shard."""

from __future__ import annotations

import torch
from torch import Tensor

from discern.runtime import Ranks, make_generator

BLOCKS_FROM = 1 << 30  # bytes from which blocks are shuffled, in memory or not: free memory must not decide the order
WINDOW = 1 << 27  # bytes shuffled together; in training, two of them are in memory
BLOCK = 1 << 19  # bytes read in one go: most of what a disk can give, and the window still mixes 256 blocks
OPEN_SHARDS = 16  # read side by side; where each holds a class of its own, batches still have several
BUFFER = 4096  # images; what the system keeps in memory of files read, some hundred megabytes of JPEG, holds them


def shuffle_in_blocks(n: int, size: int, random: torch.Generator) -> Tensor:
    """Return the positions 0..n-1 in random order, int64 (n,).

    From `BLOCKS_FROM` bytes on, they come in windows. Neighbors in the file are often of one class, so a window mixes
    blocks from all over it: the file is cut into as many stretches as a window has blocks, and each window is dealt one
    block of every stretch. Where blocks begin is drawn anew in each epoch. ``n`` is the number of images, ``size`` the
    bytes of one.

    Examples
    --------
    >>> order = shuffle_in_blocks(5, 3072, torch.Generator().manual_seed(0))
    >>> sorted(order.tolist())
    [0, 1, 2, 3, 4]
    """
    order = torch.randperm(n, generator=random)
    if n * size < BLOCKS_FROM:
        return order
    length = max(1, BLOCK // size)  # images a block
    offset = int(torch.randint(length, (), generator=random))
    n_blocks = (n + offset - 1) // length + 1
    n_windows = -(-n * size // WINDOW)
    n_stretches = -(-n_blocks // n_windows)
    # One row a stretch: its blocks in random order are its deal, one to each window.
    window_of_block = torch.rand(n_stretches, n_windows, generator=random).argsort(dim=1).view(-1)
    window = window_of_block[(order + offset) // length]
    return order[window.argsort(stable=True)]  # within a window, the random order stays


def assign_shards(shard: Tensor, seed: int, ranks: Ranks) -> Tensor:
    """Return the positions of the images that one process learns from: whole shards, save at its first and its last.

    The shards, in an order that the seed decides, are laid end to end and cut into equal pieces. ``shard``, int (n,),
    is the one that each image lies in. Returns int64, ascending; as many as other processes have, give or take one.

    Examples
    --------
    >>> shard = torch.arange(4).repeat_interleave(2)
    >>> [sorted(set(shard[assign_shards(shard, 0, Ranks(rank, 2))].tolist())) for rank in (0, 1)]
    [[1, 2], [0, 3]]
    """
    turn = _draw_turns(shard, make_generator(seed, "shards"))
    return turn.argsort(stable=True).tensor_split(ranks.size)[ranks.rank].sort().values


def order_shards(shard: Tensor, random: torch.Generator, buffer: int = BUFFER) -> Tensor:
    """Return the positions 0..n-1 in the order of an epoch over shards, int64 (n,).

    The shards take turns at random, `OPEN_SHARDS` at a time, and each is read from its beginning to its end. Then every
    image moves up to ``buffer`` places, which is what a shuffle buffer of that many does. A shard on a slow disk is so
    read about once an epoch, however large all of them are. ``shard``, int (n,), is the one that each image lies in.

    Examples
    --------
    >>> order = order_shards(torch.tensor([0, 0, 0, 1, 1]), torch.Generator().manual_seed(0), buffer=1)
    >>> sorted(order.tolist())
    [0, 1, 2, 3, 4]
    """
    n = len(shard)
    grouped = shard.argsort(stable=True)
    counts = torch.unique_consecutive(shard[grouped], return_counts=True)[1]
    within = torch.arange(n) - (counts.cumsum(0) - counts).repeat_interleave(counts)
    # When each image is read, in turns: the number of its turn, and how far its shard is read by then, from 0 to 1.
    # Sorted by that, the shards of a turn interleave, each of them forward.
    time = torch.empty(n, dtype=torch.float64)
    time[grouped] = (within + torch.rand(n, generator=random, dtype=torch.float64)) / counts.repeat_interleave(counts)
    time += _draw_turns(shard, random) // OPEN_SHARDS
    moved = time.argsort(stable=True).argsort() + buffer * torch.rand(n, generator=random, dtype=torch.float64)
    return moved.argsort(stable=True)


def _draw_turns(shard: Tensor, random: torch.Generator) -> Tensor:
    """Draw a number for each image, the same within a shard: when it is that shard's turn."""
    shards, position = shard.unique(return_inverse=True)
    return torch.randperm(len(shards), generator=random)[position]
