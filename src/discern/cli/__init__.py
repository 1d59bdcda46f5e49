"""The command line: a thin face over ``discern.api``."""

from __future__ import annotations

import sys

from discern.errors import DiscernError
from discern.i18n import _


def main() -> None:
    """Run the command line; errors for people end in one sentence on stderr and exit code 2."""
    from discern.cli.app import app

    debug = "--debug" in sys.argv
    arguments = [argument for argument in sys.argv[1:] if argument != "--debug"]
    try:
        app(args=arguments, prog_name="discern")
    except DiscernError as error:
        if debug:
            raise
        print(_("Error: {sentence}").format(sentence=error), file=sys.stderr)
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        if debug:
            raise
        print(_("Stopped."), file=sys.stderr)
        sys.exit(130)
    except BrokenPipeError:
        sys.exit(141)
