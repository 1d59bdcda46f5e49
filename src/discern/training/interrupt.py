"""Ctrl-C, and the system's wish to end the process, end the step, not the work."""

from __future__ import annotations

import signal
import threading
import time
from types import FrameType, TracebackType

from discern.runtime import Ranks

VOTE_SECONDS = 0.5  # between two votes


class Interrupt:
    """Inside the block, SIGINT, SIGTERM and SIGHUP only set `requested`; a second SIGINT stops at once."""

    def __init__(self) -> None:
        self.requested = False
        self._before: dict[int, object] = {}

    def __enter__(self) -> Interrupt:
        if threading.current_thread() is threading.main_thread():
            for name in ("SIGINT", "SIGTERM", "SIGHUP"):  # Windows has no SIGHUP
                number = getattr(signal, name, None)
                if number is not None and signal.getsignal(number) is not signal.SIG_IGN:  # as nohup wants it
                    self._before[number] = signal.signal(number, self._handle)
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)  # type: ignore[arg-type]

    def _handle(self, number: int, frame: FrameType | None) -> None:
        if self.requested and number == signal.SIGINT:
            raise KeyboardInterrupt
        self.requested = True


class StopVote:
    """Lets all processes know whether one of them wants to stop or save.

    Every process calls it once per step. A vote waits for the slowest process, and for a GPU, so one takes place about
    twice a second; how many steps lie between two votes is agreed upon as well. A single process needs no vote.

    Examples
    --------
    >>> StopVote(Ranks())(True)
    True
    """

    def __init__(self, ranks: Ranks) -> None:
        self.ranks = ranks
        self.interval = self.steps_left = 1  # steps from one vote to the next, and still to go
        self.last_vote = time.monotonic()

    def __call__(self, wanted: bool) -> bool:
        """Return whether a process wanted it at the vote that takes place now; False between two votes."""
        if self.ranks.size == 1:
            return wanted
        self.steps_left -= 1
        if self.steps_left:
            return False
        seconds = max(time.monotonic() - self.last_vote, 1e-6)
        steps = max(1, int(self.interval * VOTE_SECONDS / seconds))
        self.interval = self.steps_left = self.ranks.broadcast(steps)
        self.last_vote = time.monotonic()
        return self.ranks.any(wanted)
