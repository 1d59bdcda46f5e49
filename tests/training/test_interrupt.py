from __future__ import annotations

import os
import signal
import threading
from typing import Any

import pytest

from discern.runtime import Ranks
from discern.training import interrupt
from discern.training.interrupt import Interrupt, StopVote


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_the_first_signal_only_asks(number: signal.Signals) -> None:
    before = signal.getsignal(number)
    with Interrupt() as interrupt:
        assert not interrupt.requested
        os.kill(os.getpid(), number)
        assert interrupt.requested
    assert signal.getsignal(number) is before


def test_an_ignored_signal_stays_ignored() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with Interrupt() as interrupt:
            os.kill(os.getpid(), signal.SIGHUP)
            assert not interrupt.requested
    finally:
        signal.signal(signal.SIGHUP, before)


def test_the_second_ctrl_c_stops_at_once() -> None:
    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt), Interrupt():
        os.kill(os.getpid(), signal.SIGINT)
        os.kill(os.getpid(), signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is before


def test_other_threads_leave_signals_alone() -> None:
    before, seen = signal.getsignal(signal.SIGINT), []

    def work() -> None:
        with Interrupt():
            seen.append(signal.getsignal(signal.SIGINT))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert seen == [before]


class Asked(Ranks):
    """Two processes of which the other wants nothing; notes what they ask each other."""

    asked: list[bool]

    def __init__(self) -> None:
        super().__init__(0, 2)
        self.__dict__["asked"] = []  # a Ranks is frozen

    def any(self, value: bool) -> bool:
        self.asked.append(value)
        return value

    def broadcast(self, value: Any) -> Any:
        return value


def test_processes_ask_each_other_about_twice_a_second(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 0.0
    monkeypatch.setattr(interrupt.time, "monotonic", lambda: now)
    ranks = Asked()
    agreed, heard = StopVote(ranks), []
    for step in range(1000):  # of 10 ms, after one of a second
        now += 1.0 if step == 0 else 0.01
        heard.append(agreed(step >= 700))
    assert 19 <= len(ranks.asked) <= 22
    assert heard.index(True) - 700 <= 50
    assert sum(heard) == sum(ranks.asked) == 6


def test_a_slow_step_is_asked_about_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 0.0
    monkeypatch.setattr(interrupt.time, "monotonic", lambda: now)
    ranks = Asked()
    agreed = StopVote(ranks)
    for _step in range(5):
        now += 2.0
        agreed(False)
    assert ranks.asked == [False] * 5


def test_a_process_alone_asks_nobody() -> None:
    agreed = StopVote(Ranks())
    assert [agreed(wanted) for wanted in (False, True, False)] == [False, True, False]
