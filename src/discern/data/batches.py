"""Batches of decoded pixels, in an order that only the seed and the epoch decide."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from torch import Tensor

from discern.data.mapped import Mapped
from discern.data.shuffle import shuffled
from discern.runtime import Ranks, generator

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
    pixels : numpy.ndarray
        uint8 (N, H, W, C) of the whole data set, in memory or mapped from disk.
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
        Each process takes its share of every batch.

    Examples
    --------
    >>> pixels, labels = np.zeros((5, 8, 8, 1), dtype=np.uint8), np.arange(5)
    >>> batches = Batches(pixels, labels, np.arange(5), size=2)
    >>> batches.steps, sorted(int(y) for _, ys in batches.epoch(0) for y in ys)
    (2, [0, 1, 2, 3, 4])
    """

    def __init__(
        self,
        pixels: np.ndarray,
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
        fitting = len(rows) // (2 * ranks.size)  # batch normalisation needs two pictures in every process
        self.steps = max(1, min(-(-len(rows) // size), fitting))
        self.seed = seed
        self.device = device
        self.ranks = ranks

    def epoch(self, number: int, start: int = 0) -> Iterator[tuple[Tensor, Tensor]]:
        """Pixels uint8 (n, H, W, C) and labels int64 (n,) of each step of epoch ``number``, from step ``start`` on."""
        order = self.order(number)[start:]
        for rows, pixels in zip(order, self.pixels.each(order), strict=True):
            yield pixels, self.label(rows)

    def order(self, number: int) -> list[Tensor]:
        """The rows of each step of epoch ``number``, this process's share of them."""
        order = self.rows[shuffled(len(self.rows), self.pixels.size, generator(self.seed, "order", number))]
        return [batch[self.ranks.rank :: self.ranks.size] for batch in order.tensor_split(self.steps)]

    def take(self, rows: Tensor) -> tuple[Tensor, Tensor]:
        """Pixels uint8 (n, H, W, C) and labels int64 (n,) of the pictures at ``rows``, in that order."""
        return self.pixels.take(rows), self.label(rows)

    def label(self, rows: Tensor) -> Tensor:
        """Labels int64 (n,) of the pictures at ``rows``, on the device."""
        return self.labels[rows].to(self.device, non_blocking=True)


class Pixels:
    """Decoded pictures to take rows from: in memory, on the device where they fit easily, or mapped from disk."""

    def __init__(self, pixels: np.ndarray, device: torch.device = CPU) -> None:
        self.device = device
        self.size = pixels.nbytes // max(1, len(pixels))  # bytes of a picture
        self.mapped = Mapped(pixels) if isinstance(pixels, np.memmap) else None
        if self.mapped is None:
            self.held = torch.from_numpy(pixels)
            if device.type == "cuda" and pixels.nbytes < torch.cuda.mem_get_info(device)[0] // 4:
                self.held = self.held.to(device)

    def take(self, rows: Tensor) -> Tensor:
        """The pictures at ``rows`` as uint8 (n, H, W, C) on the device."""
        if self.mapped is not None:
            return self.mapped.take(rows).to(self.device, non_blocking=True)
        return self.held.index_select(0, rows.to(self.held.device)).to(self.device, non_blocking=True)

    def each(self, batches: Sequence[Tensor]) -> Iterator[Tensor]:
        """As `take`, one batch after the other; from disk they are read ahead."""
        if self.mapped is None:
            yield from map(self.take, batches)
        else:
            for pixels in self.mapped.each(batches):
                yield pixels.to(self.device, non_blocking=True)
