"""Write the reference pages of the documentation from the code: `python tools/reference.py` (`--check` only compares).

docs/reference/commands.md is what `--help` prints of each command, docs/reference/settings.md the table of settings.
"""

from __future__ import annotations

import contextlib
import io
import os
import sys
from pathlib import Path
from unittest.mock import patch

os.environ["DISCERN_LANG"] = "en"
os.environ["COLUMNS"] = "100"

import discern
from discern.cli import main
from discern.cli.app import app
from discern.result import Table

PAGES = Path(__file__).resolve().parents[1] / "docs" / "reference"


def read_help(*command: str) -> str:
    """Return what ``discern COMMAND --help`` prints."""
    stdout = io.StringIO()
    arguments = patch.object(sys, "argv", ["discern", *command, "--help"])
    with arguments, contextlib.redirect_stdout(stdout), contextlib.suppress(SystemExit):
        main()
    return "\n".join(line.rstrip() for line in stdout.getvalue().strip().splitlines())


def command_page() -> str:
    """Return the page of all commands."""
    names = [info.name or info.callback.__name__ for info in app.registered_commands if info.callback]
    sections = [f"## discern {name}\n\n```text\n{read_help(name)}\n```" for name in names if name != "lab"]
    top = f"```text\n{read_help()}\n```"
    labs = "Each lab has its own options: `discern lab` lists the labs, `discern lab NAME --help` its options."
    return "\n\n".join(["# Commands", top, *sections, f"## discern lab\n\n{labs}"]) + "\n"


def table_text(table: Table) -> str:
    """Return a table in Markdown."""
    rows = [table.columns, ["---"] * len(table.columns), *table.texts()]
    lines = ["| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in rows]
    return (f"## {table.title}\n\n" if table.title else "") + "\n".join(lines)


def settings_page() -> str:
    """Return the page of all settings."""
    result = discern.list_settings()
    opening = "`--set NAME=VALUE` and the keywords of `discern.train` take each of these.\n\n"
    sentences = "".join(f"{sentence}\n\n" for sentence in result.sentences())
    return "# Settings\n\n" + opening + sentences + "\n\n".join(map(table_text, result.tables())) + "\n"


def run(check: bool) -> int:
    """Write the pages, or return 1 where they differ from the code."""
    stale = []
    for name, text in (("commands", command_page()), ("settings", settings_page())):
        path = PAGES / f"{name}.md"
        if check and (not path.exists() or path.read_text(encoding="utf-8") != text):
            stale.append(path.name)
        elif not check:
            path.write_text(text, encoding="utf-8")
    if stale:
        print(f"stale: {', '.join(stale)}; run .venv/bin/python tools/reference.py", file=sys.stderr)
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(run("--check" in sys.argv))
