"""Faults at every operation on files, commands and damaged files of runs: one sentence each, and nothing wrong left.

The whole is slow; a sample of each runs always. The counts are printed (``pytest -s``).
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]


def run_module(name: str, *arguments: object, seconds: int) -> dict[str, Any]:
    """Run a module of this folder and return what it found."""
    command = [sys.executable, "-m", f"tests.faults.{name}", *map(str, arguments)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=seconds, check=False)
    assert done.returncode in (0, 1) and done.stdout, done.stderr[-2000:]
    found: dict[str, Any] = json.loads(done.stdout)
    print("\n", json.dumps(found["counts"], indent=1))
    return found


def test_a_sample(tmp_path: Path) -> None:
    found = run_module("fuzz", tmp_path, 6, 6, 97, seconds=200)
    assert found["wrong"] == [] and sum(found["counts"].values()) >= 16


@pytest.mark.slow
@pytest.mark.parametrize("name", ["network", "head", "classical", "report", "read"])
def test_every_fault(name: str, tmp_path: Path) -> None:
    found = run_module("walk", tmp_path, 1, name, seconds=3600)
    assert found["wrong"] == []


@pytest.mark.slow
def test_many_odd_commands_and_damaged_files(tmp_path: Path) -> None:
    found = run_module("fuzz", tmp_path, 300, 300, seconds=3600)
    assert found["wrong"] == [] and sum(found["counts"].values()) == 600
