"""Damaged exports: whatever is changed in the files of an export, opening it is a data set or one sentence."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from discern.data.open import open_data
from discern.errors import ConfigError, DataError
from tests.exporters import SPLITS, WRITERS, Example, Writer

ODD: tuple[Any, ...] = (None, 7, -1, 1e300, "", "x", "\0", [], [None], {}, {"a": {}}, [[]], True, "../" * 9)
N_CHANGES = 40
_EXPORTS = [write for write in WRITERS if write.__name__ not in ("class_folders", "split_folders", "parquet")]


def change_json(value: Any, dice: random.Random) -> Any:
    """Return a JSON value with one part, at any depth, that is missing or of another kind."""
    if isinstance(value, dict | list) and value and dice.random() < 0.85:
        key = dice.choice(list(value)) if isinstance(value, dict) else dice.randrange(len(value))
        changed: Any = dict(value) if isinstance(value, dict) else list(value)
        if dice.random() < 0.2:
            del changed[key]
        else:
            changed[key] = change_json(changed[key], dice)
        return changed
    return dice.choice(ODD)


def change_text(text: str, dice: random.Random) -> str:
    start, end = sorted(dice.randrange(len(text) + 1) for _ in range(2))
    kinds: tuple[Callable[[], str], ...] = (
        lambda: text[:start],
        lambda: text[:start] + text[end:],
        lambda: text[:start] + dice.choice(',"\n[]{}0') + text[start:],
        lambda: text.replace(dice.choice(",\n01"), dice.choice(("", ",,", "-5", "99999999999999999999")), 3),
        lambda: "",
    )
    return dice.choice(kinds)()


@pytest.mark.parametrize("write", _EXPORTS, ids=lambda writer: writer.__name__)
def test_a_damaged_export_is_one_sentence(write: Writer, tmp_path: Path) -> None:
    known = [Example(f"{s} {i}.jpg", "cat" if i % 2 else "dog", s, f"{s}{i}") for s in SPLITS for i in range(3)]
    source = write(tmp_path, known)
    files = [
        path for path in tmp_path.rglob("*.*") if path.suffix in (".json", ".jsonl", ".csv", ".tsv", ".txt", ".xml")
    ]
    dice = random.Random(write.__name__)
    for _ in range(N_CHANGES if files else 0):
        path = dice.choice(files)
        before = path.read_text(encoding="utf-8")
        if path.suffix == ".json" and dice.random() < 0.7:
            after = json.dumps(change_json(json.loads(before), dice))
        elif path.suffix == ".jsonl" and dice.random() < 0.7:
            after = "".join(json.dumps(change_json(json.loads(line), dice)) + "\n" for line in before.splitlines())
        else:
            after = change_text(before, dice)
        path.write_text(after, encoding="utf-8")
        try:
            open_data(source)
        except (DataError, ConfigError) as error:
            assert "\n" not in str(error)
        path.write_text(before, encoding="utf-8")
