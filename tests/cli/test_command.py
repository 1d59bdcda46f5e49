"""`discern` in a shell ends at once, and loses nothing by it."""

from __future__ import annotations

import subprocess
import sys


def command(*arguments: str, first: str = "") -> subprocess.CompletedProcess[str]:
    """What the installed script does with ``arguments``, after the statement ``first``."""
    code = (
        f"import sys; from discern.__main__ import command; sys.argv = {['discern', *arguments]!r}; {first}\ncommand()"
    )
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)


def test_all_that_was_printed_is_out() -> None:
    done = command("--help")
    assert done.returncode == 0 and done.stdout.rstrip().endswith("where data and weights are.") and not done.stderr


def test_the_exit_code_of_an_error_stays() -> None:
    done = command("data", "minst")
    assert done.returncode == 2 and "mnist" in done.stderr


def test_what_is_registered_for_the_end_runs() -> None:
    done = command("--version", first="import atexit; atexit.register(print, 'swept')")
    assert done.returncode == 0 and done.stdout.split()[-1] == "swept"
