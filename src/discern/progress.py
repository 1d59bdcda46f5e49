"""How long work tells of itself: a callable that is told what is being done, how much of it, out of how much."""

from __future__ import annotations

from typing import Protocol


class Progress(Protocol):
    """Told every so often; must be cheap."""

    def __call__(self, what: str, done: int, total: int) -> None: ...


def silent(what: str, done: int, total: int) -> None:
    """Progress that nobody watches."""
