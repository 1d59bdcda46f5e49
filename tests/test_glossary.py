"""The field's words: src speaks as PyTorch, timm and scikit-learn do; docs/glossary.md is the page for readers.

Refused are names and sentences of a dialect that discern once had, and docstrings of functions that open with no verb.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
FILES = sorted((ROOT / "src" / "discern").rglob("*.py"))

# Words that no name of a variable, parameter, attribute, function or class holds.
WORDS = """
picture pictures told tell asked held kept seen watch watcher silent share looks whole lesson sentence because
"""
# Names that are refused as they stand.
NAMES = """
where why least most made some at_hand at_once offer forgotten placed sent factor follow apart mass tally answering
settle diet fed undrawn nothing aside stamp vivid bomb crew tempered nearer misses hits
"""
# The docstring of a function or method (a property is a noun) opens with a verb, so never with one of these.
NO_VERBS = """
What Of As How Whether Where Which Why When The A An Each Every One Two Those These This That It Its In On At By For
From With Without To All Some Both No Not Nothing So If Either Translated True False
"""
# In sentences that a person reads.
REFUSED_PHRASES = re.compile(
    r"\b(pictures?|is told|are told|named right|the surest|at hand|no whole|is not a whole|reckons?|goes on|go on with|"
    r"looks? at an image|what in an image|at 95 %)\b",
    re.IGNORECASE,
)
TRANSLATED = {"_", "N_", "ngettext"}
REFUSED_WORDS, OPENINGS = frozenset(WORDS.split()), frozenset(NO_VERBS.split())
REFUSED_NAMES = REFUSED_WORDS | frozenset(NAMES.split())


def defined_names(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Return line and name of whatever a module gives a name to."""
    for node in ast.walk(tree):
        match node:
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                yield node.lineno, name
            case ast.arg(arg=name):
                yield node.lineno, name
            case ast.Name(id=name, ctx=ast.Store()):
                yield node.lineno, name
            case ast.Attribute(attr=name, ctx=ast.Store()):
                yield node.lineno, name


def words(name: str) -> list[str]:
    """Split ``_old_pictures`` and ``OldPictures`` into lower-case words."""
    return [word.lower() for word in re.findall(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])", name)]


def sentences(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Return line and text of every string that is translated."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in TRANSLATED:
            for argument in node.args:
                if isinstance(argument, ast.Constant) and isinstance(argument.value, str):
                    yield argument.lineno, argument.value


def is_property(node: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    """Return whether ``node`` is read like an attribute, whose docstring is a noun."""
    names = [ast.unparse(decorator) for decorator in node.decorator_list]
    return any(name.endswith(("property", ".setter")) for name in names)


def openings(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Return line and first word of the docstring of every function that is no property."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and not is_property(node):
            text = ast.get_docstring(node)
            if text:
                yield node.lineno, re.split(r"[\s,:;.(]", text.strip(), maxsplit=1)[0]


def violations(path: Path) -> list[str]:
    """Return what ``path`` says in the dialect, a line each."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    lines = [
        f"{line}: the name {name}"
        for line, name in defined_names(tree)
        if name.strip("_") in REFUSED_NAMES
        or REFUSED_WORDS & set(words(re.sub("held_?out", "", name, flags=re.IGNORECASE)))
        if (path.name, name) != ("ask_tell.py", "tell")  # Optuna, nevergrad and cma call it so
    ]
    lines += [f"{line}: a docstring that opens with {word!r}" for line, word in openings(tree) if is_no_verb(word)]
    lines += [f"{line}: the sentence {text!r}" for line, text in sentences(tree) if REFUSED_PHRASES.search(text)]
    return lines


def is_no_verb(word: str) -> bool:
    """Return whether a docstring that opens with ``word`` surely opens without a verb."""
    return word in OPENINGS or not word[:1].isalpha() or not word[0].isupper()


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_speaks_the_words_of_the_field(path: Path) -> None:
    assert violations(path) == []


def test_the_dialect_would_be_noticed(tmp_path: Path) -> None:
    path = tmp_path / "dialect.py"
    path.write_text('def kept(told):\n    """What was told."""\n    return _("Two pictures.")\n', encoding="utf-8")
    assert len(violations(path)) == 4
