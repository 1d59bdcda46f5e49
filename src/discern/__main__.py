"""``discern`` in a shell; ``torchrun --nproc-per-node 2 -m discern train ...`` for several processes."""

from discern.cli import main
from discern.runtime import collect_garbage_rarely, exit_at_once


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
