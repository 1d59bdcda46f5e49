"""Thousands of classes: the same numbers, in time and size of the examples rather than of pairs of classes."""

from __future__ import annotations

import json
import time
from pathlib import Path

import numpy as np
import pytest
from matplotlib.figure import Figure

from discern.evaluation.calibration import choose_temperature
from discern.evaluation.confusion import ConfusionMatrix, counts_from_json, counts_to_json
from discern.evaluation.measure import _find_top5, measure
from discern.evaluation.metrics import Metrics
from discern.evaluation.ranking import Ranked, one_against_rest
from discern.evaluation.report.selection import condense_matrix


def made_up(n: int, classes: int) -> tuple[np.ndarray, np.ndarray]:
    random, labels = np.random.default_rng(0), np.arange(n) % classes
    table = random.random((n, classes), dtype=np.float32)
    table[np.arange(n), labels] += 0.99
    return table / table.sum(axis=1, keepdims=True), labels


def test_metrics_are_as_large_as_what_is_not_zero() -> None:
    table, labels = made_up(800, 2000)
    start = time.process_time()
    found = measure(table, labels, tuple(map(str, range(2000))))
    text = json.dumps(found.to_json())
    assert time.process_time() - start < 5
    assert len(text) < 600_000  # 16 MB as rows
    again = Metrics.from_json(json.loads(text))
    assert np.array_equal(again.confusion, found.confusion)
    assert json.dumps(again.to_json()) == text
    assert [len(table.rows) for table in found.confusion_matrix.tables()] == [800 - found.correct]


def test_a_matrix_of_former_versions_is_read(tmp_path: Path) -> None:
    found = measure(np.eye(3), np.array([0, 1, 2]), ("a", "b", "c"))
    assert Metrics.from_json({**found.to_json(), "confusion": np.eye(3, dtype=int).tolist()}).correct == 3
    for bad in ({"true": [-1], "predicted": [0], "n": [1]}, [[1, 0]]):
        with pytest.raises(ValueError):
            counts_from_json(bad, 3)
    with pytest.raises(IndexError):
        counts_from_json({"true": [3], "predicted": [0], "n": [1]}, 3)
    assert counts_from_json(counts_to_json(np.zeros((2, 2), dtype=np.int64)), 2).tolist() == [[0, 0], [0, 0]]


def test_five_of_many_with_ties() -> None:
    table = np.random.default_rng(0).integers(0, 40, (50, 101)).astype(np.float32)
    assert np.array_equal(_find_top5(table), np.argsort(-table, axis=1, kind="stable")[:, :5])


@pytest.mark.parametrize("levels", [3, 100_000])
def test_few_examples_are_counted_as_sorting_counts_them(levels: int) -> None:
    random = np.random.default_rng(1)
    scores, labels = random.integers(0, levels, (300, 130)) / levels, random.integers(1, 128, 300)
    areas, precisions = one_against_rest(scores, labels)
    for c in range(130):
        ranked = Ranked(scores[:, c], labels == c)
        wanted = (ranked.roc_auc()[0], ranked.average_precision()[0])
        assert (areas[0, c], precisions[0, c]) == pytest.approx(wanted, nan_ok=True, abs=1e-12)


def test_the_drawn_matrix_is_condensed() -> None:
    counts = np.zeros((1001, 1001), dtype=np.int64)
    counts[np.arange(1001), np.arange(1001)] = 2
    counts[7, 900] = 1
    figure = Figure()
    matrix = ConfusionMatrix(tuple(map(str, range(1001))), counts)
    matrix.plot(figure)
    drawn = np.asarray(figure.axes[0].images[0].get_array())
    assert drawn.shape == (334, 334) and drawn[2, 300] == pytest.approx(1 / 7)
    assert matrix.sentences() == ["Most often confused: 7, predicted as 900 (1 of 3)."]
    assert condense_matrix(counts, 4).classes == (7, 900, 0, 1)


def test_a_temperature_is_fitted_to_what_is_affordable(monkeypatch: pytest.MonkeyPatch) -> None:
    random = np.random.default_rng(0)
    honest = random.dirichlet(np.full(10, 0.3), 2000)
    labels = np.array([random.choice(10, p=row) for row in honest])
    sure = honest**2 / (honest**2).sum(axis=1, keepdims=True)  # as if the logits had been doubled
    whole = choose_temperature(sure, labels)
    monkeypatch.setattr("discern.evaluation.calibration.BUDGET", 10_000)
    found = choose_temperature(sure, labels)
    assert whole.value == pytest.approx(2, rel=0.1) and found.value == pytest.approx(2, rel=0.2)
    assert "log loss of 1,000 of the 2,000 validation" in found.sentences()[0]
