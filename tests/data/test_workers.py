"""Workers end with the process that they work for, however that ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from discern.data.file_store import FileStore
from discern.data.workers import WorkerPool

PARENT = """
import os, sys, time
import numpy as np
from discern.data.workers import _open_pool

def work(store, batch):
    time.sleep(0.2)
    return os.getpid()

with _open_pool(work, "a store", 2, True) as submit:
    first = [submit(np.arange(1)) for _ in range(8)]
    print(*sorted({future.result() for future in first}), flush=True)
    for _ in range(1000):
        first.append(submit(np.arange(1)))
    time.sleep(60)
"""


def is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


@pytest.mark.skipif(os.name != "posix", reason="signals are POSIX's")
def test_a_killed_process_leaves_no_workers() -> None:
    with subprocess.Popen([sys.executable, "-c", PARENT], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as parent:
        assert parent.stdout is not None
        workers = [int(pid) for pid in parent.stdout.readline().split()]
        for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):  # as a terminal sends them to all of a group
            os.kill(workers[0], number)
        assert len(workers) == 2 and all(map(is_running, workers))
        parent.kill()
    until = time.monotonic() + 20
    while any(map(is_running, workers)) and time.monotonic() < until:
        time.sleep(0.1)
    assert not any(map(is_running, workers))


@pytest.mark.parametrize("size", ["0", "x", "-2", ""])
def test_an_odd_number_of_processes_is_one(size: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOCAL_WORLD_SIZE", size)
    pool = WorkerPool(lambda store, indices: len(indices), FileStore(".", []), 4)
    assert sum(pool.results(pool.submit(np.arange(4)))) == 4
