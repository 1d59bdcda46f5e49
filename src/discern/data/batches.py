"""Batches of decoded pixels, in an order that only the seed and the epoch decide."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import numpy as np
import torch
from torch import Tensor

from discern.arrays import ArrayLike
from discern.data.epoch_order import assign_shards, order_shards, shuffle_in_blocks
from discern.data.memmap_reader import MemmapReader
from discern.data.streamed import StreamedPixels
from discern.runtime import Ranks, make_generator, to_device

CPU, SINGLE = torch.device("cpu"), Ranks()


def eval_batch_size(side: int, device: torch.device = CPU) -> int:
    """Return how many images of ``side`` pixels to predict at a time: what fits a processor's cache; more on a GPU.

    Examples
    --------
    >>> eval_batch_size(28), eval_batch_size(224)
    (256, 29)
    """
    max_pixels = 1_500_000 * (1 if device.type == "cpu" else 16)
    return min(256, max(8, max_pixels // (side * side)))


class Batches:
    """Shuffled batches of the training split; each image once an epoch, in an order that seed and epoch decide.

    Parameters
    ----------
    pixels : numpy.ndarray or StreamedPixels
        uint8 (N, H, W, C) of the whole data set, in memory, mapped from disk, or decoded when asked for.
    labels, indices : numpy.ndarray
        int (N,); and positions in them of the training split, ascending, so that a disk reads forward.
    size : int
        Images a step over all processes; batches differ by one image at most, and each process gets two or more.
    ranks : Ranks
        Each process takes its part of every batch; where shards are streamed, batches of its own shards.

    Examples
    --------
    >>> pixels, labels = np.zeros((5, 8, 8, 1), dtype=np.uint8), np.arange(5)
    >>> batches = Batches(pixels, labels, np.arange(5), size=2)
    >>> batches.steps, sorted(int(y) for _, ys in batches.epoch(0) for y in ys)
    (2, [0, 1, 2, 3, 4])
    """

    def __init__(
        self,
        pixels: ArrayLike,
        labels: np.ndarray,
        indices: np.ndarray,
        size: int,
        seed: int = 0,
        device: torch.device = CPU,
        ranks: Ranks = SINGLE,
    ) -> None:
        self.pixels = PixelReader(pixels, device)
        self.labels = torch.from_numpy(np.asarray(labels, dtype=np.int64))
        self.indices = torch.from_numpy(np.asarray(indices, dtype=np.int64))
        self.shard: Tensor | None = None  # of each index, where the epoch goes from shard to shard
        if isinstance(pixels, StreamedPixels) and pixels.shard is not None:
            shard = torch.from_numpy(pixels.shard)[self.indices]
            own = assign_shards(shard, seed, ranks)
            self.indices, self.shard = self.indices[own], shard[own]
        max_steps = len(indices) // (2 * ranks.size)  # batch normalization needs two images in every process
        self.steps = max(1, min(-(-len(indices) // size), max_steps))
        self.seed = seed
        self.device = device
        self.ranks = ranks

    def epoch(self, number: int, start: int = 0) -> Iterator[tuple[Tensor, Tensor]]:
        """Yield pixels uint8 (n, H, W, C) and labels int64 (n,) of each step of epoch ``number``, from ``start`` on."""
        return self.iter_batches(self.order(number)[start:])

    def order(self, number: int) -> list[Tensor]:
        """Return the indices of each step of epoch ``number`` that this process takes."""
        if self.shard is not None:
            random = make_generator(self.seed, "order", number, self.ranks.rank)
            return list(self.indices[order_shards(self.shard, random)].tensor_split(self.steps))
        random = make_generator(self.seed, "order", number)
        order = self.indices[shuffle_in_blocks(len(self.indices), self.pixels.size, random)]
        return [batch[self.ranks.rank :: self.ranks.size] for batch in order.tensor_split(self.steps)]

    def take(self, indices: Tensor) -> tuple[Tensor, Tensor]:
        """Return pixels uint8 (n, H, W, C) and labels int64 (n,) of the images at ``indices``, in that order."""
        return self.pixels.take(indices), self.label(indices)

    def iter_batches(self, batches: Sequence[Tensor]) -> Iterator[tuple[Tensor, Tensor]]:
        """Take one batch of indices after the other; what is not in memory is read ahead."""
        for indices, pixels in zip(batches, self.pixels.iter_batches(batches), strict=True):
            yield pixels, self.label(indices)

    def label(self, indices: Tensor) -> Tensor:
        """Return the labels int64 (n,) of the images at ``indices``, on the device."""
        return to_device(self.labels[indices], self.device)


class PixelReader:
    """Takes images from decoded pixels: in memory, on the device where they fit easily, mapped, or decoded now."""

    def __init__(self, pixels: ArrayLike, device: torch.device = CPU) -> None:
        self.device = device
        self.size = pixels.nbytes // max(1, len(pixels))  # bytes of an image
        self.source: MemmapReader | _StreamReader | None = None
        if isinstance(pixels, StreamedPixels):
            self.source = _StreamReader(pixels)
        elif isinstance(pixels, np.memmap):
            self.source = MemmapReader(pixels)
        else:
            self.in_memory = torch.from_numpy(pixels)
            if device.type == "cuda" and pixels.nbytes < torch.cuda.mem_get_info(device)[0] // 4:
                self.in_memory = self.in_memory.to(device)

    def take(self, indices: Tensor) -> Tensor:
        """Return the images at ``indices`` as uint8 (n, H, W, C) on the device."""
        if self.source is not None:
            return to_device(self.source.take(indices), self.device)
        return to_device(self.in_memory.index_select(0, to_device(indices, self.in_memory.device)), self.device)

    def iter_batches(self, batches: Sequence[Tensor]) -> Iterator[Tensor]:
        """Take one batch of indices after the other; what is not in memory is read ahead."""
        if self.source is None:
            yield from map(self.take, batches)
        else:
            for pixels in self.source.iter_batches(batches):
                yield to_device(pixels, self.device)


class _StreamReader:
    """Takes tensors from `StreamedPixels`, with the face of `MemmapReader`."""

    def __init__(self, images: StreamedPixels) -> None:
        self.images = images

    def take(self, indices: Tensor) -> Tensor:
        """Return the images at ``indices``: int64 (n,) -> uint8 (n, H, W, C)."""
        return torch.from_numpy(self.images[indices.numpy()])

    def iter_batches(self, batches: Iterable[Tensor]) -> Iterator[Tensor]:
        """Take one batch of indices after the other, while workers decode the next."""
        return map(torch.from_numpy, self.images.iter_batches(indices.numpy() for indices in batches))
