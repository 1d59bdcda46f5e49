"""How a benchmark states what it found: a line for people and, where DISCERN_RESULTS names a file, one of JSON there.

    from results import state

    state("decode", "128 px, hymenoptera", ratio=2.7, goal=2.5, better="higher", note="n 245, two cores")

prints ``decode  128 px, hymenoptera: 2.70x (goal >= 2.5x, met)  n 245, two cores``. The ratio is to a peer measured in
the same run, in turns; benchmarks/run.py collects the lines into benchmarks/RESULTS.md.
"""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

FILE = "DISCERN_RESULTS"


@dataclass(frozen=True)
class Result:
    """One ratio.

    Attributes
    ----------
    name : str
        The benchmark: its script without ``.py``.
    case : str
        What was measured, short enough for a table.
    ratio : float
        discern's figure over the peer's, or the peer's over discern's: ``better`` tells which way is good.
    goal : float or None
        What it must reach; None where there is none.
    better : {'higher', 'lower'}
        Whether a ratio above or below the goal meets it.
    note : str
        What a reader must know to judge it: the number of images, the threads, the peer.
    """

    name: str
    case: str
    ratio: float
    goal: float | None
    better: Literal["higher", "lower"]
    note: str = ""

    def __post_init__(self) -> None:
        if self.better not in ("higher", "lower"):
            raise ValueError(f"better is {self.better!r}, not 'higher' or 'lower'")

    @property
    def met(self) -> bool | None:
        """Whether the goal is met, a tie included; None without a goal. A ratio that is not a number meets none."""
        if self.goal is None:
            return None
        return self.ratio >= self.goal if self.better == "higher" else self.ratio <= self.goal

    @property
    def aim(self) -> str:
        """The goal in words."""
        return "none" if self.goal is None else f"{'>=' if self.better == 'higher' else '<='} {self.goal:g}x"

    def __str__(self) -> str:
        verdict = {None: "no goal", True: f"goal {self.aim}, met", False: f"goal {self.aim}, NOT met"}[self.met]
        return f"{self.name}  {self.case}: {self.ratio:.2f}x ({verdict})" + (f"  {self.note}" if self.note else "")


def state(
    name: str, case: str, *, ratio: float, goal: float | None, better: Literal["higher", "lower"], note: str = ""
) -> Result:
    """Print one ratio, and append it to the file that DISCERN_RESULTS names."""
    result = Result(name, case, float(ratio), goal, better, note)
    print(result, flush=True)
    if file := os.environ.get(FILE):
        with Path(file).open("a", encoding="utf-8") as lines:
            lines.write(json.dumps(asdict(result), ensure_ascii=False) + "\n")
    return result


def read(file: Path) -> list[Result]:
    """The ratios stated into ``file``, none where nothing was."""
    if not file.exists():
        return []
    return [Result(**json.loads(line)) for line in file.read_text(encoding="utf-8").splitlines()]
