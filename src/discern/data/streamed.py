"""Images decoded whenever they are asked for, by workers that stay ahead: for more than one wants on the disk.

What comes out is byte for byte what the pixel cache would hold, so the same seed gives the same weights.
"""

from __future__ import annotations

import functools
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future
from typing import Any

import numpy as np

from discern.arrays import ArrayLike
from discern.data.dataset import Dataset, Store
from discern.data.pixel_cache import Spec, decode_all, decode_one
from discern.data.scan import ImageStats
from discern.data.shards import ShardStore
from discern.data.workers import WorkerPool
from discern.progress import Progress, ignore_progress

AHEAD = 64 << 20  # bytes of images that wait decoded for their turn; one batch always does


class StreamedPixels:
    """Stands for the uint8 (N, H, W, C) array of some images, those at ``indices``; holds none of them.

    Examples
    --------
    >>> from discern.data.open import open_data
    >>> from discern.preprocess.spec import Preprocess
    >>> digits = StreamedPixels(open_data("digits").store, np.arange(100), Preprocess(size=8, channels=1))
    >>> digits.shape, digits[np.array([3, 5])].shape
    ((100, 8, 8, 1), (2, 8, 8, 1))
    """

    ndim = 4

    def __init__(self, store: Store, indices: np.ndarray, spec: Spec) -> None:
        self.indices = np.asarray(indices, dtype=np.int64)
        self.shape = (len(self.indices), *spec.shape)
        self.nbytes = int(np.prod(self.shape))
        # int32 (N,), the shard that each image lies in, where they lie in shards: these are best read forward
        self.shard = store.shard[self.indices] if isinstance(store, ShardStore) else None
        self._workers = WorkerPool(functools.partial(_decode_batch, spec), store, len(self.indices))

    def __len__(self) -> int:
        return len(self.indices)

    def __getitem__(self, key: Any) -> np.ndarray:
        """Decode the images at ``key``, an index, a slice or an array of indices: uint8 (..., H, W, C)."""
        wanted = np.arange(len(self))[key]
        (images,) = self.iter_batches([wanted.reshape(-1)])
        return images.reshape(*wanted.shape, *self.shape[1:])

    def iter_batches(self, batches: Iterable[np.ndarray]) -> Iterator[np.ndarray]:
        """Decode one batch after the other, int (n,) -> uint8 (n, H, W, C), while the next ones are begun.

        A `DataError` says which image cannot be decoded any more.
        """
        max_ahead = AHEAD // int(np.prod(self.shape[1:]))  # images
        queue, ahead = deque[tuple[int, list[Future[np.ndarray]]]](), 0
        remaining = iter(batches)
        try:
            while True:
                while (ahead <= max_ahead or len(queue) < 2) and (batch := next(remaining, None)) is not None:
                    queue.append((len(batch), self._workers.submit(self.indices[batch])))
                    ahead += len(batch)
                if not queue:
                    return
                length, futures = queue.popleft()
                ahead -= length
                yield np.concatenate(self._workers.results(futures))
        finally:
            for _length, futures in queue:
                for future in futures:
                    future.cancel()


def load_pixels(
    dataset: Dataset,
    indices: np.ndarray,
    stats: ImageStats,
    spec: Spec,
    cache: str,
    progress: Progress = ignore_progress,
) -> ArrayLike:
    """Load pixels as `decode_all` does, or, where ``cache`` is ``stream``, have them decoded when asked for."""
    if cache == "stream":
        return StreamedPixels(dataset.store, indices, spec)
    return decode_all(dataset, indices, stats, spec, progress)


def _decode_batch(spec: Spec, store: Store, indices: np.ndarray) -> np.ndarray:
    """Decode a batch: uint8 (n, H, W, C)."""
    images = np.empty((len(indices), *spec.shape), np.uint8)
    for position, index in enumerate(indices.tolist()):
        images[position] = decode_one(spec, store, index)
    return images
