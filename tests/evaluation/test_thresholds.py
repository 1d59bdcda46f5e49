from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.figure import Figure
from sklearn.metrics import confusion_matrix, precision_recall_curve

from discern.errors import ConfigError, RunError
from discern.evaluation.predictions import Predictions
from discern.evaluation.thresholds import choose_threshold, operate, threshold_by_cost, threshold_by_recall

CLASSES = ("healthy", "infected")


def leaves(seed: int, n: int = 200, classes: tuple[str, ...] = CLASSES) -> Predictions:
    """One in ten is infected, and the model is unsure of it."""
    random = np.random.default_rng(seed)
    labels = (random.random(n) < 0.1).astype(np.int64)
    scores = np.clip(random.normal(0.2 + 0.3 * labels, 0.15), 0.01, 0.99).astype(np.float32)
    probabilities = np.stack([1 - scores, scores], axis=1)
    return Predictions(classes, tuple(map(str, range(n))), labels, probabilities)


SPLITS = {"validation": leaves(0), "test": leaves(1)}


def columns(part: Predictions) -> tuple[np.ndarray, np.ndarray]:
    return part.probabilities[:, 1].astype(np.float64), part.labels == 1


@given(st.integers(0, 10**6), st.floats(0.1, 50))
def test_no_threshold_costs_less(seed: int, miss: float) -> None:
    scores, truth = columns(leaves(seed, 60))
    chosen = operate(scores, truth, threshold_by_cost(scores, truth, miss)).cost(miss)
    others = [operate(scores, truth, value).cost(miss) for value in [*scores.tolist(), 0.0, 0.5, 1.1]]
    assert chosen == pytest.approx(min(others))


@given(st.integers(0, 10**6), st.floats(0.01, 1))
def test_the_highest_threshold_with_the_recall(seed: int, recall: float) -> None:
    scores, truth = columns(leaves(seed, 120))
    if not truth.any():
        return
    value = threshold_by_recall(scores, truth, recall)
    _precision, recalls, values = precision_recall_curve(truth, scores)
    assert value == max(v for v, r in zip(values, recalls, strict=False) if r >= recall - 1e-12)


@given(st.integers(0, 10**6), st.floats(0, 1))
def test_an_outcome_is_scikit_learns(seed: int, threshold: float) -> None:
    scores, truth = columns(leaves(seed))
    found = operate(scores, truth, threshold)
    wanted = confusion_matrix(truth, scores >= threshold, labels=[False, True]).ravel().tolist()
    assert [found.tn, found.fp, found.fn, found.tp] == wanted
    assert found.n == 200


def test_chosen_on_validation_and_told_of_test() -> None:
    validation, test = leaves(0), leaves(1)
    found = choose_threshold({"validation": validation, "test": test}, "infected", min_recall=0.95)
    assert found.validation.recall is not None and found.validation.recall >= 0.95
    assert found.value == found.test.threshold and found.at_half.threshold == 0.5
    assert found.test.fn < found.at_half.fn
    assert tuple(found.to_json()["test"]["recall_interval"]) == found.test.recall_interval
    splits = {"validation": validation, "test": test}
    cheap, dear = (choose_threshold(splits, "infected", false_negative_cost=cost).value for cost in (0.5, 20))
    assert dear < cheap


def test_the_other_class_may_be_the_one_to_find() -> None:
    assert choose_threshold(SPLITS, "healthy", min_recall=1.0).validation.fn == 0


@pytest.mark.parametrize(
    ("asked", "sentence"),
    [
        ({"positive": "sick", "min_recall": 0.9}, 'Unknown class "sick".*healthy, infected'),
        ({"positive": "infected"}, "either the cost.*or the minimum recall"),
        (
            {"positive": "infected", "min_recall": 0.9, "false_negative_cost": 2.0},
            "either the cost.*or the minimum recall",
        ),
        ({"positive": "infected", "min_recall": 1.5}, "minimum recall is 1.5"),
        ({"positive": "infected", "min_recall": 0.0}, "minimum recall is 0.0"),
        ({"positive": "infected", "false_negative_cost": 0.0}, "cost of a false negative is 0.0"),
    ],
)
def test_what_cannot_be_chosen(asked: dict[str, float | str], sentence: str) -> None:
    with pytest.raises(ConfigError, match=sentence):
        choose_threshold(SPLITS, **asked)  # type: ignore[arg-type]


def test_three_classes_have_no_threshold() -> None:
    with pytest.raises(ConfigError, match="two classes, and this run has 3"):
        choose_threshold({**SPLITS, "validation": leaves(0, classes=("a", "b", "c"))}, "a", min_recall=0.9)


def test_a_class_without_validation_images() -> None:
    part = leaves(0)
    healthy = Predictions(CLASSES, part.paths, np.zeros(200, dtype=np.int64), part.probabilities)
    with pytest.raises(ConfigError, match="Validation has no example of infected"):
        choose_threshold({"validation": healthy, "test": part}, "infected", min_recall=0.9)


def test_a_run_without_a_test_split() -> None:
    with pytest.raises(RunError, match="no test split"):
        choose_threshold({"validation": leaves(0)}, "infected", min_recall=0.9)


def test_it_is_a_result() -> None:
    found = choose_threshold(SPLITS, "infected", false_negative_cost=10)
    assert found.sentences()[0].startswith(f"Predict infected from probability {found.value:.4f} on: the lowest cost")
    (table,) = found.tables()
    assert len(table.rows) == 2 and all(len(row) == len(table.columns) for row in table.rows)
    assert found.to_json()["test"]["tp"] == found.test.tp
    figure = Figure()
    found.plot(figure)
    assert [line.get_label() for line in figure.axes[0].lines][:2] == ["recall", "precision"]
    recall = np.array(found.curve)[:, 1]
    assert recall[0] == 1 and (np.diff(recall) <= 0).all() and len(recall) <= 200
