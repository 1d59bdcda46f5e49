from __future__ import annotations

import pytest

from discern import display
from discern.display import Pace


def test_quick_epochs_are_told_now_and_then_and_the_last_always(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter([100.0, 100.1, 100.6, 100.7])
    monkeypatch.setattr(display.time, "monotonic", lambda: next(clock))
    pace = Pace()
    told = [pace.passes({"event": "epoch", "epoch": epoch, "epochs": 4}) for epoch in (1, 2, 3, 4)]
    assert told == [True, False, True, True]
    assert pace.passes({"event": "notice", "text": "read me"})
