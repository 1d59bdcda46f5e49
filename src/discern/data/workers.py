"""Many images at once: work is given to threads when they are few and to processes when they are many.

The processes are loky's, not the standard library's: a script that trains at its top level, without an
``if __name__ == "__main__"`` guard, must work. Each receives the store once, when it starts, never with a batch.
"""

from __future__ import annotations

import functools
import os
import signal
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import ExitStack, contextmanager
from typing import Generic, TypeVar

import numpy as np

from discern.data.dataset import Store
from discern.errors import DataError
from discern.i18n import _
from discern.progress import Progress

MAX_FOR_THREADS = 2000  # images; up to these, starting processes (about 0.5 s) costs more than it saves
BATCH = 256
PARENT_SECONDS = 0.5  # between two looks of a worker at whether the process that it works for is still there

T = TypeVar("T")
Work = Callable[[Store, np.ndarray], T]
_store: Store | None = None  # of a worker process


def _receive(store: Store, parent: int) -> None:
    global _store
    _store = store
    for name in ("SIGINT", "SIGTERM", "SIGHUP"):  # they are for the process ``parent`` to act on; Windows has no SIGHUP
        if (number := getattr(signal, name, None)) is not None:
            signal.signal(number, signal.SIG_IGN)
    end_with(parent)


def end_with(parent: int) -> None:
    """Have this process end soon after the process ``parent`` that started it did: killed, that ends nobody.

    Linux's PR_SET_PDEATHSIG would end it with the thread that started it, which may be short-lived.
    """
    if os.name == "posix":
        threading.Thread(target=_wait_for_end, args=(parent,), daemon=True).start()


def _wait_for_end(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(PARENT_SECONDS)
    os.kill(os.getpid(), signal.SIGKILL)


def _in_process(work: Work[T], indices: np.ndarray) -> T:
    assert _store is not None
    return work(_store, indices)


def count_processors() -> int:
    """Count the processors this process may use: its affinity and its control group are respected."""
    import joblib

    return int(joblib.cpu_count())


def map_batches(
    work: Work[T], store: Store, indices: np.ndarray, what: str, progress: Progress
) -> Iterator[tuple[np.ndarray, T]]:
    """Do ``work(store, batch)`` for every batch of ``indices``, int64 (N,), in parallel.

    Yields each batch and what ``work`` returned for it, in the order in which they end, and tells ``progress`` how much
    of ``what`` is done. ``work`` is a function of a module, or a `functools.partial` of one: it is sent to other
    processes. A `DataError` says that one of them was killed, which most often means that memory ran out.
    """
    done = 0
    progress(what, done, len(indices))
    workers = count_processors()
    uses_processes = len(indices) > MAX_FOR_THREADS and workers > 1
    batches = np.array_split(indices, max(1, -(-len(indices) // (BATCH if uses_processes else 16))))
    with _open_pool(work, store, workers, uses_processes) as submit:
        futures = {submit(batch): batch for batch in batches if len(batch)}
        for future in as_completed(list(futures)):
            batch = futures.pop(future)
            yield batch, _result(future)
            done += len(batch)
            progress(what, done, len(indices))


def _result(future: Future[T]) -> T:
    try:
        return future.result()
    except BrokenProcessPool as error:
        message = _("A process that reads images was ended by the system, often for memory: close other programs.")
        raise DataError(message) from error


class WorkerPool(Generic[T]):
    """Workers that stay, for work that comes piece by piece; they start with the first and end with this object.

    ``work`` and ``store`` are as for `map_batches`; for few images, ``n`` in all, the workers are threads.
    """

    def __init__(self, work: Work[T], store: Store, n: int) -> None:
        processes = os.environ.get("LOCAL_WORLD_SIZE", "1")  # torchrun's, which divide the machine
        self._workers = max(1, count_processors() // max(1, int(processes) if processes.isdecimal() else 1))
        uses_processes = n > MAX_FOR_THREADS and self._workers > 1
        self._open = functools.partial(_open_pool, work, store, self._workers, uses_processes)
        self._submit: Callable[[np.ndarray], Future[T]] | None = None

    def submit(self, indices: np.ndarray) -> list[Future[T]]:
        """Have ``indices``, int64 (n,), worked on: a chunk for each worker, in order."""
        if self._submit is None:
            stack = ExitStack()
            weakref.finalize(self, stack.close)
            self._submit = stack.enter_context(self._open())
        return [self._submit(chunk) for chunk in np.array_split(indices, max(1, min(self._workers, len(indices))))]

    def results(self, futures: list[Future[T]]) -> list[T]:
        """Wait for what `submit` returned, and return what came of it, in order; a `DataError` if one was killed."""
        return [_result(future) for future in futures]


@contextmanager
def _open_pool(
    work: Work[T], store: Store, workers: int, uses_processes: bool
) -> Iterator[Callable[[np.ndarray], Future[T]]]:
    """Start threads or processes, and yield what gives them a batch."""
    if not uses_processes:
        threads = ThreadPoolExecutor(workers)
        try:
            yield lambda batch: threads.submit(work, store, batch)
        finally:
            threads.shutdown(wait=True, cancel_futures=True)
        return
    from joblib.externals.loky import ProcessPoolExecutor

    with _ignore_hangup():
        processes = ProcessPoolExecutor(workers, initializer=_receive, initargs=(store, os.getpid()))
    done = False
    try:
        yield lambda batch: processes.submit(_in_process, work, batch)
        done = True
    finally:
        processes.shutdown(wait=True, kill_workers=not done)


@contextmanager
def _ignore_hangup() -> Iterator[None]:
    """Have what is started in the block ignore SIGHUP: loky's tracker of resources ignores the other signals alone."""
    if not hasattr(signal, "SIGHUP") or threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGHUP, before)
