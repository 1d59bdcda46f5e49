"""How every result looks in a terminal: its sentences, then its tables; or a line of JSON."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from discern.errors import OutputError
from discern.i18n import _
from discern.printable import escape_controls, is_unicode, to_json_line

if TYPE_CHECKING:  # rich and numpy take time, and `discern --help` needs neither
    from rich.console import Console

    from discern.result import Result, Table

FILE_WIDTH = 200  # columns where stdout is no terminal, which folds nothing
MIN_WIDTH = 20  # columns of a terminal; of one that states fewer, as COLUMNS=0 does, 80 are assumed


def present(result: Result, as_json: bool = False, out: Path | None = None) -> None:
    """Save ``result`` where ``out`` says, and print it."""
    if out is not None:
        result.save(out)
    if as_json:
        print_json(result.to_json())
        return
    for text in result.sentences():
        print_line(text)
    for table in result.tables():
        print_table(table)
    if out is not None:
        print_line(_("Saved:  {path}").format(path=out))


def check_out(out: Path | None) -> None:
    """Refuse an ending that no result is saved with before any work is done."""
    from discern.result import ENDINGS, check_suffix

    if out is not None:
        check_suffix(out, ENDINGS)


def print_json(value: dict[str, Any]) -> None:
    """Print one line of JSON on stdout, in ASCII where that is all that stdout takes."""
    with output_errors():
        print(to_json_line(value, ascii_only=not is_unicode(sys.stdout)), flush=True)


def print_line(text: str) -> None:
    """Print one line of text: no markup, not cut, control characters escaped."""
    with output_errors():
        _console().print(escape_controls(text), markup=False, soft_wrap=True)


def print_table(table: Table) -> None:
    """Print a table without frames, under its title."""
    from rich.table import Table as Grid

    grid = Grid(box=None, pad_edge=False, show_header=any(table.columns))
    for i, column in enumerate(table.columns):
        grid.add_column(escape_controls(column), justify="left" if i < table.text_columns else "right", overflow="fold")
    for row in table.folded():
        grid.add_row(*map(escape_controls, row))
    console = _console()
    with output_errors():
        console.print()
        if table.title:
            console.print(escape_controls(table.title), style="bold", markup=False)
        console.print(grid, markup=False)


@contextmanager
def output_errors() -> Iterator[None]:
    """Turn a failed write to stdout into an `OutputError`; a closed pipe stays what it is."""
    message = _("The output was not written ({reason}): choose another place for it.")
    if sys.stdout is None:  # print would say nothing of it
        raise OutputError(message.format(reason=os.strerror(errno.EBADF)))
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as error:
        raise OutputError(message.format(reason=error.strerror or error)) from error


def _console() -> Console:
    from rich.console import Console

    console = Console(highlight=False)
    if not console.is_terminal:
        return Console(highlight=False, width=FILE_WIDTH)
    return console if console.width >= MIN_WIDTH else Console(highlight=False, width=80)
