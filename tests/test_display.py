"""What is shown while work goes on: notices in the reader's language, epochs now and then, lines for programs."""

from __future__ import annotations

import json
from typing import Any

import pytest

import discern
from discern import display
from discern.display import Pace, PlainDisplay, format_event, reporting
from discern.notices import Notice
from discern.progress import NullReporter

NOTICE = Notice("runs.missing_classes", {"data": "fruit", "unit": Notice("word.images"), "names": ["a", "b"]})


def test_quick_epochs_are_shown_now_and_then_and_the_last_always(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter([100.0, 100.1, 100.6, 100.7])
    monkeypatch.setattr(display.time, "monotonic", lambda: next(clock))
    pace = Pace()
    shown = [pace.lets_pass({"event": "epoch", "epoch": epoch, "epochs": 4}) for epoch in (1, 2, 3, 4)]
    assert shown == [True, False, True, True]
    assert pace.lets_pass({"event": "notice", **NOTICE.to_json()})


def test_a_notice_is_data_until_it_is_shown() -> None:
    events: list[dict[str, Any]] = []

    class Recorder(NullReporter):
        def event(self, event: dict[str, Any]) -> None:
            events.append(event)

    Recorder().notice(NOTICE)
    assert json.loads(json.dumps(events)) == [
        {
            "event": "notice",
            "code": "runs.missing_classes",
            "fields": {"data": "fruit", "unit": {"code": "word.images", "fields": {}}, "names": ["a", "b"]},
        }
    ]
    assert format_event(events[0]) == "· fruit has no images of a, b."
    assert format_event({"event": "done"}) is None


def test_lines_for_programs_are_on_stdout(capsys: pytest.CaptureFixture[str]) -> None:
    with reporting(discern.show_progress(as_json=True)) as reporter:
        reporter.notice(NOTICE)
        reporter.event({"event": "done", "seconds": 1})
    output = capsys.readouterr()
    assert [json.loads(line)["event"] for line in output.out.splitlines()] == ["notice"]  # the result comes last
    assert output.err == "· fruit has no images of a, b.\n"


def test_a_reporter_is_closed_also_after_an_error() -> None:
    class Closing(NullReporter):
        closed = False

        def close(self) -> None:
            self.closed = True

    reporter = Closing()
    with pytest.raises(ZeroDivisionError), reporting(reporter):
        _ = 1 / 0
    assert reporter.closed


def test_without_a_terminal_lines_are_plain() -> None:
    with reporting(None) as reporter:
        assert isinstance(reporter, PlainDisplay)
