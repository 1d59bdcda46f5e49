"""How long work reports on itself: what is being done, and what happened."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, Protocol

from discern.notices import Notice


class Progress(Protocol):
    """Called every so often with what is being done, how much of it, out of how much; must be cheap."""

    def __call__(self, what: str, done: int, total: int) -> None: ...


def ignore_progress(what: str, done: int, total: int) -> None:
    """Do nothing, as the progress of work that nobody follows."""


class Reporter(ABC):
    """Follows a verb at work.

    ``event`` gets what events.jsonl gets: a dictionary whose ``event`` is ``start``, ``notice``, ``epoch``, ``search``
    or ``done``.
    """

    @abstractmethod
    def event(self, event: dict[str, Any]) -> None:
        """Take note of something that the run records."""

    @abstractmethod
    def progress(self, what: str, done: int, total: int) -> None:
        """Take note of how far work is; see `Progress`."""

    @abstractmethod
    def close(self) -> None:
        """Clear away what is shown: the work is over, well or not."""

    def notice(self, notice: Notice) -> None:
        """Report a notice, as the event that it is in events.jsonl."""
        self.event({"event": "notice", **notice.to_json()})


class NullReporter(Reporter):
    """Ignores everything."""

    def event(self, event: dict[str, Any]) -> None:
        pass

    def progress(self, what: str, done: int, total: int) -> None:
        pass

    def close(self) -> None:
        pass
