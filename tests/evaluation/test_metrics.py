from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import brentq
from sklearn.metrics import (
    accuracy_score,
    confusion_matrix,
    log_loss,
    precision_recall_fscore_support,
    top_k_accuracy_score,
)

from discern.evaluation.metrics import Metrics, measure, wilson

Z = 1.959963984540054


def predictions(seed: int, n: int, classes: int) -> tuple[np.ndarray, np.ndarray, tuple[str, ...]]:
    """Probabilities float64 (N, C) without ties, labels (N,), names."""
    random = np.random.default_rng(seed)
    probabilities = random.dirichlet(np.full(classes, 0.7), n)
    probabilities = (probabilities + 1e-9) / (probabilities + 1e-9).sum(axis=1, keepdims=True)
    return probabilities, random.integers(0, classes, n), tuple(f"c{i}" for i in range(classes))


@given(st.integers(0, 10**6), st.integers(1, 60), st.integers(2, 9))
def test_every_number_is_scikit_learns(seed: int, n: int, classes: int) -> None:
    probabilities, labels, names = predictions(seed, n, classes)
    found, order = measure(probabilities, labels, names), np.arange(classes)
    predicted = probabilities.argmax(axis=1)
    assert found.n == n
    assert found.top1 == pytest.approx(accuracy_score(labels, predicted), abs=1e-9)
    assert found.loss == pytest.approx(log_loss(labels, probabilities, labels=order), abs=1e-9)
    assert np.array_equal(found.confusion, confusion_matrix(labels, predicted, labels=order))
    if classes > 5:
        top5 = top_k_accuracy_score(labels, probabilities, k=5, labels=order)
        assert found.top5 == pytest.approx(top5, abs=1e-9)
    else:
        assert found.top5 == 1
    wanted = precision_recall_fscore_support(labels, predicted, labels=order, zero_division=0.0)
    rows = found.per_class()
    assert list(rows) == list(names)
    for column, values in zip(("precision", "recall", "f1", "support"), wanted, strict=True):
        assert [rows[name][column] for name in names] == pytest.approx(values.tolist(), abs=1e-9)


@given(st.integers(0, 10**6), st.integers(1, 20), st.integers(2, 7))
def test_json_round_trip(seed: int, n: int, classes: int) -> None:
    found = measure(*predictions(seed, n, classes))
    value = json.loads(json.dumps(found.to_json()))
    assert set(value) == {"top1", "top5", "loss", "n", "interval", "per_class", "confusion", "classes"}
    again = Metrics.from_json(value)
    assert again.to_json() == found.to_json()
    assert np.array_equal(again.confusion, found.confusion)


@given(st.integers(1, 5000), st.data())
def test_the_interval_is_wilsons(n: int, data: st.DataObject) -> None:
    """Its ends are the rates p whose score test just fails: (k/n - p)^2 = z^2 p (1 - p) / n."""
    k = data.draw(st.integers(0, n))
    low, high = wilson(k, n)

    def score(p: float) -> float:
        return (k / n - p) ** 2 - Z * Z * p * (1 - p) / n

    assert low == pytest.approx(brentq(score, 0, min(k / n, 1 - 1e-9)) if k else 0.0, abs=1e-9)
    assert high == pytest.approx(brentq(score, max(k / n, 1e-9), 1) if k < n else 1.0, abs=1e-9)
    assert 0 <= low <= k / n <= high <= 1


@given(st.integers(1, 500), st.data())
def test_the_interval_has_no_favourite_side(n: int, data: st.DataObject) -> None:
    k = data.draw(st.integers(0, n))
    low, high = wilson(k, n)
    assert wilson(n - k, n) == pytest.approx((1 - high, 1 - low), abs=1e-9)


def test_the_interval_covers_as_often_as_it_says() -> None:
    random = np.random.default_rng(0)
    hits = random.binomial(100, 0.8, 2000)
    covered = np.mean([low <= 0.8 <= high for low, high in (wilson(int(k), 100) for k in hits)])
    assert 0.93 < covered < 0.97


def test_of_equals_the_first_class_wins() -> None:
    found = measure(np.full((3, 4), 0.25), np.array([0, 1, 3]), ("a", "b", "c", "d"))
    assert found.confusion[:, 0].tolist() == [1, 1, 0, 1]
    assert found.top1 == pytest.approx(1 / 3)


def test_a_sure_mistake_costs_much_but_not_everything() -> None:
    found = measure(np.array([[1.0, 0.0]], dtype=np.float32), np.array([1]), ("a", "b"))
    assert found.loss == pytest.approx(-np.log(1e-12))


def test_without_pictures_there_is_nothing_to_measure() -> None:
    with pytest.raises(ValueError, match="no pictures"):
        measure(np.zeros((0, 2)), np.zeros(0, dtype=int), ("a", "b"))
