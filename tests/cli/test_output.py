"""What is printed reaches the reader, whatever stands in it and wherever it goes; or one sentence says why not."""

from __future__ import annotations

import errno
import io
import json
import os
import signal
import sys
from pathlib import Path

import pytest

import discern
from discern.cli import main
from discern.display import LenientStream, PlainDisplay
from discern.errors import DataError
from discern.notices import Notice
from tests.command import Command
from tests.images import make_folder


class Full(io.StringIO):
    """A file on a full disk."""

    def flush(self) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def run_main(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    monkeypatch.setattr(sys, "argv", ["discern", *arguments])
    with pytest.raises(SystemExit) as end:
        main()
    return int(end.value.code or 0)


@pytest.mark.parametrize("arguments", [["models"], ["models", "lenet", "--json"], ["--version"], ["--help"]])
def test_a_full_disk_behind_stdout(
    arguments: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "stdout", Full())
    assert run_main(monkeypatch, *arguments) == 1
    error = capsys.readouterr().err
    assert error.startswith("Error: ") and "No space left" in error and error.count("\n") == 1


def test_no_stdout_at_all(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(sys, "stdout", None)
    assert run_main(monkeypatch, "--version") == 1
    assert "The output was not written" in capsys.readouterr().err


@pytest.mark.parametrize("encoding", ["ascii", "cp1252", "cp950"])
def test_an_encoding_that_lacks_characters(encoding: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DISCERN_LANG", "zh_TW")
    for arguments in (["models"], ["models", "lenet", "--json"]):
        data = io.BytesIO()
        monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(data, encoding=encoding))
        assert run_main(monkeypatch, *arguments) == 0
        text = data.getvalue().decode(encoding)
        assert "lenet" in text
    assert json.loads(text)["name"] == "lenet"


@pytest.mark.parametrize("columns", ["0", "1", "x", "-5"])
def test_a_terminal_of_odd_width(columns: str, monkeypatch: pytest.MonkeyPatch, command: Command) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    monkeypatch.setenv("TTY_COMPATIBLE", "1")  # as if it were a terminal
    assert "Pixels in a row" in command("models")


def test_names_do_not_steer_the_terminal(tmp_path: Path, command: Command) -> None:
    data = make_folder(tmp_path / "data", n=4, size=8, classes=("red", "blue"))
    (data / "red").rename(data / "red\x1b[31m\u202e\nError: x")
    output = command("data", data)
    assert "red\\u001b[31m\\u202e\\nError: x" in output and "\x1b" not in output
    assert "\x07" not in command.refuse("data", f"{tmp_path}/\x07")


def test_errors_and_notices_are_one_line() -> None:
    assert str(DataError("a\nb\x1b")) == "a\\nb\\u001b"
    notice = Notice("runs.missing_classes", {"data": "a\nb", "unit": Notice("word.images"), "names": ["\x9b"]})
    assert notice.text() == "a\\nb has no images of \\u009b."


@pytest.mark.parametrize("name", ["SIGTERM", "SIGHUP", "SIGINT"])
def test_a_signal_ends_any_command(
    name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    number = getattr(signal, name)
    before = signal.getsignal(number)
    monkeypatch.setattr(discern, "doctor", lambda *given: os.kill(os.getpid(), number), raising=False)
    assert run_main(monkeypatch, "doctor") == 128 + number
    assert capsys.readouterr().err == "Stopped.\n"
    assert signal.getsignal(number) is before


def test_a_display_that_takes_nothing_ends_no_training(monkeypatch: pytest.MonkeyPatch) -> None:
    narrow = io.TextIOWrapper(io.BytesIO(), encoding="ascii", write_through=True)
    closed = io.StringIO()
    closed.close()
    for stream in (narrow, closed, None):
        monkeypatch.setattr(sys, "stderr", stream)
        PlainDisplay().notice(Notice("水果"))
        assert LenientStream(stream).write("水果\n") == 3
    assert narrow.buffer.getvalue().startswith(b"\\xb7 \\u6c34\\u679c")  # type: ignore[attr-defined]
