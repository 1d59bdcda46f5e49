"""Progress for programs: each event a line of JSON on stdout, besides what a person sees on stderr."""

from __future__ import annotations

import json
from typing import Any

from discern.progress import Watcher


class JsonLines(Watcher):
    """Prints events as JSON lines and hands everything on to the display."""

    def __init__(self, display: Watcher) -> None:
        self.display = display

    def event(self, event: dict[str, Any]) -> None:
        if event["event"] != "done":  # the last line is the result itself
            print(json.dumps(event, ensure_ascii=False), flush=True)
        self.display.event(event)

    def progress(self, what: str, done: int, total: int) -> None:
        self.display.progress(what, done, total)

    def close(self) -> None:
        self.display.close()
