"""The public face: a verb a file, listed once for type checkers, thin, and loaded when it is first used."""

from __future__ import annotations

import ast
import inspect
from pathlib import Path

import pytest

import discern

FOLDER = Path(discern.__file__).parent / "api"
FILES = sorted(FOLDER.glob("[a-z]*.py"))
MAX_LINES = 80  # of a file, apart from docstrings


def lines_of_code(path: Path) -> int:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    documented = [node for node in ast.walk(tree) if isinstance(node, ast.Module | ast.FunctionDef | ast.ClassDef)]
    docstrings = [node.body[0] for node in documented if ast.get_docstring(node) is not None]
    return path.read_text(encoding="utf-8").count("\n") - sum(
        (node.end_lineno or 0) - node.lineno + 1 for node in docstrings
    )


def test_every_verb_is_listed_for_type_checkers() -> None:
    tree = ast.parse(Path(discern.__file__).read_text(encoding="utf-8"))
    (block,) = [node for node in tree.body if isinstance(node, ast.If)]
    listed = [(node.module, alias.name, alias.asname) for node in block.body for alias in node.names]  # type: ignore[attr-defined]
    assert listed == [(f"discern.api.{path.stem}", path.stem, path.stem) for path in FILES]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_verb_is_a_function_of_its_file(path: Path) -> None:
    verb = getattr(discern, path.stem)
    assert inspect.isfunction(verb) and verb.__doc__
    assert path.stem in dir(discern) and path.stem in discern.__all__
    assert lines_of_code(path) <= MAX_LINES


def test_what_is_no_verb_is_no_attribute() -> None:
    with pytest.raises(AttributeError, match="no attribute 'tarin'"):
        _ = discern.tarin
