"""Every lab has its page in both languages; what the pages show is run when they are made (`make docs`)."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

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
