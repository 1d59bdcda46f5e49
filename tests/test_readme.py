"""Every command that the READMEs print is run as printed, one after the other, in one folder, as a newcomer would.

The data they name: built-in sets; `photos`, any folder of photos with a sub-folder per class, which the test makes; and
tables that it writes. A line `$ command` in a console block, or a line of a `sh` block, is a command.
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

ROOT = Path(__file__).resolve().parents[1]
SETUP = (
    "make",
    "git",
    "pip",
    "python -m pip",
    ".venv/bin/python -m pip",
    "cd",
    "export",
)  # read, not run
BLOCK = re.compile(r"^```(console|sh)\n(.*?)^```", re.DOTALL | re.MULTILINE)


def commands(readme: str) -> list[str]:
    """Return the commands of a README in their order, continued lines joined."""
    lines = []
    for kind, block in BLOCK.findall((ROOT / readme).read_text(encoding="utf-8")):
        for line in block.replace("\\\n", " ").splitlines():
            if kind == "console" and line.startswith("$ "):
                lines.append(line[2:])
            elif kind == "sh" and line.strip():
                lines.append(line)
    return [re.sub(r"\s+# .*", "", line).strip() for line in lines]


def python_blocks(readme: str) -> list[str]:
    """Return the Python examples of a README."""
    return re.findall(r"^```python\n(.*?)^```", (ROOT / readme).read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)


@pytest.fixture
def desk(tmp_path: Path) -> Path:
    """Return a folder with what a reader has: photos in a folder per class, one photo more, a table of prices."""
    desk = tmp_path
    rng = np.random.default_rng(0)
    for label, colour in (("ants", (150, 60, 40)), ("bees", (220, 180, 40))):
        (desk / "photos" / label).mkdir(parents=True)
        for i in range(24):
            noise = rng.integers(-40, 40, (96, 128, 3))
            pixels = np.clip(np.array(colour) + noise, 0, 255).astype(np.uint8)
            Image.fromarray(pixels).save(desk / "photos" / label / f"{i}.jpg")
    Image.open(desk / "photos" / "bees" / "3.jpg").save(desk / "photo.jpg")
    rooms = rng.integers(1, 6, 80)
    rows = [f"{r},{a},{r * 10 + a}" for r, a in zip(rooms, rng.integers(0, 40, 80), strict=True)]
    (desk / "prices.csv").write_text("rooms,age,price\n" + "\n".join(rows) + "\n", encoding="utf-8")
    digit = np.zeros((8, 8), dtype=np.uint8)
    digit[1, 2:6] = digit[2:7, 4] = 255
    Image.fromarray(digit).save(desk / "seven.png")
    return desk


def run(command: str, desk: Path) -> None:
    """Run ``command`` in ``desk`` with this environment's own discern and python first on the path."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = {**os.environ, "PATH": path, "DISCERN_OFFLINE": "1", "DISCERN_LANG": "en"}
    if (shared := ROOT.parent / "shared" / "data").is_dir():  # with weights beside them, photos take seconds
        environment.setdefault("DISCERN_DATA", str(shared))
    done = subprocess.run(
        ["bash", "-c", command], cwd=desk, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"


@pytest.mark.slow
def test_commands_run_as_printed(desk: Path) -> None:
    for command in commands("README.md"):
        if not command.startswith(SETUP):
            run(command, desk)
    for code in python_blocks("README.md"):
        run(f"python -c {shlex.quote(code)}", desk)


def test_both_readmes_print_the_same() -> None:
    assert commands("README.md") == commands("README.zh-TW.md")
    code, translated = (re.sub(r"#.*", "", "".join(python_blocks(name))) for name in ("README.md", "README.zh-TW.md"))
    assert code == translated


@pytest.mark.parametrize("readme", ["README.md", "README.zh-TW.md"])
def test_set_up_names_targets_of_the_makefile(readme: str) -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    text = (ROOT / readme).read_text(encoding="utf-8")
    assert set(re.findall(r"^make ([a-z-]+)", text, re.MULTILINE)) <= targets
