"""``discern`` in a shell; ``torchrun --nproc-per-node 2 -m discern train ...`` for several processes."""

import signal
import sys

_is_command = __name__ == "__main__" or sys.argv[0].endswith("discern")
if _is_command and signal.getsignal(signal.SIGINT) is signal.default_int_handler:
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # until `main` takes over, Ctrl-C ends the process without a traceback

from discern.cli import main  # noqa: E402
from discern.runtime import collect_garbage_rarely, exit_at_once  # noqa: E402


def command() -> None:
    """Run ``discern`` in a shell: `main`, with a quick start and a quick end."""
    collect_garbage_rarely()
    code: object = 0
    try:
        main()
    except SystemExit as end:
        code = end.code or 0
    exit_at_once(code)


if __name__ == "__main__":
    main()
