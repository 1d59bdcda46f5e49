from __future__ import annotations

import json
import warnings
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.figure import Figure
from sklearn.metrics import (
    accuracy_score,
    average_precision_score,
    balanced_accuracy_score,
    brier_score_loss,
    confusion_matrix,
    log_loss,
    precision_recall_fscore_support,
    roc_auc_score,
    top_k_accuracy_score,
)

from discern.evaluation.intervals import wilson
from discern.evaluation.measure import measure
from discern.evaluation.metrics import Metrics


def predictions(seed: int, n: int, classes: int) -> tuple[np.ndarray, np.ndarray, tuple[str, ...]]:
    """Probabilities float64 (N, C) without ties, labels (N,), names."""
    random = np.random.default_rng(seed)
    probabilities = random.dirichlet(np.full(classes, 0.7), n)
    probabilities = (probabilities + 1e-9) / (probabilities + 1e-9).sum(axis=1, keepdims=True)
    return probabilities, random.integers(0, classes, n), tuple(f"c{i}" for i in range(classes))


@settings(deadline=None)
@given(st.integers(0, 10**6), st.integers(1, 60), st.integers(2, 9))
def test_every_number_is_scikit_learns(seed: int, n: int, classes: int) -> None:
    probabilities, labels, names = predictions(seed, n, classes)
    found, order = measure(probabilities, labels, names, n_resamples=0), np.arange(classes)
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


@settings(deadline=None)
@given(st.integers(0, 10**6), st.integers(1, 60), st.integers(2, 9))
def test_the_averages_are_scikit_learns(seed: int, n: int, classes: int) -> None:
    probabilities, labels, names = predictions(seed, n, classes)
    found = measure(probabilities, labels, names, n_resamples=0).summary
    predicted = probabilities.argmax(axis=1)
    for average in ("macro", "weighted"):
        wanted = precision_recall_fscore_support(labels, predicted, average=average, zero_division=0.0)
        for column, value in zip(("precision", "recall", "f1"), wanted, strict=False):
            assert found[f"{average}_{column}"] == pytest.approx(value, abs=1e-9)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of classes that were predicted and are not there
        assert found["balanced_accuracy"] == pytest.approx(balanced_accuracy_score(labels, predicted), abs=1e-9)
    order = np.arange(classes)
    scores = probabilities if classes > 2 else probabilities[:, 1]
    wanted = brier_score_loss(labels, scores, labels=order)
    assert found["brier"] == pytest.approx(wanted, abs=1e-9)
    assert found["log_loss"] == pytest.approx(log_loss(labels, probabilities, labels=order), abs=1e-9)


@settings(deadline=None)
@given(st.integers(0, 10**6), st.integers(1, 60), st.integers(2, 6), st.booleans())
def test_ranking_is_scikit_learns(seed: int, n: int, classes: int, ties: bool) -> None:
    probabilities, labels, names = predictions(seed, n, classes)
    if ties:
        probabilities = probabilities.round(1)
    found = measure(probabilities, labels, names, n_resamples=0)
    for c in range(classes):
        truth, area, precision = labels == c, found.roc_auc[c], found.average_precision[c]
        if truth.any():
            assert precision == pytest.approx(average_precision_score(truth, probabilities[:, c]), abs=1e-9)
        else:
            assert precision is None
        if truth.any() and not truth.all():
            assert area == pytest.approx(roc_auc_score(truth, probabilities[:, c]), abs=1e-9)
        else:
            assert area is None
    known = [area for area in found.roc_auc if area is not None]
    assert found.summary["roc_auc"] == (pytest.approx(np.mean(known)) if known else None)


def test_a_bootstrap_holds_the_number_it_is_of() -> None:
    found = measure(*predictions(3, 200, 4))
    assert found.intervals.keys() == {*found.summary, "top1", "top5"}
    for name, value in found.summary.items():
        interval = found.intervals[name]
        assert interval is not None and value is not None
        assert interval[1] - interval[0] < 0.4
        if name != "calibration_error":  # which resampling makes larger
            assert interval[0] < value < interval[1]


def test_the_same_seed_gives_the_same_interval() -> None:
    first, again, other = (measure(*predictions(3, 50, 3), seed=seed).intervals["macro_f1"] for seed in (0, 0, 1))
    assert first == again != other


def test_few_images_and_faultless_ones_have_no_bootstrap() -> None:
    assert measure(*predictions(0, 9, 3)).intervals["macro_f1"] is None
    sure = measure(np.eye(2)[[0, 1] * 20], np.array([0, 1] * 20), ("a", "b"))
    assert sure.intervals["macro_f1"] is None and sure.summary["macro_f1"] == 1
    assert sure.interval[0] < 0.95


def test_ranking_thousands_of_classes_has_no_interval() -> None:
    found = measure(*predictions(0, 1100, 1000), n_resamples=100)
    assert found.intervals["roc_auc"] is None and found.intervals["macro_f1"] is not None


def test_rates_of_a_class_have_their_own_interval() -> None:
    row = measure(np.eye(3)[[0, 0, 1]], np.array([0, 1, 1]), ("a", "b", "c")).per_class()
    assert row["b"]["recall_interval"] == wilson(1, 2) and row["b"]["precision_interval"] == wilson(1, 1)
    assert row["c"]["recall_interval"] is None and row["c"]["precision_interval"] is None


