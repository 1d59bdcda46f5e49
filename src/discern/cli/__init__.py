"""The command line: a thin face over ``discern.api``."""

from __future__ import annotations

import sys

from discern.errors import DiscernError, Interrupted
from discern.i18n import _


def main() -> None:
    """Run the command line; errors for people end in one sentence on stderr and exit code 2."""
    from discern.cli.words import UsageError, describe_misuse, speak_language

    speak_language()
    from discern.cli.app import app

    debug = "--debug" in sys.argv
    arguments = [argument for argument in sys.argv[1:] if argument != "--debug"]
    try:
        sys.exit(app(args=arguments or ["--help"], prog_name="discern", standalone_mode=False))
    except UsageError as error:
        print(describe_misuse(error), file=sys.stderr)
        sys.exit(error.exit_code)
    except Interrupted as stopped:
        print(stopped, file=sys.stderr)
        sys.exit(stopped.exit_code)
    except DiscernError as error:
        if debug:
            raise
        print(_("Error: {message}").format(message=error), file=sys.stderr)
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        if debug:
            raise
        print(_("Stopped."), file=sys.stderr)
        sys.exit(130)
    except BrokenPipeError:
        sys.exit(141)
