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

from discern.data.shuffle import WINDOW
from discern.errors import DataError
from discern.i18n import _

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

    def each(self, batches: Sequence[Tensor]) -> Iterator[Tensor]:
        """As `take`, one batch after the other; while a window of them is used, a thread reads the next."""
        with ThreadPoolExecutor(1, thread_name_prefix="read-ahead") as reader:
            ahead: Future[tuple[Tensor, list[Tensor]]] | None = None
            for window in [*self._windows(batches), None]:
                now, ahead = ahead, reader.submit(self._read, window) if window else None
                found, places = now.result() if now else (torch.empty(0), [])
                for part in places:
                    yield found.index_select(0, part)

    def _windows(self, batches: Sequence[Tensor]) -> Iterator[list[Tensor]]:
        """Consecutive batches, up to some `WINDOW` bytes at a time: equal parts, as `discern.data.shuffle` deals them.

        Cut elsewhere, most blocks would be read twice.
        """
        total = sum(map(len, batches))
        number = max(1, -(-total * self.size // WINDOW))
        window: list[Tensor] = []
        done, cut = 0, 1
        for rows in batches:
            window.append(rows)
            done += len(rows)
            if done * number >= cut * total:
                yield window
                window, cut = [], cut + 1

    def _read(self, batches: list[Tensor]) -> tuple[Tensor, list[Tensor]]:
        """The rows of all ``batches`` as they follow each other on disk, and where those of each batch are therein."""
        # Only numpy here: torch in a second thread starts a second team of OpenMP threads, and with more threads than
        # processors those of training sleep at every barrier; LeNet then trains at 0.6 times its rate.
        rows = np.concatenate([batch.numpy() for batch in batches])
        order = np.argsort(rows, kind="stable")
        back = np.empty_like(order)
        back[order] = np.arange(len(order))
        found = torch.from_numpy(self._rows(rows[order]))
        return found, list(torch.from_numpy(back).split([len(batch) for batch in batches]))

    def _rows(self, ordered: np.ndarray) -> np.ndarray:
        """Rows in the order of the file, read from it and not through the map.

        A page that is touched where it is not in memory yet stops the processor that training needs; a read does not.
        """
        if not isinstance(self.array.base, mmap.mmap) or self.array.filename is None or not len(ordered):
            return np.take(self.array, ordered, axis=0)  # a part of another array: its file is not known
        if not 0 <= ordered[0] <= ordered[-1] < len(self.array):
            raise IndexError(f"rows {ordered[0]} to {ordered[-1]} of {len(self.array)}")
        steps = np.diff(ordered)
        breaks = np.flatnonzero(steps * self.size > self.size + GAP) + 1
        begins, ends = np.concatenate([[0], breaks]), np.concatenate([breaks, [len(ordered)]])
        firsts, lengths = ordered[begins], ordered[ends - 1] - ordered[begins] + 1
        whole = (lengths == ends - begins) & bool(steps.all())  # runs with each row once, and none left out
        found = np.empty((len(ordered), *self.array.shape[1:]), self.array.dtype)
        room = memoryview(found).cast("B")
        with Path(self.array.filename).open("rb", buffering=0) as file:
            places = self.array.offset + firsts * self.size
            _announce(file.fileno(), places, lengths * self.size)
            runs = zip(*(column.tolist() for column in (begins, ends, places, lengths, whole)), strict=True)
            for begin, end, place, length, straight in runs:
                file.seek(place)
                if straight:
                    _fill(file, room[begin * self.size : end * self.size])
                    continue
                more = np.empty((length, *found.shape[1:]), found.dtype)
                _fill(file, memoryview(more).cast("B"))
                np.take(more, ordered[begin:end] - ordered[begin], axis=0, out=found[begin:end])
        return found


def _announce(descriptor: int, places: np.ndarray, sizes: np.ndarray) -> None:
    """Have the system fetch all these stretches at once, before the first is waited for."""
    if hasattr(os, "posix_fadvise"):
        for place, size in zip(places.tolist(), sizes.tolist(), strict=True):
            os.posix_fadvise(descriptor, place, size, os.POSIX_FADV_WILLNEED)


def _fill(file: io.FileIO, room: memoryview) -> None:
    """Read until ``room`` is full; a read may give less than it is asked for."""
    while len(room):
        given = file.readinto(room)
        if not given:
            raise DataError(_("{path} was cut short while it was in use: try again.").format(path=file.name))
        room = room[given:]
