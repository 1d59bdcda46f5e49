"""The command line, as a person types it."""

from __future__ import annotations

import sys

import pytest

from discern.cli import main


class Command:
    """Runs ``discern`` in this process."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        self.monkeypatch, self.capsys = monkeypatch, capsys

    def __call__(self, *arguments: object, code: int = 0) -> str:
        """Return what stands on stdout, and keep stderr in ``error``; the exit code must be ``code``."""
        self.monkeypatch.setattr(sys, "argv", ["discern", *map(str, arguments)])
        with pytest.raises(SystemExit) as end:
            main()
        output = self.capsys.readouterr()
        self.error = output.err
        assert (end.value.code or 0) == code, output.err
        assert "Traceback" not in output.err
        return output.out

    def refuse(self, *arguments: object) -> str:
        """Return the one sentence with which arguments are refused."""
        output = self(*arguments, code=2)
        *before, last = self.error.strip().splitlines()
        assert not output and last.startswith("Error: "), self.error
        assert not [line for line in before if line.startswith("Error")]
        return last


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    return Command(monkeypatch, capsys)
