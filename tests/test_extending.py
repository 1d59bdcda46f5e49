"""The diffs of docs/extending.md apply to the package as it is, and what they add works."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PAGE = (ROOT / "docs" / "extending.md").read_text(encoding="utf-8")
SECTION = re.compile(r"^## (.*?)\n.*?^```diff\n(.*?)^```.*?^```sh\n(.*?)^```", re.DOTALL | re.MULTILINE)
SECTIONS = SECTION.findall(PAGE)


def test_every_kind_of_extension_is_shown() -> None:
    titles = [title for title, _diff, _line in SECTIONS]
    assert titles == ["A network", "A data source", "An augmentation", "An explanation", "A command", "A lab"]


@pytest.mark.parametrize(("title", "diff", "line"), SECTIONS, ids=[title for title, _diff, _line in SECTIONS])
def test_diff_applies_and_works(title: str, diff: str, line: str, tmp_path: Path) -> None:
    shutil.copytree(ROOT / "src", tmp_path / "src", ignore=shutil.ignore_patterns("__pycache__"))
    apply = ["git", "apply", "--unidiff-zero", "-"]
    applied = subprocess.run(apply, cwd=tmp_path, input=diff, capture_output=True, text=True, check=False)
    assert applied.returncode == 0, applied.stderr
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = {**os.environ, "PATH": path, "PYTHONPATH": str(tmp_path / "src")}
    ran = subprocess.run(
        ["bash", "-c", line], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.strip(), f"{title}: nothing was printed"
