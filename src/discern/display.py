"""What a person reads on stderr while work goes on: live bars in a terminal, plain lines elsewhere."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bars

from discern.i18n import _
from discern.notices import Notice
from discern.progress import Reporter

PLAIN_SECONDS = 10.0  # between two plain lines about the same work
EPOCH_SECONDS = 0.5  # between two epochs that are shown: a head's take milliseconds; the last is always shown


@contextmanager
def reporting(reporter: Reporter | None) -> Iterator[Reporter]:
    """Give ``reporter``, or a display where there is none, and close it at the end of the block."""
    reporter = reporter or make_display()
    try:
        yield reporter
    finally:
        reporter.close()


def make_display() -> Reporter:
    """Return the display that suits stderr."""
    console = Console(stderr=True, highlight=False)
    return LiveDisplay(console) if console.is_terminal else PlainDisplay()


def format_epoch(event: dict[str, Any]) -> str:
    """Return the line of an epoch record."""
    message = _(
        "epoch {epoch}/{epochs}  loss {loss:.4f}  train {train:.2%}  validation {validation:.2%}  {rate:,.0f}/s"
    )
    return message.format(
        epoch=event["epoch"],
        epochs=event["epochs"],
        loss=event["train"]["loss"],
        train=event["train"]["top1"],
        validation=event["validation"]["top1"],
        rate=event["images_per_second"],
    )


def format_event(event: dict[str, Any]) -> str | None:
    """Return the line of an event, or None if it is not for a person."""
    match event["event"]:
        case "notice":
            return "· " + Notice.from_json(event).text()
        case "epoch":
            return format_epoch(event)
    return None


class Pace:
    """Lets an event pass, unless it is an epoch on the heels of one that passed."""

    def __init__(self) -> None:
        self.last = 0.0

    def lets_pass(self, event: dict[str, Any]) -> bool:
        """Return whether a person should read of ``event``."""
        if event["event"] != "epoch":
            return True
        now = time.monotonic()
        if now - self.last < EPOCH_SECONDS and event["epoch"] < event["epochs"]:
            return False
        self.last = now
        return True


class PlainDisplay(Reporter):
    """A line an event, and now and then one about work that takes long."""

    def __init__(self) -> None:
        self._last = time.monotonic()
        self._pace = Pace()

    def event(self, event: dict[str, Any]) -> None:
        line = format_event(event)
        if line is not None and self._pace.lets_pass(event):
            print(line, file=sys.stderr, flush=True)
        self._last = time.monotonic()

    def progress(self, what: str, done: int, total: int) -> None:
        if time.monotonic() - self._last > PLAIN_SECONDS:
            print(f"{what} {done:,}/{total:,}", file=sys.stderr, flush=True)
            self._last = time.monotonic()

    def close(self) -> None:
        pass


class LiveDisplay(Reporter):
    """Bars that move: one for the work under way, one for the epochs; finished epochs scroll above them."""

    def __init__(self, console: Console) -> None:
        columns = (
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.fields[count]}"),
            TimeRemainingColumn(),
        )
        self.bars = Bars(*columns, console=console, transient=True)
        self.tasks: dict[str, Any] = {}
        self.epochs: Any = None
        self.last = 0.0
        self.pace = Pace()

    def event(self, event: dict[str, Any]) -> None:
        line = format_event(event)
        if line is not None and self.pace.lets_pass(event):
            self.bars.console.print(line, markup=False)
        if event["event"] == "start":
            self._clear()
            count = f"0/{event['epochs']}"
            self.epochs = self.bars.add_task(_("epochs"), total=event["epochs"], completed=event["epoch"], count=count)
        if event["event"] == "epoch" and self.epochs is not None:
            count = f"{event['epoch']}/{event['epochs']}"
            self.bars.update(self.epochs, completed=event["epoch"], count=count)
        if event["event"] == "done":
            self.close()

    def progress(self, what: str, done: int, total: int) -> None:
        now = time.monotonic()
        if what in self.tasks and done < total and now - self.last < 0.1:
            return
        self.last = now
        self.bars.start()
        if what not in self.tasks:
            self._clear()
            self.tasks[what] = self.bars.add_task(what, total=total, count="")
        self.bars.update(self.tasks[what], completed=done, total=total, count=f"{done:,}/{total:,}")

    def close(self) -> None:
        self.bars.stop()

    def _clear(self) -> None:
        for task in self.tasks.values():
            self.bars.remove_task(task)
        self.tasks.clear()


class JsonLines(Reporter):
    """Prints each event as a line of JSON on stdout, besides what ``display`` shows on stderr."""

    def __init__(self, display: Reporter) -> None:
        self.display = display

    def event(self, event: dict[str, Any]) -> None:
        if event["event"] != "done":  # the last line is the result itself
            print(json.dumps(event, ensure_ascii=False), flush=True)
        self.display.event(event)

    def progress(self, what: str, done: int, total: int) -> None:
        self.display.progress(what, done, total)

    def close(self) -> None:
        self.display.close()
