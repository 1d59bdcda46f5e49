"""Small generated tables for tests."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np


def write_table(path: Path, header: Sequence[str], rows: Iterable[Sequence[object]]) -> Path:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(header)
        writer.writerows(rows)
    return path


def flowers(path: Path, n: int = 20) -> Path:
    """Two measures and three classes far apart, ``n`` rows each."""
    random = np.random.default_rng(0)
    rows = [
        (*np.round(random.normal(4 * place, 1, 2), 3).tolist(), name)
        for place, name in enumerate(("a", "b", "c"))
        for _ in range(n)
    ]
    return write_table(path, ("width", "height", "class"), rows)


def line(path: Path, n: int = 80) -> Path:
    """A number that two columns decide."""
    random = np.random.default_rng(0)
    x = random.uniform(0, 10, (n, 2))
    rows = np.column_stack([x, 3 * x[:, 0] - x[:, 1] + random.normal(0, 0.1, n)]).round(4).tolist()
    return write_table(path, ("p", "q", "y"), rows)
