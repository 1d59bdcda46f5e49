"""Every sentence a person reads is in the zh-TW catalogue, with the same {fields}, and the catalogue is compiled."""

from __future__ import annotations

import ast
import io
from collections.abc import Iterator
from pathlib import Path
from string import Formatter

import pytest
from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.mofile import read_mo
from babel.messages.pofile import read_po

PACKAGE = Path(__file__).resolve().parents[1] / "src" / "discern"
CATALOGUE = PACKAGE / "locale" / "zh_TW" / "LC_MESSAGES" / "discern.po"
KEYWORDS = {"_": None, "N_": None, "ngettext": (1, 2)}
MAKE = "run `make messages`, then translate what is empty in " + str(CATALOGUE.relative_to(PACKAGE.parents[1]))
Identity = str | tuple[str, ...]


def parts(message: str | tuple[str, ...] | list[str]) -> tuple[str, ...]:
    return (message,) if isinstance(message, str) else tuple(message)


def fields(sentence: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(sentence) if name is not None}


@pytest.fixture(scope="module")
def catalogue() -> Catalog:
    with CATALOGUE.open("rb") as stream:
        return read_po(stream, locale="zh_TW")


@pytest.fixture(scope="module")
def in_code() -> set[Identity]:
    return {message for _, _, message, _, _ in extract_from_dir(PACKAGE, keywords=KEYWORDS) if message}


def translations(catalogue: Catalog) -> Iterator[tuple[tuple[str, ...], tuple[str, ...]]]:
    for message in catalogue:
        if message.id:
            yield parts(message.id), parts(message.string)


def test_catalogue_holds_the_sentences_of_the_code_and_no_others(catalogue: Catalog, in_code: set[Identity]) -> None:
    held = {parts(message.id) for message in catalogue if message.id}
    wanted = {parts(message) for message in in_code}
    assert wanted - held == set(), MAKE
    assert held - wanted == set(), MAKE
    assert not catalogue.obsolete, MAKE


def test_every_sentence_is_translated(catalogue: Catalog) -> None:
    empty = [source[0] for source, target in translations(catalogue) if not all(target)]
    assert not empty, MAKE
    assert not [message.id for message in catalogue if message.id and message.fuzzy]


def test_translations_keep_the_fields(catalogue: Catalog) -> None:
    for source, target in translations(catalogue):
        allowed = set().union(*map(fields, source))
        for sentence in filter(None, target):
            assert fields(sentence) == allowed, f"{source[0]!r} and {sentence!r} have different fields"


def test_compiled_catalogue_is_the_newest(catalogue: Catalog) -> None:
    compiled = read_mo(io.BytesIO(CATALOGUE.with_suffix(".mo").read_bytes()))
    assert dict(translations(compiled)) == dict(translations(catalogue)), MAKE


@pytest.mark.parametrize("path", sorted(PACKAGE.rglob("*.py")), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_sentences_are_whole_literals(path: Path) -> None:
    """An f-string, a call or a sum inside ``_()`` is never found by the extraction; names hold what ``N_()`` marked."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in KEYWORDS:
            sentences = node.args[: 2 if node.func.id == "ngettext" else 1]
            for sentence in sentences:
                literal = isinstance(sentence, ast.Constant) and isinstance(sentence.value, str)
                marked = node.func.id == "_" and isinstance(sentence, ast.Name | ast.Attribute | ast.Subscript)
                assert literal or marked, f"{path.name}:{node.lineno}: {ast.unparse(node)}"


@pytest.mark.parametrize("path", sorted(PACKAGE.rglob("*.py")), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_no_sentence_inside_an_f_string(path: Path) -> None:
    """Before Python 3.12 the extraction does not look into f-strings."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.JoinedStr):
            called = [c.func.id for c in ast.walk(node) if isinstance(c, ast.Call) and isinstance(c.func, ast.Name)]
            assert not KEYWORDS.keys() & set(called), f"{path}:{node.lineno}"
