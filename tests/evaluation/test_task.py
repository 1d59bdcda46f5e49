"""Whoever evaluates asks the task; a third one needs no change of the two there are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
import pytest
import torch
from torch import Tensor

from discern.errors import ConfigError, RunError
from discern.evaluation.comparison import RunFacts, build_comparison
from discern.evaluation.cost import Cost
from discern.evaluation.intervals import Interval
from discern.evaluation.metrics import TaskMetrics
from discern.evaluation.predictions import StoredPredictions, save_predictions
from discern.evaluation.significance import PairedTest, paired_test
from discern.evaluation.task import TASKS, Task, find_task
from discern.result import Table


@dataclass(frozen=True, eq=False)
class MultilabelPredictions(StoredPredictions):
    """Several labels an image."""

    COLUMNS = ("labels", "probabilities")

    outputs: tuple[str, ...]
    paths: tuple[str, ...]
    labels: np.ndarray
    probabilities: np.ndarray

    @classmethod
    def from_columns(cls, outputs: tuple[str, ...], paths: tuple[str, ...], *columns: np.ndarray) -> Self:
        return cls(outputs, paths, *columns)

    def truth_texts(self) -> np.ndarray:
        return np.array([str(row) for row in self.labels.tolist()])

    @property
    def correct(self) -> np.ndarray:
        exact: np.ndarray = ((self.probabilities > 0.5) == self.labels).all(axis=1)
        return exact


@dataclass(frozen=True)
class MultilabelMetrics(TaskMetrics):
    """How many images have every label right."""

    n: int
    exact: float
    hamming: float
    split: str
    unit: str

    @property
    def scores(self) -> dict[str, float]:
        return {"exact": self.exact, "hamming": self.hamming}

    @property
    def interval(self) -> Interval:
        return None

    def headline(self, digits: int = 4) -> str:
        return f"all labels right {self.exact:.{digits}f} on {self.examples}"

    def sentences(self) -> Sequence[str]:
        return [self.headline()]

    def tables(self) -> Sequence[Table]:
        return []

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Self:
        return cls(**value)


class Multilabel(Task[MultilabelPredictions, MultilabelMetrics]):
    """The third task."""

    name = "multilabel"
    ranking_key, error_key = "exact", "hamming"
    has_classes = True
    predictions, metrics = MultilabelPredictions, MultilabelMetrics

    def score_titles(self) -> dict[str, str]:
        return {"exact": "exact match", "hamming": "Hamming loss"}

    def activate(self, logits: Tensor, temperature: float) -> Tensor:
        return (logits / temperature).sigmoid()

    def truth(self, dataset: Any, indices: np.ndarray) -> np.ndarray:
        truth: np.ndarray = dataset.targets[indices]
        return truth

    def calibrate(self, outputs: np.ndarray, truth: np.ndarray, seed: int) -> None:
        return None

    def measure(
        self, predictions: MultilabelPredictions, split: str = "", unit: str = "images", n_resamples: int = 0
    ) -> MultilabelMetrics:
        wrong = float(((predictions.probabilities > 0.5) != predictions.labels).mean())
        return MultilabelMetrics(len(predictions), float(predictions.correct.mean()), wrong, split, unit)

    def compare(
        self, first: str, a: MultilabelPredictions, second: str, b: MultilabelPredictions, unit: str
    ) -> PairedTest:
        correct_a, correct_b = a.by_path(a.correct), b.by_path(b.correct)
        return paired_test(first, correct_a & ~correct_b, second, correct_b & ~correct_a, "mcnemar", unit)


def predict(noise: float) -> MultilabelPredictions:
    labels = np.random.default_rng(0).random((50, 3)) < 0.4
    shift = np.random.default_rng(1).normal(0, noise, (50, 3))
    paths = tuple(f"{i}.png" for i in range(50))
    return MultilabelPredictions(("cat", "dog", "sofa"), paths, labels, (labels * 0.8 + 0.1 + shift).clip(0, 1))


def test_a_third_task_is_a_class_and_a_row(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    task = Multilabel()
    monkeypatch.setitem(TASKS, task.name, task)
    save_predictions(tmp_path / "p.npz", {"test": predict(0.1)})
    stored = find_task("multilabel").load(tmp_path / "p.npz")["test"]
    assert np.array_equal(stored.probabilities, predict(0.1).probabilities)
    found = task.measure(stored, "test")
    assert found.sentences()[0] == "all labels right 1.0000 on 50 test images"
    assert task.read_metrics(found.to_json(), "metrics.json") == found
    assert task.activate(torch.zeros(1, 3), 2.0).tolist() == [[0.5, 0.5, 0.5]]
    predictions = {"noisy": predict(0.6), "sure": predict(0.1)}
    facts = {name: RunFacts("net", name, 1, 1.0) for name in predictions}
    costs = dict.fromkeys(predictions, Cost(1, 1.0, 1.0, 1, "peak"))
    machine = {"device": "cpu", "processor": "x", "threads": 1}
    compared = build_comparison(task, "test", "images", predictions, facts, costs, "loss", machine)
    assert [run.name for run in compared.runs] == ["sure", "noisy"] and compared.best.first == "sure"
    assert compared.tables()[0].columns[1] == "exact match"


def test_what_is_of_another_task_is_refused(tmp_path: Path) -> None:
    save_predictions(tmp_path / "p.npz", {"test": predict(0.1)})
    with pytest.raises(RunError, match="damaged or from another version"):
        find_task("regression").load(tmp_path / "p.npz")
    with pytest.raises(RunError, match=r"metrics.json is damaged"):
        find_task("classification").read_metrics({"n": 3}, "metrics.json")
    with pytest.raises(ConfigError, match='Unknown task "detection": choose classification or regression'):
        find_task("detection")


@pytest.mark.parametrize("task", TASKS.values(), ids=list(TASKS))
def test_the_scores_have_titles_and_the_first_ranks(task: Task[Any, Any]) -> None:
    columns = {
        "classification": (np.zeros(20, dtype=np.int64), np.full((20, 2), 0.5, dtype=np.float32)),
        "regression": (np.arange(20.0), np.arange(20.0) + 0.5),
    }[task.name]
    outputs = ("a", "b") if task.has_classes else ("y",)
    predictions = task.predictions.from_columns(outputs, tuple(map(str, range(20))), *columns)
    metrics = task.measure(predictions, split="test", unit="rows")
    assert next(iter(metrics.scores)) == task.ranking_key and task.error_key in metrics.scores
    assert set(metrics.scores) <= set(task.score_titles())
    assert "20 test rows" in metrics.headline()
    assert metrics.summarize()["n"] == 20
    assert task.read_metrics(metrics.to_json(), "metrics.json").to_json() == metrics.to_json()