def test_numbers_that_overflowed_are_measured() -> None:
    found = measure(np.full((20, 2), np.nan, dtype=np.float32), np.zeros(20, dtype=int), ("a", "b"))
    assert np.isnan(found.loss) and found.summary["brier"] is None


@settings(deadline=None)
@given(st.integers(0, 10**6), st.integers(1, 20), st.integers(2, 7))
def test_json_round_trip(seed: int, n: int, classes: int) -> None:
    found = measure(*predictions(seed, n, classes))
    value = json.loads(json.dumps(found.to_json()))
    assert {"top1", "top5", "loss", "n", "interval", "per_class", "confusion", "classes"} <= set(value)
    again = Metrics.from_json(value)
    assert again.to_json() == found.to_json()
    assert np.array_equal(again.confusion, found.confusion)


def test_of_equals_the_first_class_wins() -> None:
    found = measure(np.full((3, 4), 0.25), np.array([0, 1, 3]), ("a", "b", "c", "d"))
    assert found.confusion[:, 0].tolist() == [1, 1, 0, 1]
    assert found.top1 == pytest.approx(1 / 3)


def test_a_sure_mistake_costs_much_but_not_everything() -> None:
    found = measure(np.array([[1.0, 0.0]], dtype=np.float32), np.array([1]), ("a", "b"))
    assert found.loss == pytest.approx(-np.log(1e-12))


def test_without_images_there_is_nothing_to_measure() -> None:
    with pytest.raises(ValueError, match="no examples"):
        measure(np.zeros((0, 2)), np.zeros(0, dtype=int), ("a", "b"))


def test_the_accuracy_in_a_sentence() -> None:
    probabilities = np.eye(10)[np.arange(359) % 10]
    labels = np.arange(359) % 10
    labels[0] = 1
    found = measure(probabilities, labels, tuple("0123456789"), split="test")
    assert found.sentences()[0] == "accuracy 0.9972 on 359 test images (358 correct; 95 % CI 0.9844–0.9995)"
    assert found.sentences()[1] == 'Majority-class baseline: 0.1031 (always "1").'
    assert (
        measure(probabilities, labels, tuple("0123456789"), unit="rows")
        .headline()
        .startswith("accuracy 0.9972 on 359 rows")
    )
    assert found.confusion_matrix.sentences() == ["Most often confused: 1, predicted as 0 (1 of 37)."]


@pytest.mark.parametrize(("classes", "shown"), [(5, False), (6, True)])
def test_top5_is_of_six_classes_and_more(classes: int, shown: bool) -> None:
    titles = [row[0] for row in measure(*predictions(0, 40, classes)).tables()[0].rows]
    assert ("top-5 accuracy" in titles) is shown and "accuracy (top-1)" in titles


def test_every_class_has_a_row_and_many_are_folded() -> None:
    _summary, table = measure(*predictions(0, 300, 100), n_resamples=0).tables()
    assert len(table.rows) == 100 and all(len(row) == len(table.columns) for row in table.rows)
    assert len(table.folded()) == table.max_rows and table.folded()[-1][0] == "c99"


@pytest.mark.parametrize("classes", [3, 30])
def test_matrix_and_reliability_are_drawn_beside_each_other(classes: int, tmp_path: Path) -> None:
    found, figure = measure(*predictions(0, 300, classes), n_resamples=0), Figure(figsize=(11, 4.5))
    found.plot(figure)
    matrix, diagram = figure.get_axes()
    assert matrix.get_xlabel() == "predicted class" and diagram.get_xlabel() == "probability of the predicted class"
    assert np.asarray(matrix.images[0].get_array()).sum(axis=1) == pytest.approx(1)  # shaded per row
    assert bool(matrix.texts) is (classes == 3)
    found.save(tmp_path / "metrics.svg")
    assert "<svg" in found._repr_html_()


def test_a_matrix_without_errors() -> None:
    found = measure(np.eye(2), np.array([0, 1]), ("a", "b")).confusion_matrix
    assert found.sentences() == ["No class is confused with another."]
    assert found.tables()[0].rows == [("a", 1, 0), ("b", 0, 1)]


def test_intervals_by_group_are_wider_and_said() -> None:
    labels = np.repeat(np.arange(40) % 2, 5)
    shown = np.where(np.repeat(np.arange(40) % 5 == 0, 5), 1 - labels, labels)  # whole groups are wrong
    table = np.eye(2)[shown] * 0.8 + 0.1
    plain = measure(table, labels, ("cat", "dog"), split="test")
    grouped = measure(table, labels, ("cat", "dog"), split="test", groups=np.repeat(np.arange(40), 5))
    assert np.ptp(grouped.interval) > 1.8 * np.ptp(plain.interval)
    for name, bounds in plain.intervals.items():
        if bounds and name != "top5":
            assert np.ptp(grouped.intervals[name]) > np.ptp(bounds), name
    assert "of 40 groups" in grouped.headline()
    assert "by group" in grouped.headline()
    recall = [np.ptp(each.per_class()["cat"]["recall_interval"]) for each in (plain, grouped)]
    assert recall[1] > 1.5 * recall[0]
    assert Metrics.from_json(grouped.to_json()).headline() == grouped.headline()


def test_a_class_that_is_not_judged_is_said_first() -> None:
    metrics = measure(np.eye(3)[[0, 1, 1]], np.array([0, 1, 1]), ("ok", "none", "defect"), split="test")
    assert "defect" in metrics.sentences()[0]
    assert measure(np.eye(2), np.array([0, 1]), ("a", "b"), split="test").unjudged() is None
