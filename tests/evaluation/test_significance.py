from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest

from discern.errors import RunError
from discern.evaluation.predictions import Predictions
from discern.evaluation.regression import RegressionPredictions
from discern.evaluation.significance import (
    check_same_examples,
    compare_classifiers,
    compare_regressions,
    mcnemar_p_value,
)


def predict(correct: list[bool], paths: list[str] | None = None, classes: tuple[str, ...] = ("a", "b")) -> Predictions:
    """All images are of the first class; ``correct`` says which are predicted so."""
    names = paths or [f"{i}.png" for i in range(len(correct))]
    probabilities = np.array([[0.9, 0.1] if yes else [0.2, 0.8] for yes in correct], dtype=np.float32)
    return Predictions(classes, tuple(names), np.zeros(len(correct), dtype=np.int64), probabilities)


@settings(deadline=None)
@given(st.integers(0, 300), st.integers(0, 300))
def test_the_test_is_the_exact_binomial_one(first: int, second: int) -> None:
    wanted = binomtest(first, first + second).pvalue if first + second else 1.0
    assert mcnemar_p_value(first, second) == pytest.approx(wanted, abs=1e-9)
    assert mcnemar_p_value(first, second) == mcnemar_p_value(second, first)


def test_thousands_of_images_apart() -> None:
    assert mcnemar_p_value(6000, 1000) < 1e-300
    assert mcnemar_p_value(5000, 5000) == 1


def test_no_evidence_is_said_so() -> None:
    found = compare_classifiers("A", predict([True] * 150 + [False] * 3), "B", predict([True] * 148 + [False] * 5))
    assert "no evidence that A is better than B on 153 images: 2 that only A" in found.text()


def test_evidence_is_said_so_whatever_the_order() -> None:
    found = compare_classifiers("A", predict([False] * 20 + [True] * 5), "B", predict([True] * 25))
    assert found.text().startswith("B is better than A on 25 images: 20 that only B predicts correctly, 0 that")


def test_images_are_matched_by_name() -> None:
    a, b = predict([True, False, True], ["1", "2", "3"]), predict([True, True, False], ["3", "1", "2"])
    check_same_examples({"A": a, "B": b})
    found = compare_classifiers("A", a, "B", b)
    assert (found.only_first, found.only_second) == (0, 0)


def test_regressions_are_compared_by_their_errors() -> None:
    truth, paths = np.arange(20.0), tuple(map(str, range(20)))
    a, b = (RegressionPredictions(("y",), paths, truth, truth + off) for off in (0.5, -0.1))
    found = compare_regressions("A", a, "B", b)
    assert (found.first, found.only_first, found.only_second, found.test) == ("B", 20, 0, "sign")
    assert found.text().startswith("B is closer to the true values than A on 20 rows: closer for 20, farther for 0")


def test_different_images_are_named() -> None:
    a, b = predict([True] * 5, list("12345")), predict([True] * 3, list("457"))
    with pytest.raises(RunError, match=r"cannot be ranked: 3 only in A \(1, 2, 3\), 1 only in B \(7\)") as refusal:
        check_same_examples({"A": a, "B": b})
    assert "same seed" in str(refusal.value)
    with pytest.raises(RunError, match=r"9 only in A \(0.png, 1.png, 2.png …\), 0 only in B \(none\)"):
        check_same_examples({"A": predict([True] * 10), "B": predict([True], ["9.png"])})


def test_different_classes_are_named() -> None:
    with pytest.raises(RunError, match=r"A and B know different classes \(b, c\)"):
        check_same_examples({"A": predict([True]), "B": predict([True], classes=("a", "c"))})


def test_the_same_names_with_other_labels() -> None:
    a = predict([True, False])
    b = Predictions(a.classes, a.paths, np.array([0, 1]), a.probabilities)
    with pytest.raises(RunError, match=r"different labels.*1 of them \(1.png\)"):
        check_same_examples({"A": a, "B": b})
    turned = Predictions(("b", "a"), a.paths, np.array([1, 1]), a.probabilities[:, ::-1])
    check_same_examples({"A": a, "B": turned})
