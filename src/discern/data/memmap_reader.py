"""Rows of an array mapped from disk: read forward, many batches in one go, and ahead of their use."""

from __future__ import annotations

import io
import mmap
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from discern.data.epoch_order import WINDOW
from discern.errors import DataError
from discern.i18n import _

GAP = 1 << 16  # bytes; a shorter gap is read, too, since reading on is faster than reading anew


class MemmapReader:
    """Takes rows as tensors from an array mapped from disk: (N, ...), row after row, as `numpy.load` maps it."""

    def __init__(self, array: np.memmap) -> None:
        self.array = array
        self.size = array.nbytes // max(1, len(array))  # bytes of a row

    def take(self, indices: Tensor) -> Tensor:
        """Return the rows at ``indices``, in that order: int64 (n,) -> (n, ...)."""
        rows, positions = self._read([indices])
        return rows.index_select(0, positions[0])

    def iter_batches(self, batches: Sequence[Tensor]) -> Iterator[Tensor]:
        """Take one batch of indices after the other; while a window of them is used, a thread reads the next."""
        with ThreadPoolExecutor(1, thread_name_prefix="read-ahead") as reader:
            ahead: Future[tuple[Tensor, list[Tensor]]] | None = None
            for window in [*self._windows(batches), None]:
                now, ahead = ahead, reader.submit(self._read, window) if window else None
                rows, positions = now.result() if now else (torch.empty(0), [])
                for batch in positions:
                    yield rows.index_select(0, batch)

    def _windows(self, batches: Sequence[Tensor]) -> Iterator[list[Tensor]]:
        """Yield consecutive batches of some `WINDOW` bytes, as `discern.data.epoch_order.shuffle_in_blocks` deals them.

        Cut elsewhere, most blocks would be read twice.
        """
        total = sum(map(len, batches))
        n_windows = max(1, -(-total * self.size // WINDOW))
        window: list[Tensor] = []
        done, number = 0, 1
        for indices in batches:
            window.append(indices)
            done += len(indices)
            if done * n_windows >= number * total:
                yield window
                window, number = [], number + 1
        if window:  # batches without a row, after the last row
            yield window

    def _read(self, batches: list[Tensor]) -> tuple[Tensor, list[Tensor]]:
        """Read the rows of all ``batches`` in the order of the file; return them and the positions of each batch."""
        # Only numpy here: torch in a second thread starts a second team of OpenMP threads, and with more threads than
        # processors those of training sleep at every barrier; LeNet then trains at 0.6 times its rate.
        indices = np.concatenate([batch.numpy() for batch in batches])
        order = np.argsort(indices, kind="stable")
        back = np.empty_like(order)
        back[order] = np.arange(len(order))
        rows = torch.from_numpy(self._read_sorted(indices[order]))
        return rows, list(torch.from_numpy(back).split([len(batch) for batch in batches]))

    def _read_sorted(self, indices: np.ndarray) -> np.ndarray:
        """Read rows at ascending indices, from the file and not through the map.

        A page that is touched where it is not in memory yet stops the processor that training needs; a read does not.
        """
        if not isinstance(self.array.base, mmap.mmap) or self.array.filename is None or not len(indices):
            return np.take(self.array, indices, axis=0)  # a slice of another array: its file is not known
        if not 0 <= indices[0] <= indices[-1] < len(self.array):
            raise IndexError(f"rows {indices[0]} to {indices[-1]} of {len(self.array)}")
        # A run is what one read takes: rows with gaps so short that reading them costs less than a second read.
        steps = np.diff(indices)
        breaks = np.flatnonzero(steps * self.size > self.size + GAP) + 1
        begins, ends = np.concatenate([[0], breaks]), np.concatenate([breaks, [len(indices)]])
        firsts, lengths = indices[begins], indices[ends - 1] - indices[begins] + 1
        gapless = (lengths == ends - begins) & bool(steps.all())  # each row once, and none left out: read in place
        rows = np.empty((len(indices), *self.array.shape[1:]), self.array.dtype)
        room = memoryview(rows).cast("B")
        with Path(self.array.filename).open("rb", buffering=0) as file:
            offsets = self.array.offset + firsts * self.size
            _announce(file.fileno(), offsets, lengths * self.size)
            runs = zip(*(column.tolist() for column in (begins, ends, offsets, lengths, gapless)), strict=True)
            for begin, end, offset, length, in_place in runs:
                file.seek(offset)
                if in_place:
                    _fill(file, room[begin * self.size : end * self.size])
                    continue
                run = np.empty((length, *rows.shape[1:]), rows.dtype)
                _fill(file, memoryview(run).cast("B"))
                np.take(run, indices[begin:end] - indices[begin], axis=0, out=rows[begin:end])
        return rows


def _announce(descriptor: int, offsets: np.ndarray, sizes: np.ndarray) -> None:
    """Have the system fetch all these stretches at once, before the first is waited for."""
    if hasattr(os, "posix_fadvise"):
        for offset, size in zip(offsets.tolist(), sizes.tolist(), strict=True):
            os.posix_fadvise(descriptor, offset, size, os.POSIX_FADV_WILLNEED)


def _fill(file: io.FileIO, room: memoryview) -> None:
    """Read until ``room`` is full; a read may give less than it is asked for."""
    while len(room):
        n_read = file.readinto(room)
        if not n_read:
            raise DataError(_("{path} was truncated while it was in use: try again.").format(path=file.name))
        room = room[n_read:]
