"""benchmarks/RESULTS.md, read back and written: a run of some benchmarks leaves the rows of the others."""

from __future__ import annotations

import re
from pathlib import Path

from discern.files import write_text

ArrayLike = dict[str, list[list[str]]]  # benchmark -> its lines -> cells, without the benchmark's name
FORMS = {"full": "The whole", "quick": "In short (`make bench`)"}
HEADER = ("Benchmark", "Case", "Ratio", "Goal", "Met", "Note", "Measured", "Commit")
OPENING = """# What the benchmarks measured

Written by `make bench` and `make bench-full`. Every ratio is to a peer that was measured in the same run, in turns:
the script `benchmarks/<benchmark>.py` says which. More is better where the goal is `>=`, less where it is `<=`. A `+`
behind a commit: the code measured differed from it.
"""


def parse(file: Path, machine: dict[str, str]) -> dict[str, ArrayLike]:
    """The rows of each form that ``file`` holds for this ``machine``; nothing where it is another one's."""
    if not file.exists():
        return {}
    lines = file.read_text(encoding="utf-8").splitlines()
    if dict(found.groups() for line in lines if (found := re.match(r"- (.+?): (.*)", line))) != machine:
        return {}
    kept: dict[str, ArrayLike] = {}
    for line in lines:
        if line.startswith("## "):
            form = next((name for name, title in FORMS.items() if line == f"## {title}"), "")
        elif line.startswith("| ") and form and not line.startswith(f"| {HEADER[0]} "):
            name, *cells = (cell.strip().replace(r"\|", "|") for cell in re.split(r"(?<!\\)\|", line)[1:-1])
            kept.setdefault(form, {}).setdefault(name, []).append(cells)
    return kept


def write(file: Path, machine: dict[str, str], kept: dict[str, ArrayLike]) -> None:
    """Write ``file``, whole or not at all."""
    parts = [OPENING, "\n".join(f"- {name}: {value}" for name, value in machine.items()) + "\n"]
    for form, title in FORMS.items():
        if kept.get(form):
            lines = [_line(HEADER), "|" + "---|" * len(HEADER)]
            lines += [_line((name, *cells)) for name, several in kept[form].items() for cells in several]
            parts.append(f"## {title}\n\n" + "\n".join(lines) + "\n")
    write_text(file, "\n".join(parts))


def _line(cells: tuple[str, ...] | list[str]) -> str:
    return "| " + " | ".join(" ".join(cell.replace("|", r"\|").split()) for cell in cells) + " |"
