"""What a person reads on stderr while work goes on: live bars in a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, TextIO

from rich.console import Console
from rich.progress import BarColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bars

from discern.i18n import _
from discern.notices import Notice
from discern.printable import is_unicode, to_json_line
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
    console = Console(file=LenientStream(sys.stderr), highlight=False)  # type: ignore[arg-type]
    if not console.is_terminal:
        return PlainDisplay()
    return LiveDisplay(console if console.width else Console(file=console.file, highlight=False, width=80))


class LenientStream:
    """Writes to ``stream`` what it takes: a terminal that was closed, or takes ASCII alone, ends no training."""

    def __init__(self, stream: TextIO | None) -> None:
        self.stream = stream

    def __getattr__(self, name: str) -> Any:
        return getattr(self.stream, name)

    def write(self, text: str) -> int:
        """Write ``text``, with escapes for what the encoding lacks, as far as that is possible."""
        encoding = getattr(self.stream, "encoding", None) or "utf-8"
        with suppress(OSError, ValueError, AttributeError):  # ValueError: it was closed; AttributeError: there is none
            self.stream.write(text.encode(encoding, "backslashreplace").decode(encoding))  # type: ignore[union-attr]
        return len(text)

    def flush(self) -> None:
        """Send out what was written, as far as that is possible."""
        with suppress(OSError, ValueError, AttributeError):
            self.stream.flush()  # type: ignore[union-attr]

    def isatty(self) -> bool:
        """Return whether it is a terminal."""
        return self.stream is not None and self.stream.isatty()


def format_event(event: dict[str, Any]) -> str | None:
    """Return the line of an event, or None if it is not for a person."""
    if event["event"] == "notice":
        return "· " + Notice.from_json(event).text()
    if event["event"] != "epoch":
        return None
    message = _(
        "epoch {epoch}/{epochs}  loss {loss:.4f}  train {train:.2%}  validation {validation:.2%}  {rate:,.0f}/s"
    )
    train, rate = event["train"], event["images_per_second"]
    accuracies = {"train": train["top1"], "validation": event["validation"]["top1"]}
    return message.format(epoch=event["epoch"], epochs=event["epochs"], loss=train["loss"], rate=rate, **accuracies)


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
            print(line, file=LenientStream(sys.stderr), flush=True)
        self._last = time.monotonic()

    def progress(self, what: str, done: int, total: int) -> None:
        if time.monotonic() - self._last > PLAIN_SECONDS:
            print(f"{what} {done:,}/{total:,}", file=LenientStream(sys.stderr), flush=True)
            self._last = time.monotonic()

    def close(self) -> None:
        pass


class LiveDisplay(Reporter):
    """Bars that move: one for the work under way, one for the epochs; finished epochs scroll above them."""

    def __init__(self, console: Console) -> None:
        what, count = TextColumn("{task.description}"), TextColumn("{task.fields[count]}")
        self.bars = Bars(what, BarColumn(), count, TimeRemainingColumn(), console=console, transient=True)
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
    """Prints each event as a line of JSON on stdout, besides what ``display`` shows on stderr.

    Where stdout takes nothing any more, the work goes on, and whoever prints its result learns of that.
    """

    def __init__(self, display: Reporter) -> None:
        self.display = display

    def event(self, event: dict[str, Any]) -> None:
        if event["event"] != "done":  # the last line is the result itself
            print(to_json_line(event, not is_unicode(sys.stdout)), file=LenientStream(sys.stdout), flush=True)
        self.display.event(event)

    def progress(self, what: str, done: int, total: int) -> None:
        self.display.progress(what, done, total)

    def close(self) -> None:
        self.display.close()
