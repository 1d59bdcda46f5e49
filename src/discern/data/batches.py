"""Batches of decoded pixels, in an order that only the seed and the epoch decide."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import numpy as np
import torch
from torch import Tensor

from discern.arrays import Rows
from discern.data.mapped import Mapped
from discern.data.shard_order import forward, share
from discern.data.shuffle import shuffled
from discern.data.streamed import Streamed
from discern.runtime import Ranks, generator, sent

CPU, ALONE = torch.device("cpu"), Ranks()


def at_once(side: int, device: torch.device = CPU) -> int:
    """How many pictures of ``side`` pixels to predict at a time: what stays in a processor's cache; more on a GPU.

    Examples
    --------
    >>> at_once(28), at_once(224)
    (256, 29)
    """
    most = 1_500_000 * (1 if device.type == "cpu" else 16)
    return min(256, max(8, most // (side * side)))


class Batches:
    """Shuffled batches of the training part; each picture once an epoch.

    Parameters
    ----------
    pixels : numpy.ndarray or Streamed
        uint8 (N, H, W, C) of the whole data set, in memory, mapped from disk, or decoded when asked for.
    labels : numpy.ndarray
        int (N,).
    rows : numpy.ndarray
        Positions in ``pixels`` of the part to go through, ascending, so that a disk reads forward.
    size : int
        Pictures a step over all processes; batches differ by one picture at most, and each process gets two or more.
    seed : int
        With the epoch, decides the order.
    device : torch.device
        Where batches are wanted.
    ranks : Ranks
        Each process takes its share of every batch; where shards are streamed, batches of its own shards.

    Examples
    --------
    >>> pixels, labels = np.zeros((5, 8, 8, 1), dtype=np.uint8), np.arange(5)
    >>> batches = Batches(pixels, labels, np.arange(5), size=2)
    >>> batches.steps, sorted(int(y) for _, ys in batches.epoch(0) for y in ys)
    (2, [0, 1, 2, 3, 4])
    """

    def __init__(
        self,
        pixels: Rows,
        labels: np.ndarray,
        rows: np.ndarray,
        size: int,
        seed: int = 0,
        device: torch.device = CPU,
        ranks: Ranks = ALONE,
    ) -> None:
        self.pixels = Pixels(pixels, device)
        self.labels = torch.from_numpy(np.asarray(labels, dtype=np.int64))
        self.rows = torch.from_numpy(np.asarray(rows, dtype=np.int64))
        self.shard: Tensor | None = None  # of each row, where the epoch goes from shard to shard
        if isinstance(pixels, Streamed) and pixels.shard is not None:
            shard = torch.from_numpy(pixels.shard)[self.rows]
            own = share(shard, seed, ranks)
            self.rows, self.shard = self.rows[own], shard[own]
        fitting = len(rows) // (2 * ranks.size)  # batch normalisation needs two pictures in every process
        self.steps = max(1, min(-(-len(rows) // size), fitting))
        self.seed = seed
        self.device = device
        self.ranks = ranks

    def epoch(self, number: int, start: int = 0) -> Iterator[tuple[Tensor, Tensor]]:
        """Pixels uint8 (n, H, W, C) and labels int64 (n,) of each step of epoch ``number``, from step ``start`` on."""
        return self.each(self.order(number)[start:])

    def order(self, number: int) -> list[Tensor]:
        """The rows of each step of epoch ``number``, this process's share of them."""
        if self.shard is not None:
            random = generator(self.seed, "order", number, self.ranks.rank)
            return list(self.rows[forward(self.shard, random)].tensor_split(self.steps))
        order = self.rows[shuffled(len(self.rows), self.pixels.size, generator(self.seed, "order", number))]
        return [batch[self.ranks.rank :: self.ranks.size] for batch in order.tensor_split(self.steps)]

    def take(self, rows: Tensor) -> tuple[Tensor, Tensor]:
        """Pixels uint8 (n, H, W, C) and labels int64 (n,) of the pictures at ``rows``, in that order."""
        return self.pixels.take(rows), self.label(rows)

    def each(self, batches: Sequence[Tensor]) -> Iterator[tuple[Tensor, Tensor]]:
        """As `take`, one batch after the other; what is not in memory is made ready ahead."""
        for rows, pixels in zip(batches, self.pixels.each(batches), strict=True):
            yield pixels, self.label(rows)

    def label(self, rows: Tensor) -> Tensor:
        """Labels int64 (n,) of the pictures at ``rows``, on the device."""
        return sent(self.labels[rows], self.device)


class Pixels:
    """Decoded pictures to take rows from: in memory, on the device where they fit easily, mapped, or decoded now."""

    def __init__(self, pixels: Rows, device: torch.device = CPU) -> None:
        self.device = device
        self.size = pixels.nbytes // max(1, len(pixels))  # bytes of a picture
        self.source: Mapped | Decoding | None = None
        if isinstance(pixels, Streamed):
            self.source = Decoding(pixels)
        elif isinstance(pixels, np.memmap):
            self.source = Mapped(pixels)
        else:
            self.held = torch.from_numpy(pixels)
            if device.type == "cuda" and pixels.nbytes < torch.cuda.mem_get_info(device)[0] // 4:
                self.held = self.held.to(device)

    def take(self, rows: Tensor) -> Tensor:
        """The pictures at ``rows`` as uint8 (n, H, W, C) on the device."""
        if self.source is not None:
            return sent(self.source.take(rows), self.device)
        return sent(self.held.index_select(0, sent(rows, self.held.device)), self.device)

    def each(self, batches: Sequence[Tensor]) -> Iterator[Tensor]:
        """As `take`, one batch after the other; what is not in memory is made ready ahead."""
        if self.source is None:
            yield from map(self.take, batches)
        else:
            for pixels in self.source.each(batches):
                yield sent(pixels, self.device)


class Decoding:
    """`Streamed` in tensors, as `discern.data.mapped.Mapped` gives them."""

    def __init__(self, pictures: Streamed) -> None:
        self.pictures = pictures

    def take(self, rows: Tensor) -> Tensor:
        """The pictures at ``rows``: int64 (n,) -> uint8 (n, H, W, C)."""
        return torch.from_numpy(self.pictures[rows.numpy()])

    def each(self, batches: Iterable[Tensor]) -> Iterator[Tensor]:
        """As `take`, one batch after the other, while workers decode the next."""
        return map(torch.from_numpy, self.pictures.each(rows.numpy() for rows in batches))
