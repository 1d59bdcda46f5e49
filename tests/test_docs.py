"""Every lab has its page in both languages; what the pages show is run when they are made (`make docs`)."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest
import typer

from discern.cli.app import app
from discern.labs.catalog import LABS, describe_lab

DOCS = Path(__file__).resolve().parents[1] / "docs"
PAGES = sorted(path for path in DOCS.rglob("*.md") if "_build" not in path.parts)


@pytest.mark.parametrize("folder", ["labs", "zh-TW/labs"])
def test_every_lab_has_its_page(folder: str) -> None:
    assert {path.stem for path in (DOCS / folder).glob("*.md")} == set(LABS)


def test_every_lecture_has_its_notebook() -> None:
    assert len(list((DOCS / "lectures").glob("*.md"))) == 5


@pytest.mark.parametrize("path", PAGES, ids=lambda path: str(path.relative_to(DOCS)))
def test_page_is_sound(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    cells = re.findall(r"^```\{code-cell\}[^\n]*\n(?::[^\n]*\n)*(.*?)^```", text, re.DOTALL | re.MULTILINE)
    for cell in cells:
        ast.parse(cell)
    if path.parent.name == "labs":
        assert f'discern.lab("{path.stem}"' in "".join(cells)
        assert f"discern lab {path.stem}" in text  # the command line, too
        known = {"--" + option.name.replace("_", "-") for option in describe_lab(path.stem).options} | {
            "--out",
            "--json",
            "--help",
        }
        for command in re.findall(rf"discern lab {path.stem}( [^`\n]*)", text):
            assert set(re.findall(r"(?<= )--[a-z-]+", command)) <= known
    if "zh-TW" in path.parts and cells:
        assert "zh_TW" in cells[0]


def test_reference_pages_are_those_of_the_code() -> None:
    root = DOCS.parent
    done = subprocess.run(
        [sys.executable, root / "tools" / "reference.py", "--check"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("path", PAGES, ids=lambda path: str(path.relative_to(DOCS)))
def test_commands_have_the_options_that_are_printed(path: Path) -> None:
    commands = typer.main.get_command(app).commands  # type: ignore[attr-defined]
    for name, arguments in re.findall(r"^(?:\$ )?discern ([a-z]+)([^\n#|`]*)", path.read_text(encoding="utf-8"), re.M):
        assert name in commands, f"discern {name}"
        if name != "lab":  # whose options are a lab's own
            known = {option for parameter in commands[name].params for option in parameter.opts} | {"--help"}
            assert set(re.findall(r"(?<= )--[a-z-]+", arguments)) <= known, f"discern {name}{arguments}"
