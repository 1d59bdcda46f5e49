"""Rows of an array mapped from disk: read forward, many batches in one go, and ahead of their use."""

from __future__ import annotations

import mmap
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import numpy as np
import torch
from torch import Tensor

from discern.data.shuffle import WINDOW

GAP = 1 << 16  # bytes; a shorter gap is read, too, since reading on is faster than reading anew


class Mapped:
    """An array mapped from disk whose rows are taken as tensors.

    Parameters
    ----------
    array : numpy.memmap
        (N, ...), row after row, as ``numpy.load(path, mmap_mode="r")`` gives it.
    """

    def __init__(self, array: np.memmap) -> None:
        self.array = array
        self.size = array.nbytes // max(1, len(array))  # bytes of a row

    def take(self, rows: Tensor) -> Tensor:
        """The rows at ``rows``, in that order: int64 (n,) -> (n, ...)."""
        found, places = self._read([rows])
        return found.index_select(0, places[0])

    def each(self, batches: Iterable[Tensor]) -> Iterator[Tensor]:
        """As `take`, one batch after the other; while a window of them is used, a thread reads the next."""
        with ThreadPoolExecutor(1, thread_name_prefix="read-ahead") as reader:
            ahead: Future[tuple[Tensor, list[Tensor]]] | None = None
            for window in [*self._windows(batches), None]:
                now, ahead = ahead, reader.submit(self._read, window) if window else None
                found, places = now.result() if now else (torch.empty(0), [])
                for part in places:
                    yield found.index_select(0, part)

    def _windows(self, batches: Iterable[Tensor]) -> Iterator[list[Tensor]]:
        """Consecutive batches, some `WINDOW` bytes of them at a time."""
        window: list[Tensor] = []
        size = 0
        for rows in batches:
            window.append(rows)
            size += len(rows) * self.size
            if size >= WINDOW:
                yield window
                window, size = [], 0
        if window:
            yield window

    def _read(self, batches: list[Tensor]) -> tuple[Tensor, list[Tensor]]:
        """The rows of all ``batches`` as they follow each other on disk, and where those of each batch are therein."""
        ordered, back = torch.cat(batches).sort()
        self._announce(ordered.numpy())
        # numpy.take lets other threads run while it waits for the disk, which indexing does not.
        found = torch.from_numpy(np.take(self.array, ordered.numpy(), axis=0))
        return found, list(back.argsort().split([len(rows) for rows in batches]))

    def _announce(self, ordered: np.ndarray) -> None:
        """Have the system fetch these rows, and not those behind them, which it would guess come next."""
        file = self.array.base
        if not isinstance(file, mmap.mmap) or not hasattr(mmap, "MADV_WILLNEED") or not len(ordered):
            return  # a part of another array, or Windows: pages are read as they are touched
        first = self.array.offset % mmap.ALLOCATIONGRANULARITY  # of row 0 in the map
        breaks = np.flatnonzero(np.diff(ordered) * self.size > self.size + GAP) + 1
        for run in np.split(ordered, breaks):
            begin = first + int(run[0]) * self.size
            begin -= begin % mmap.PAGESIZE
            file.madvise(mmap.MADV_WILLNEED, begin, first + (int(run[-1]) + 1) * self.size - begin)
