"""Pictures decoded whenever they are asked for, by workers that stay ahead: for more than one wants on the disk.

What comes out is byte for byte what the pixel cache would hold, so the same seed gives the same weights.
"""

from __future__ import annotations

import functools
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future
from typing import Any

import numpy as np

from discern.arrays import Rows
from discern.data.dataset import Dataset, Store
from discern.data.pixels import Spec, decoded, pixels
from discern.data.scan import Facts
from discern.data.shards import ShardStore
from discern.data.workers import Crew
from discern.progress import Progress, silent

AHEAD = 64 << 20  # bytes of pictures that wait decoded for their turn; one batch always does


class Streamed:
    """Stands for the uint8 (N, H, W, C) array of some pictures; holds none of them.

    Parameters
    ----------
    store : Store
        Where the pictures are.
    indices : numpy.ndarray
        int64 (N,), the pictures meant, none of them broken.
    spec : Spec
        How a picture becomes (H, W, C); sent to worker processes.

    Attributes
    ----------
    shard : numpy.ndarray or None
        int32 (N,), the shard that each picture lies in, where they lie in shards: these are best read forward.

    Examples
    --------
    >>> from discern.data.open import open_data
    >>> from discern.preprocess.spec import Preprocess
    >>> digits = Streamed(open_data("digits").store, np.arange(100), Preprocess(size=8, channels=1))
    >>> digits.shape, digits[np.array([3, 5])].shape
    ((100, 8, 8, 1), (2, 8, 8, 1))
    """

    ndim = 4

    def __init__(self, store: Store, indices: np.ndarray, spec: Spec) -> None:
        self.indices = np.asarray(indices, dtype=np.int64)
        self.shape = (len(self.indices), *spec.shape)
        self.nbytes = int(np.prod(self.shape))
        self.shard = store.shard[self.indices] if isinstance(store, ShardStore) else None
        self._crew = Crew(functools.partial(_decode, spec), store, len(self.indices))

    def __len__(self) -> int:
        return len(self.indices)

    def __getitem__(self, rows: Any) -> np.ndarray:
        """The pictures at ``rows``, an index, a slice or an array of rows: uint8 (..., H, W, C)."""
        wanted = np.arange(len(self))[rows]
        (found,) = self.each([wanted.reshape(-1)])
        return found.reshape(*wanted.shape, *self.shape[1:])

    def each(self, batches: Iterable[np.ndarray]) -> Iterator[np.ndarray]:
        """The pictures of each batch of rows, int (n,) -> uint8 (n, H, W, C), while the next ones are being decoded.

        Raises
        ------
        DataError
            When a picture cannot be decoded any more.
        """
        most = AHEAD // int(np.prod(self.shape[1:]))  # pictures
        begun, ahead = deque[tuple[int, list[Future[np.ndarray]]]](), 0
        coming = iter(batches)
        try:
            while True:
                while (ahead <= most or len(begun) < 2) and (batch := next(coming, None)) is not None:
                    begun.append((len(batch), self._crew.begin(self.indices[batch])))
                    ahead += len(batch)
                if not begun:
                    return
                length, shares = begun.popleft()
                ahead -= length
                yield np.concatenate(self._crew.end(shares))
        finally:
            for _length, shares in begun:
                for share in shares:
                    share.cancel()


def kept_or_streamed(
    dataset: Dataset, indices: np.ndarray, facts: Facts, spec: Spec, cache: str, progress: Progress = silent
) -> Rows:
    """The pixels of some pictures: where ``cache`` is ``stream``, decoded when asked for, else kept.

    The parameters are those of `discern.data.pixels.pixels`, which has the others kept.
    """
    if cache == "stream":
        return Streamed(dataset.store, indices, spec)
    return pixels(dataset, indices, facts, spec, progress)


def _decode(spec: Spec, store: Store, indices: np.ndarray) -> np.ndarray:
    """uint8 (n, H, W, C)."""
    found = np.empty((len(indices), *spec.shape), np.uint8)
    for row, index in enumerate(indices.tolist()):
        found[row] = decoded(spec, store, index)
    return found
