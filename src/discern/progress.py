"""How long work tells of itself: a watcher is told what is being done, and what happened."""

from __future__ import annotations

from typing import Any, Protocol


class Progress(Protocol):
    """Told every so often what is being done, how much of it, out of how much; must be cheap."""

    def __call__(self, what: str, done: int, total: int) -> None: ...


def silent(what: str, done: int, total: int) -> None:
    """Progress that nobody watches."""


class Watcher:
    """Watches a verb at work; this one looks away.

    ``event`` gets what events.jsonl gets: a dictionary whose ``event`` is ``start``, ``notice``, ``epoch`` or ``done``.
    """

    def event(self, event: dict[str, Any]) -> None:
        """Something happened that the run writes down."""

    def progress(self, what: str, done: int, total: int) -> None:
        """Work goes on; see `Progress`."""

    def close(self) -> None:
        """The work is over, well or not."""
