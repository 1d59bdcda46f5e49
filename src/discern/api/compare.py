"""Finished runs side by side: how good, how sure, how large and how fast."""

from __future__ import annotations

import ctypes
import os
import zipfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from discern.api.run import Run
from discern.classifier.bundle import ESTIMATOR, Card
from discern.classifier.classifier import Classifier
from discern.errors import ConfigError, ModelError
from discern.evaluation.comparison import Paired, Row, check_same, nearer, paired
from discern.evaluation.comparison_page import plot_latency, save
from discern.evaluation.metrics import measure
from discern.evaluation.predictions import Predictions
from discern.evaluation.regression import Estimates, measure_regression
from discern.i18n import _
from discern.models.external import is_code
from discern.models.timing import in_turns
from discern.runtime import device, machine

if TYPE_CHECKING:
    from matplotlib.axes import Axes

BATCH = 32
TURN = 8  # predictions before the next run has its turn: the first finds caches full of another model
KEYS = {  # what may be sorted by -> the value, the best first
    "accuracy": lambda row: -row.accuracy,
    "loss": lambda row: row.loss,
    "parameters": lambda row: float("inf") if row.parameters is None else row.parameters,
    "size": lambda row: row.size,
    "training": lambda row: row.seconds,
    "latency": lambda row: row.latency_ms,
    "batch": lambda row: row.batch_ms,
    "memory": lambda row: row.memory,
    "name": lambda row: row.name,
}


