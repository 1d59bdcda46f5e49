"""The tree that both READMEs draw is the tree of the checkout: every room, one line each, and nothing that is not."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "src" / "discern"
FOLDERS = {"src/discern/", "docs/", "tests/", "benchmarks/", "tools/"}
BESIDE = FOLDERS | {"Makefile", ".ci/run", "requirements.lock", "CHANGELOG.md"}


def drawn(readme: str) -> dict[str, str]:
    """Path -> description, from the block between the two marks."""
    text = (ROOT / readme).read_text(encoding="utf-8")
    block = re.search(r"<!-- tree -->\n+```text\n(.*?)```", text, re.DOTALL)
    assert block is not None, f"{readme} has no tree"
    tree = {}
    for line in block[1].splitlines():
        place, description = re.split(r"\s{2,}", line.strip(), maxsplit=1)
        inside = line.startswith("  ")
        tree[("src/discern/" if inside else "") + place] = description
    return tree


def there() -> set[str]:
    rooms = {f"src/discern/{path.name}/" for path in PACKAGE.iterdir() if path.is_dir() and path.name[0] not in "._"}
    files = {f"src/discern/{path.name}" for path in PACKAGE.glob("*.py") if not path.name.startswith("__")}
    return rooms | files | {place for place in BESIDE if (ROOT / place).exists()}


@pytest.mark.parametrize("readme", ["README.md", "README.zh-TW.md"])
def test_tree_is_the_checkout(readme: str) -> None:
    tree = drawn(readme)
    assert set(tree) == there()
    assert all(len(description) > 3 for description in tree.values())
