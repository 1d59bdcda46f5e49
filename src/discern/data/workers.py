"""Many pictures at once: a piece of work is given to threads when they are few and to processes when they are many.

The processes are loky's, not the standard library's: a script that trains at its top level, without an
``if __name__ == "__main__"`` guard, must work. Each receives the store once, when it starts, never with a batch.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future, ThreadPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from typing import TypeVar

import numpy as np

from discern.data.dataset import Store
from discern.errors import DataError
from discern.i18n import _

FEW = 2000  # below this, starting processes (about 0.5 s) costs more than it saves
BATCH = 256

T = TypeVar("T")
Work = Callable[[Store, np.ndarray], T]
_store: Store | None = None


def _receive(store: Store) -> None:
    global _store
    _store = store


def _in_process(work: Work[T], indices: np.ndarray) -> T:
    assert _store is not None
    return work(_store, indices)


def processors() -> int:
    """The processors this process may use: its affinity and its control group are respected."""
    import joblib

    return int(joblib.cpu_count())


def each_batch(work: Work[T], store: Store, indices: np.ndarray) -> Iterator[tuple[np.ndarray, T]]:
    """Do ``work(store, batch)`` for every batch of ``indices``, in parallel.

    Parameters
    ----------
    work : callable
        A function of a module, or a `functools.partial` of one: it is sent to other processes.
    store : Store
        Where the pictures are read from.
    indices : numpy.ndarray
        int64 (N,), positions in ``store``.

    Yields
    ------
    batch : numpy.ndarray
        The indices that were worked on, in the order in which batches end.
    result : object
        What ``work`` returned for them.

    Raises
    ------
    DataError
        When a worker process was killed, which most often means that memory ran out.
    """
    if not len(indices):
        return
    workers = processors()
    if len(indices) <= FEW or workers == 1:
        batches = np.array_split(indices, max(1, -(-len(indices) // 16)))
        with _threads(workers) as pool:
            yield from _ended({pool.submit(work, store, batch): batch for batch in batches})
        return
    batches = np.array_split(indices, -(-len(indices) // BATCH))
    with _processes(workers, store) as pool:
        try:
            yield from _ended({pool.submit(_in_process, work, batch): batch for batch in batches})
        except BrokenProcessPool as error:
            raise DataError(
                _("A process that reads pictures was ended by the system, often for memory: close other programs.")
            ) from error


def _ended(futures: dict[Future[T], np.ndarray]) -> Iterator[tuple[np.ndarray, T]]:
    for future in as_completed(list(futures)):
        yield futures.pop(future), future.result()


@contextmanager
def _threads(workers: int) -> Iterator[Executor]:
    pool = ThreadPoolExecutor(workers)
    try:
        yield pool
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


@contextmanager
def _processes(workers: int, store: Store) -> Iterator[Executor]:
    from joblib.externals.loky import ProcessPoolExecutor

    pool = ProcessPoolExecutor(workers, initializer=_receive, initargs=(store,))
    done = False
    try:
        yield pool
        done = True
    finally:
        pool.shutdown(wait=True, kill_workers=not done)