@dataclass(frozen=True)
class Leaderboard:
    """Runs tested on the same, sorted.

    Attributes
    ----------
    rows : tuple of Row
    part : {"test", "validation"}
        What they are compared on.
    best : Paired
        The two most accurate, tested against each other.
    curves : mapping
        Name -> validation accuracy of each epoch, of the runs that had epochs.
    machine : dict
        What the times were measured on.
    """

    rows: tuple[Row, ...]
    part: str
    best: Paired
    curves: Mapping[str, tuple[float, ...]]
    machine: Mapping[str, Any]

    def to_json(self) -> dict[str, Any]:
        """As the command line prints it."""
        return {
            "runs": [row.to_json() for row in self.rows],
            "part": self.part,
            "best": self.best.to_json(),
            "batch": BATCH,
            "machine": dict(self.machine),
        }

    def sentences(self) -> list[str]:
        """Whether the best is the best, and what the numbers were measured on."""
        parts = {"test": _("test"), "validation": _("validation")}
        facts = {"n": self.best.n, "part": parts[self.part], "things": self.best.asked, "best": self.best.sentence()}
        told = [_("On {n} {part} {things}, the same for all. {best}").format(**facts)]
        where = self.machine.get("gpu") if self.machine["device"] != "cpu" else self.machine["processor"]
        sentence = _("Times are medians on {where} (threads: {threads}), measured now, the runs in turn.")
        told.append(sentence.format(where=where or self.machine["device"], threads=self.machine["threads"]))
        sentence = _("Memory is the model unpacked, and the peak that predicting {batch} {things} added.")
        told.append(sentence.format(batch=BATCH, things=self.best.asked))
        if any(row.memory_is == "weights" for row in self.rows):
            told.append(_("* the model alone: this system does not tell the peak."))
        return told

    def plot(self, ax: Axes) -> None:
        """Accuracy against latency."""
        plot_latency(self.rows, ax)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write a page that needs no network (.html), or its drawings (.png, .svg).

        Raises
        ------
        ConfigError
            When ``path`` ends in none of them.
        DiskError
            When the disk is full or may not be written.
        """
        save(path, self.rows, self.curves, self.sentences())


def compare(
    runs: Sequence[str | os.PathLike[str] | Run], sort: str = "accuracy", code: str | None = None
) -> Leaderboard:
    """Compare runs on the test part they share (on validation where not all have one); times are measured now.

    Parameters
    ----------
    runs : sequence of path or Run
        Two or more.
    sort : str
        accuracy, loss, parameters, size, training, latency, batch, memory or name; the best first.
    code : str, optional
        ``file.py:function`` that made the networks that are of one's own.

    Raises
    ------
    RunError
        When one is no finished run or has no stored predictions, or when classes or what they were tested on differ.
    ConfigError
        When fewer than two are given, or there is no such key.

    Examples
    --------
    >>> compare(["runs/lenet", "runs/resnet18"]).best.sentence()  # doctest: +SKIP
    'There is no evidence that lenet is better than resnet18 on 153 pictures: ...'
    """
    if sort not in KEYS:
        sentence = _("There is no key {key} to sort by; there are: {keys}.")
        raise ConfigError(sentence.format(key=sort, keys=", ".join(KEYS)))
    opened = _named([run if isinstance(run, Run) else Run.open(run) for run in runs])
    if len(opened) < 2:
        raise ConfigError(_("Name two or more different runs to compare."))
    stored = {name: run.estimates() if run.is_regression else run.predictions() for name, run in opened.items()}
    part = "test" if all("test" in parts for parts in stored.values()) else "validation"
    asked = {name: parts[part] for name, parts in stored.items()}
    check_same(asked)
    where = device()
    costs = _costs(opened, where, code)
    rows = [_row(name, run, asked[name], costs[name]) for name, run in opened.items()]
    first, second = sorted(rows, key=KEYS["accuracy"])[:2]
    best = _paired(first.name, asked[first.name], second.name, asked[second.name])
    best = replace(best, things="rows" if opened[first.name].of_table else "pictures")
    return Leaderboard(
        rows=tuple(sorted(rows, key=KEYS[sort])),
        part=part,
        best=best,
        curves={name: curve for name, run in opened.items() if (curve := _curve(run))},
        machine={**machine(), "device": str(where)},
    )


def _named(runs: Sequence[Run]) -> dict[str, Run]:
    """Each run once, by the name of its folder, or by its whole path where two folders have one name."""
    distinct = {run.path.resolve(): run for run in runs}
    names = [path.name for path in distinct]
    return {path.name if names.count(path.name) == 1 else str(path): run for path, run in distinct.items()}


def _paired(first: str, a: Predictions | Estimates, second: str, b: Predictions | Estimates) -> Paired:
    if isinstance(a, Estimates) and isinstance(b, Estimates):
        return nearer(first, a, second, b)
    assert isinstance(a, Predictions) and isinstance(b, Predictions)  # `check_same` saw to it
    return paired(first, a, second, b)


def _scores(part: Predictions | Estimates) -> dict[str, Any]:
    if isinstance(part, Estimates):
        off = measure_regression(part.truth, part.values, part.target)
        scores = {"accuracy": off.r2, "interval": off.intervals["r2"], "loss": off.mae}
        return {**scores, "n": off.n, "is_regression": True}
    found = measure(part.probabilities, part.labels, part.classes, draws=0)
    return {"accuracy": found.top1, "interval": found.interval, "loss": found.loss, "n": found.n}


def _row(name: str, run: Run, part: Predictions | Estimates, cost: dict[str, Any]) -> Row:
    result = run.result
    return Row(
        name=name,
        model=result["model"],
        path=str(run.path),
        **_scores(part),
        size=_size(run.path),
        seconds=result["seconds"],
        **cost,
    )


def _size(path: Path) -> int:
    """Bytes of the bundle."""
    return sum(file.stat().st_size for file in path.glob("model.*"))


def _unpacked(path: Path) -> int:
    """Bytes of the bundle in memory, where nothing is compressed."""
    packed = path / ESTIMATOR
    if not packed.is_file():
        return _size(path)
    with zipfile.ZipFile(packed) as held:
        return _size(path) - packed.stat().st_size + sum(part.file_size for part in held.infolist())


def _curve(run: Run) -> tuple[float, ...]:
    return tuple(event["validation"]["top1"] for event in run.directory.read_events("epoch"))


def _costs(runs: Mapping[str, Run], where: torch.device, code: str | None) -> dict[str, dict[str, Any]]:
    """Parameters, times and memory of each run; the runs take turns, so that what else the machine does hits all."""
    found: dict[str, dict[str, Any]] = {}
    single, batch = {}, {}
    for name, run in runs.items():
        own = code if is_code(run.result["model"]) else None
        classifier = Classifier.load(run.path, where, own)
        seen = _made_up(classifier.card)
        single[name], batch[name] = _job(classifier, seen[:1]), _job(classifier, seen)
        single[name]()  # what only the first prediction does
        added, weights = _peak(batch[name], where), _unpacked(run.path)
        memory = {"memory": weights + (added or 0), "memory_is": "weights" if added is None else "peak"}
        found[name] = {"parameters": _parameters(classifier), **memory}
    for key, jobs, count in (("latency_ms", single, 1), ("batch_ms", batch, BATCH)):
        turns = {name: _repeated(job) for name, job in jobs.items()}
        for name, seconds in in_turns(turns, where).items():
            found[name][key] = 1000 * seconds / count / TURN
    return found


def _made_up(card: Card) -> np.ndarray:
    """As many pictures, or rows, as a batch has; what they show costs no time."""
    random = np.random.default_rng(0)
    if card.table is not None:
        return random.normal(size=(BATCH, len(card.table.columns)))
    spec = card.spec
    found: np.ndarray = random.integers(0, 256, (BATCH, spec.size, spec.size, spec.channels), dtype=np.uint8)
    return found


def _job(classifier: Classifier, seen: np.ndarray) -> Callable[[], object]:
    return lambda: classifier.values(seen) if classifier.card.is_regression else classifier.probabilities(seen)


def _repeated(job: Callable[[], object]) -> Callable[[], object]:
    def turn() -> None:
        for _again in range(TURN):
            job()

    return turn


def _parameters(classifier: Classifier) -> int | None:
    try:
        return sum(parameter.numel() for parameter in classifier.network.parameters())
    except ModelError:  # a classical model
        return None


def _peak(job: Callable[[], object], where: torch.device) -> int | None:
    """Bytes that ``job`` needed at its height beyond what was there; None where the system does not tell."""
    if where.type == "cuda":
        torch.cuda.reset_peak_memory_stats(where)
        before = torch.cuda.memory_allocated(where)
        job()
        return torch.cuda.max_memory_allocated(where) - before
    try:
        ctypes.CDLL(None).malloc_trim(0)  # glibc: what was freed goes back, else it would hide what the job needs
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")  # Linux: the peak counts from now
        before = _status("VmRSS")
        job()
        return max(0, _status("VmHWM") - before)
    except (OSError, AttributeError, TypeError, KeyError, ValueError):
        job()
        return None


def _status(key: str) -> int:
    """A line of /proc/self/status, in bytes."""
    text = Path("/proc/self/status").read_text(encoding="ascii", errors="replace")
    lines = dict(line.split(":", 1) for line in text.splitlines() if ":" in line)
    return 1024 * int(lines[key].split()[0])
