"""The order of an epoch: shuffled as a whole, or in windows of blocks where a disk has to keep up."""

from __future__ import annotations

import torch
from torch import Tensor

IN_BLOCKS = 1 << 30  # bytes from which blocks are shuffled, in memory or not: free memory must not decide the order
WINDOW = 1 << 27  # bytes shuffled together; in training, two of them are in memory
BLOCK = 1 << 19  # bytes read in one go: most of what a disk can give, and the window still mixes 256 blocks


def shuffled(n: int, size: int, generator: torch.Generator) -> Tensor:
    """The places 0..n-1 in random order, int64 (n,).

    From `IN_BLOCKS` bytes on, the places come in windows. Neighbours in the file are often of one class, so a window
    mixes blocks from all over it: the file is cut into as many stretches as a window has blocks, and each window is
    dealt one block of every stretch. Where blocks begin is drawn anew in each epoch.

    Parameters
    ----------
    n : int
        How many pictures there are.
    size : int
        Bytes of one.
    generator : torch.Generator
        Decides the order.

    Examples
    --------
    >>> order = shuffled(5, 3072, torch.Generator().manual_seed(0))
    >>> sorted(order.tolist())
    [0, 1, 2, 3, 4]
    """
    order = torch.randperm(n, generator=generator)
    if n * size < IN_BLOCKS:
        return order
    length = max(1, BLOCK // size)  # pictures a block
    begin = int(torch.randint(length, (), generator=generator))
    blocks = (n + begin - 1) // length + 1
    windows = -(-n * size // WINDOW)
    stretches = -(-blocks // windows)
    dealt = torch.rand(stretches, windows, generator=generator).argsort(dim=1).view(-1)  # block -> its window
    turn = dealt[(order + begin) // length]
    return order[turn.argsort(stable=True)]
