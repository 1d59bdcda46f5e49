"""Ctrl-C ends the step, not the work."""

from __future__ import annotations

import signal
import threading
import time
from types import FrameType, TracebackType

from discern.runtime import Ranks

EVERY = 0.5  # seconds between two agreements


class Interrupted(Exception):
    """Training was asked to stop, and everything needed to go on was saved."""


class Interrupt:
    """Inside the block, SIGINT and SIGTERM only set `asked`; a second SIGINT stops at once."""

    def __init__(self) -> None:
        self.asked = False
        self._before: dict[int, object] = {}

    def __enter__(self) -> Interrupt:
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGINT, signal.SIGTERM):
                self._before[number] = signal.signal(number, self._ask)
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)  # type: ignore[arg-type]

    def _ask(self, number: int, frame: FrameType | None) -> None:
        if self.asked and number == signal.SIGINT:
            raise KeyboardInterrupt
        self.asked = True


class Agreement:
    """Whether some process wants something, as all of them know it.

    Every process calls it once a step. Asking each other waits for the slowest, and for a GPU, so they do so about
    twice a second; after how many steps again is agreed upon as well. A process alone need not ask.

    Examples
    --------
    >>> Agreement(Ranks())(True)
    True
    """

    def __init__(self, ranks: Ranks) -> None:
        self.ranks = ranks
        self.steps = self.left = 1  # from one agreement to the next, and still to go
        self.since = time.monotonic()

    def __call__(self, wanted: bool) -> bool:
        """Whether some process wanted it when all were last asked, which is now; False between two agreements."""
        if self.ranks.size == 1:
            return wanted
        self.left -= 1
        if self.left:
            return False
        seconds = max(time.monotonic() - self.since, 1e-6)
        self.steps = self.left = self.ranks.share(max(1, int(self.steps * EVERY / seconds)))
        self.since = time.monotonic()
        return self.ranks.any(wanted)
