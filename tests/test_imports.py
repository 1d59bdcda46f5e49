"""The house's manners that a program can check: floors, light imports, small files, names that say something."""

from __future__ import annotations

import ast
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

from discern.classifier.bundle import ModelCard, write_bundle
from discern.models.registry import build_model
from discern.preprocess.spec import Preprocess

ROOT = Path(__file__).resolve().parents[1]
FILES = sorted(path for room in ("src", "tests", "benchmarks", "tools") for path in (ROOT / room).rglob("*.py"))
HEAVY = ("torch", "torchvision", "timm", "sklearn", "matplotlib", "pyarrow")
LINES_OF_A_FILE = 400
LINES_OF_A_FUNCTION = 60


def python(code: str) -> str:
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT).stdout


def test_floors_hold() -> None:
    linter = Path(sys.executable).with_name("lint-imports")
    answer = subprocess.run([linter, "--no-cache"], capture_output=True, text=True, check=False, cwd=ROOT)
    assert answer.returncode == 0, answer.stdout


@pytest.mark.parametrize("module", ["discern", "discern.api", "discern.cli", "discern.data.open", "discern.data.scan"])
def test_import_is_light(module: str) -> None:
    loaded = python(f"import {module}, sys; print(*sys.modules)").split()
    assert not set(HEAVY[:3]) & set(loaded)


def test_help_loads_nothing_heavy() -> None:
    loaded = python(
        "import sys\n"
        "from discern.cli import main\n"
        "sys.argv = ['discern', '--help']\n"
        "try:\n    main()\n"
        "except SystemExit as done:\n    assert not done.code, done.code\n"
        "print('MODULES', *sys.modules)"
    ).split("MODULES")[1]
    assert not set(HEAVY) & set(loaded.split())


def test_a_prediction_loads_torch_and_nothing_else_that_is_heavy(tmp_path: Path) -> None:
    card = ModelCard(model="lenet", classes=("a", "b"), preprocess=Preprocess(size=28))
    write_bundle(tmp_path, card, build_model("lenet", 2, 3, 28).state_dict())
    Image.new("RGB", (40, 30)).save(tmp_path / "image.jpg")
    loaded = python(
        "import sys\n"
        "from discern.cli import main\n"
        f"sys.argv = ['discern', 'predict', {str(tmp_path)!r}, {str(tmp_path / 'image.jpg')!r}]\n"
        "try:\n    main()\n"
        "except SystemExit as done:\n    assert not done.code, done.code\n"
        "print('MODULES', *sys.modules)"
    ).split("MODULES")[1]
    slow = {"scipy", "pandas", "skops", "keras", "torch._dynamo", "torch._inductor", "sympy"}
    assert not ({*HEAVY, *slow} - {"torch"}) & set(loaded.split())
    assert "torch" in loaded.split()


def test_help_takes_at_most_twice_the_time_of_typer() -> None:
    def seconds(*arguments: str) -> float:
        start = time.perf_counter()
        subprocess.run([sys.executable, *arguments], stdout=subprocess.DEVNULL, check=True, cwd=ROOT)
        return time.perf_counter() - start

    # The quickest of some turns, taken in alternation: what else the machine does must not decide.
    turns = [(seconds("-m", "discern", "--help"), seconds("-c", "import typer")) for _ in range(7)]
    ours, typer = (min(times) for times in zip(*turns, strict=True))
    assert ours <= 2 * typer, f"discern --help {ours:.2f} s, import typer {typer:.2f} s"


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_file_is_small_and_well_named(path: Path) -> None:
    assert path.stem not in {"utils", "util", "common", "helpers", "misc"}
    source = path.read_text(encoding="utf-8")
    assert source.count("\n") <= LINES_OF_A_FILE
    long = [f"{node.name}: {lines} lines" for node, lines in functions(source) if lines > LINES_OF_A_FUNCTION]
    assert not long


def functions(source: str) -> Iterator[tuple[ast.FunctionDef | ast.AsyncFunctionDef, int]]:
    """Every function and how many lines it has, its docstring not counted."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            first = node.body[0]
            documented = isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant)
            docstring = (first.end_lineno or 0) - first.lineno + 1 if documented else 0
            yield node, (node.end_lineno or 0) - node.lineno + 1 - docstring
