"""How every result looks in a terminal: its sentences, then its tables; or a line of JSON."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from discern.i18n import _

if TYPE_CHECKING:  # rich and numpy take time, and `discern --help` needs neither
    from rich.console import Console

    from discern.result import Result, Table

FILE_WIDTH = 200  # columns where stdout is no terminal, which folds nothing


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
    """Refuse a place for a result before any work is done.

    Raises
    ------
    ConfigError
        When ``out`` has an ending that no result is saved with.
    """
    from discern.result import ENDINGS, check_suffix

    if out is not None:
        check_suffix(out, ENDINGS)


def print_json(value: dict[str, Any]) -> None:
    """Print one line of JSON on stdout."""
    print(json.dumps(value, ensure_ascii=False), flush=True)


def print_line(text: str) -> None:
    """Print one line of text as it is: no markup, not cut."""
    _console().print(text, markup=False, soft_wrap=True)


def print_table(table: Table) -> None:
    """Print a table without frames, under its title."""
    from rich.table import Table as Grid

    console = _console()
    console.print()
    if table.title:
        console.print(table.title, style="bold", markup=False)
    grid = Grid(box=None, pad_edge=False, show_header=any(table.columns))
    for i, column in enumerate(table.columns):
        grid.add_column(column, justify="left" if i < table.text_columns else "right", overflow="fold")
    for row in table.folded():
        grid.add_row(*row)
    console.print(grid, markup=False)


def _console() -> Console:
    from rich.console import Console

    console = Console(highlight=False)
    return console if console.is_terminal else Console(highlight=False, width=FILE_WIDTH)
