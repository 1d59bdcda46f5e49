"""Runs side by side on the same examples: how good, how sure, how large and how fast."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from discern.errors import ConfigError
from discern.evaluation.comparison_figure import assign_colors, plot_curves, plot_latency
from discern.evaluation.cost import BATCH, Cost
from discern.evaluation.intervals import Interval, interval_text
from discern.evaluation.metrics import count_examples
from discern.evaluation.predictions import StoredPredictions
from discern.evaluation.significance import PairedTest, check_same_examples
from discern.evaluation.task import Task, find_task
from discern.i18n import _
from discern.notices import Notice
from discern.result import Result, Table

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class RunFacts:
    """What a run directory says of a run beside its predictions."""

    model: str
    path: str
    size: int  # bytes of the bundle on disk
    seconds: float  # how long training took
    curve: tuple[float, ...] = ()  # validation accuracy of each epoch; empty where there were none


@dataclass(frozen=True)
class ComparedRun:
    """One run of a comparison."""

    name: str  # what to call the run here
    model: str
    path: str
    n: int  # examples of the split that all are compared on
    scores: Mapping[str, float]  # the numbers that sum it up, the one that ranks first
    interval: Interval  # of that one
    size: int  # bytes of the bundle on disk
    seconds: float  # how long training took
    cost: Cost  # what predicting takes

    @property
    def score(self) -> float:
        """The number that ranks; higher is better."""
        return next(iter(self.scores.values()))

    def to_json(self) -> dict[str, Any]:
        """Return every number as JSON has it."""
        value = asdict(self)
        return {**value, **value.pop("scores"), **value.pop("cost"), "interval": self.interval and list(self.interval)}


SORT_KEYS: dict[str, Callable[[ComparedRun, Task[Any, Any]], Any]] = {  # the best first
    "accuracy": lambda run, task: -run.score,
    "loss": lambda run, task: run.scores[task.error_key],
    "parameters": lambda run, task: float("inf") if run.cost.parameters is None else run.cost.parameters,
    "size": lambda run, task: run.size,
    "training": lambda run, task: run.seconds,
    "latency": lambda run, task: run.cost.latency_ms,
    "batch": lambda run, task: run.cost.batch_ms,
    "memory": lambda run, task: run.cost.memory,
    "name": lambda run, task: run.name,
}


@dataclass(frozen=True)
class Comparison(Result):
    """Runs tested on the same, sorted."""

    runs: tuple[ComparedRun, ...]
    task: str  # what all of them learned
    split: str  # what they are compared on: test or validation
    unit: str  # what its examples are: images or rows
    best: PairedTest  # the two best, tested against each other
    curves: Mapping[str, tuple[float, ...]]  # name -> validation accuracy of each epoch, of the runs that had epochs
    machine: Mapping[str, Any]  # what the times were measured on

    @property
    def figsize(self) -> tuple[float, float]:
        return (12.0 if self.curves else 7.0), 5.0

    def sentences(self) -> list[str]:
        examples = count_examples(self.best.n, self.unit, self.split).text()
        device = self.machine.get("gpu") if self.machine["device"] != "cpu" else self.machine["processor"]
        times = _("Times are medians on {device} ({threads} threads), measured now, the runs in turn.")
        memory = _("Memory is the model, and the peak that predicting {batch} {unit} added.")
        unit = Notice(f"word.{self.unit}").text()
        sentences = [
            _("Compared on the same {examples}.").format(examples=examples),
            self.best.text(),
            times.format(device=device or self.machine["device"], threads=self.machine["threads"]),
            memory.format(batch=BATCH, unit=unit),
        ]
        if any(run.cost.memory_kind == "weights" for run in self.runs):
            sentences.append(_("* the model alone: this system does not report the peak."))
        return sentences

    def tables(self) -> list[Table]:
        titles = find_task(self.task).score_titles()
        scores = [titles[name] for name in self.runs[0].scores]
        columns = [
            _("run"),
            scores[0],
            _("95 % CI"),
            *scores[1:],
            _("parameters"),
            _("MB on disk"),
            _("training s"),
            _("ms, batch of 1"),
            _("ms/example, batch of {batch}").format(batch=BATCH),
            _("MB of memory"),
        ]
        return [Table(_("Runs"), columns, [_cells(run) for run in self.runs])]

    def plot(self, figure: Figure) -> None:
        """Draw the score against latency, and the learning curves beside it where there are any."""
        axes = figure.subplots(1, 2 if self.curves else 1, squeeze=False)[0]
        task = find_task(self.task)
        plot_latency(self.runs, task.score_titles()[task.ranking_key], axes[0])
        if self.curves:
            plot_curves(self.curves, axes[1], assign_colors(run.name for run in self.runs))

    def to_json(self) -> dict[str, Any]:
        return {**super().to_json(), "runs": [run.to_json() for run in self.runs], "batch": BATCH}


def check_sort_key(key: str) -> None:
    """Refuse a key that runs cannot be sorted by: a `ConfigError` where it is none of `SORT_KEYS`."""
    if key not in SORT_KEYS:
        message = _('Unknown sort key "{key}": choose {keys}.')
        raise ConfigError(message.format(key=key, keys=", ".join(SORT_KEYS)))


def build_comparison(
    task: Task[Any, Any],
    split: str,
    unit: str,
    predictions: Mapping[str, StoredPredictions],
    facts: Mapping[str, RunFacts],
    costs: Mapping[str, Cost],
    sort: str,
    machine: Mapping[str, Any],
) -> Comparison:
    """Measure each run on the examples they share, test the two best against each other, and sort.

    A `RunError` says that the examples or the classes differ.
    """
    check_same_examples(predictions)
    runs = []
    for name, fact in facts.items():
        metrics = task.measure(predictions[name], split, unit, n_resamples=0)
        row = (name, fact.model, fact.path, metrics.n, metrics.scores, metrics.interval, fact.size, fact.seconds)
        runs.append(ComparedRun(*row, costs[name]))
    first, second = (run.name for run in sorted(runs, key=lambda run: -run.score)[:2])
    return Comparison(
        runs=tuple(sorted(runs, key=lambda run: SORT_KEYS[sort](run, task))),
        task=task.name,
        split=split,
        unit=unit,
        best=task.compare(first, predictions[first], second, predictions[second], unit),
        curves={name: fact.curve for name, fact in facts.items() if fact.curve},
        machine=machine,
    )


def _cells(run: ComparedRun) -> list[str]:
    first, *others = run.scores.values()
    cost = run.cost
    return [
        run.name,
        f"{first:.4f}",
        interval_text(run.interval),
        *(f"{score:.4g}" for score in others),
        "–" if cost.parameters is None else f"{cost.parameters:,}",
        f"{run.size / 1e6:,.2f}",
        f"{run.seconds:,.1f}",
        f"{cost.latency_ms:,.2f}",
        f"{cost.batch_ms:,.2f}",
        f"{cost.memory / 1e6:,.1f}" + ("*" if cost.memory_kind == "weights" else ""),
    ]
