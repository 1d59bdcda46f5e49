"""The command line: a thin face over ``discern.api``."""

from __future__ import annotations

import contextlib
import io
import signal
import sys
import threading
from collections.abc import Iterator
from types import FrameType

from discern.errors import DiscernError, Interrupted
from discern.i18n import _
from discern.printable import escape_controls


class Terminated(BaseException):
    """A person or the system asked the process to end, with the signal ``number``."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


def main() -> None:
    """Run the command line; errors for people end in one sentence on stderr and exit code 2, of the system in 1."""
    with _end_on_signals():
        _accept_every_character()
        _run()


def _run() -> None:
    debug = "--debug" in sys.argv
    try:
        from discern.cli.words import UsageError, describe_misuse, speak_language

        speak_language()
        from discern.cli.app import app

        arguments = [argument for argument in sys.argv[1:] if argument != "--debug"]
        try:
            code = app(args=arguments or ["--help"], prog_name="discern", standalone_mode=False)
        except UsageError as error:
            _say(describe_misuse(error))
            code = error.exit_code
        sys.exit(code)
    except Interrupted as stopped:
        _say(escape_controls(str(stopped)))
        sys.exit(stopped.exit_code)
    except DiscernError as error:
        if debug:
            raise
        _say(_("Error: {message}").format(message=error))
        sys.exit(error.exit_code)
    except (Terminated, KeyboardInterrupt) as stopped:
        if debug:
            raise
        _say(_("Stopped."))
        sys.exit(128 + (stopped.number if isinstance(stopped, Terminated) else signal.SIGINT))
    except BrokenPipeError:
        sys.exit(141)
    except OSError as error:  # of a terminal, a disk, the network: nothing that discern can mend
        if debug:
            raise
        _say(_("Error: {message}").format(message=_describe_refusal(error)))
        sys.exit(1)


def _describe_refusal(error: OSError) -> str:
    reason = error.strerror or str(error)
    if error.filename is None:
        return escape_controls(_("The system refused to write or read ({reason}).").format(reason=reason))
    message = _("The system refused {path} ({reason}): check its permissions and the disk.")
    return escape_controls(message.format(path=error.filename, reason=reason))


def _say(text: str) -> None:
    """Print ``text`` on stderr, if it is there: an exit code is due in any case."""
    with contextlib.suppress(OSError, ValueError):
        print(text, file=sys.stderr, flush=True)


def _accept_every_character() -> None:
    """Have stdout and stderr show escapes for what their encoding lacks, instead of failing."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


@contextlib.contextmanager
def _end_on_signals() -> Iterator[None]:
    """Let Ctrl-C, SIGTERM and SIGHUP end the work in good order: no half files, no workers left; ignored ones stay."""
    before = {}
    if threading.current_thread() is threading.main_thread():
        for name in ("SIGINT", "SIGTERM", "SIGHUP"):  # Windows has no SIGHUP
            number = getattr(signal, name, None)
            if number is not None and signal.getsignal(number) in (signal.SIG_DFL, signal.default_int_handler):
                before[number] = signal.signal(number, _end)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _end(number: int, frame: FrameType | None) -> None:
    raise Terminated(number)
