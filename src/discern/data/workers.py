"""Many images at once: work is given to threads when they are few and to processes when they are many.

The processes are loky's, not the standard library's: a script that trains at its top level, without an
``if __name__ == "__main__"`` guard, must work. Each receives the store once, when it starts, never with a batch.
"""

from __future__ import annotations

import os
import signal
import weakref
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future, ThreadPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import ExitStack, contextmanager
from typing import Generic, TypeVar

import numpy as np

from discern.data.dataset import Store
from discern.errors import DataError
from discern.i18n import _

MAX_FOR_THREADS = 2000  # images; up to these, starting processes (about 0.5 s) costs more than it saves
BATCH = 256

T = TypeVar("T")
Work = Callable[[Store, np.ndarray], T]
_store: Store | None = None  # of a worker process


def _receive(store: Store) -> None:
    global _store
    _store = store
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the process that they work for to act on


def _in_process(work: Work[T], indices: np.ndarray) -> T:
    assert _store is not None
    return work(_store, indices)


def count_processors() -> int:
    """Count the processors this process may use: its affinity and its control group are respected."""
    import joblib

    return int(joblib.cpu_count())


def map_batches(work: Work[T], store: Store, indices: np.ndarray) -> Iterator[tuple[np.ndarray, T]]:
    """Do ``work(store, batch)`` for every batch of ``indices``, in parallel.

    Parameters
    ----------
    work : callable
        A function of a module, or a `functools.partial` of one: it is sent to other processes.
    store : Store
        Where the images are read from.
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
    workers = count_processors()
    if len(indices) <= MAX_FOR_THREADS or workers == 1:
        batches = np.array_split(indices, max(1, -(-len(indices) // 16)))
        with _threads(workers) as pool:
            yield from _iter_results({pool.submit(work, store, batch): batch for batch in batches})
        return
    batches = np.array_split(indices, -(-len(indices) // BATCH))
    with _processes(workers, store) as pool:
        yield from _iter_results({pool.submit(_in_process, work, batch): batch for batch in batches})


def _iter_results(futures: dict[Future[T], np.ndarray]) -> Iterator[tuple[np.ndarray, T]]:
    for future in as_completed(list(futures)):
        yield futures.pop(future), _result(future)


def _result(future: Future[T]) -> T:
    try:
        return future.result()
    except BrokenProcessPool as error:
        raise DataError(
            _("A process that reads images was ended by the system, often for memory: close other programs.")
        ) from error


class WorkerPool(Generic[T]):
    """Workers that stay, for work that comes piece by piece; they start with the first and end with this object.

    Parameters
    ----------
    work, store
        As for `map_batches`.
    n : int
        Number of images in all: for few, the workers are threads.
    """

    def __init__(self, work: Work[T], store: Store, n: int) -> None:
        self._work, self._store = work, store
        processes = int(os.environ.get("LOCAL_WORLD_SIZE", "1"))  # torchrun's, which divide the machine
        self._workers = max(1, count_processors() // processes)
        self._uses_processes = n > MAX_FOR_THREADS and self._workers > 1
        self._pool: Executor | None = None

    def submit(self, indices: np.ndarray) -> list[Future[T]]:
        """Have ``indices``, int64 (n,), worked on: a chunk for each worker, in order."""
        pool = self._pool or self._start()
        chunks = np.array_split(indices, max(1, min(self._workers, len(indices))))
        if self._uses_processes:
            return [pool.submit(_in_process, self._work, chunk) for chunk in chunks]
        return [pool.submit(self._work, self._store, chunk) for chunk in chunks]

    def results(self, futures: list[Future[T]]) -> list[T]:
        """Wait for what `submit` returned, and return what came of it, in order.

        Raises
        ------
        DataError
            When a worker process was killed.
        """
        return [_result(future) for future in futures]

    def _start(self) -> Executor:
        stack = ExitStack()
        weakref.finalize(self, stack.close)
        pool = _processes(self._workers, self._store) if self._uses_processes else _threads(self._workers)
        self._pool = stack.enter_context(pool)
        return self._pool


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
