"""Thresholds against scikit-learn, counted by hand, and what has none."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.figure import Figure
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier

from discern.errors import ConfigError
from discern.labs.threshold.lab import run

VALUES = st.lists(st.integers(0, 60), min_size=2, max_size=12).map(lambda values: np.array(values, dtype=float))


@settings(max_examples=40, deadline=None)
@given(first=VALUES, second=VALUES, expert=st.floats(-5, 65))
def test_agrees_with_scikit_learn(first: np.ndarray, second: np.ndarray, expert: float) -> None:
    spread = len(set(first)) > 1 or len(set(second)) > 1  # scikit-learn's LDA needs some
    if first.mean() == second.mean() or not spread:
        return
    pair = run(first, second, expert=expert).pairs[0]
    x = np.concatenate([pair.low_values, pair.high_values])[:, None]
    y = np.repeat([0, 1], [len(pair.low_values), len(pair.high_values)])
    models = (
        LinearDiscriminantAnalysis(),
        DecisionTreeClassifier(max_depth=1, random_state=0),
        make_pipeline(StandardScaler(), LogisticRegression()),
    )
    lda = models[0].fit(x, y)
    np.testing.assert_allclose(pair.rules[1].threshold, -lda.intercept_[0] / lda.coef_[0, 0], rtol=1e-6, atol=1e-6)
    assert pair.rules[0].errors == int(((x[:, 0] > expert) != y).sum())
    for rule, model in zip(pair.rules[1:], models, strict=True):
        if np.abs(x - rule.threshold).min() > 1e-6:  # else rounding decides
            assert rule.errors == int((model.fit(x, y).predict(x) != y).sum())
    upwards = [rule for rule in pair.rules if (rule.below, rule.above) == (pair.low, pair.high)]
    assert min(rule.errors for rule in upwards) >= pair.errors.min()


@settings(max_examples=30, deadline=None)
@given(first=VALUES, second=VALUES)
def test_the_curve_counts_the_errors_of_every_threshold(first: np.ndarray, second: np.ndarray) -> None:
    if first.mean() == second.mean():
        return
    pair = run(first, second).pairs[0]
    counted = [int((pair.low_values > t).sum() + (pair.high_values <= t).sum()) for t in pair.candidates]
    assert pair.errors.tolist() == counted


def test_a_file_with_a_class_column_or_a_column_for_each(tmp_path: Path) -> None:
    long, wide = tmp_path / "long.csv", tmp_path / "wide.csv"
    long.write_text("age,fat,sex\n1,22,F\n2,25,F\n3,10,M\n4,13,M\n", encoding="utf-8")
    wide.write_text("F,M\n22,10\n25,13\n", encoding="utf-8")
    by_class, by_column = run(csv=str(long), column="fat"), run(csv=str(wide))
    assert by_class.quantity == "fat"
    assert by_class.pairs[0].rules == by_column.pairs[0].rules
    assert by_class.pairs[0].rules[0].threshold == pytest.approx(17.5)  # LDA's: no expert knows these


def test_the_figure_has_the_thresholds() -> None:
    figure = Figure()
    found = run()
    found.plot(figure)
    upper = figure.get_axes()[0]
    drawn = [line.get_xdata()[0] for line in upper.get_lines()]
    assert drawn == [rule.threshold for rule in found.pairs[0].rules]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"first": np.array([1.0, 2])}, "give both first and second"),
        ({"first": np.array([1.0, 2]), "second": np.array([3.0])}, "second has 1 values"),
        ({"first": np.array([1.0, 3]), "second": np.array([2.0, 2])}, "have the same mean, 2"),
        ({"names": "F"}, "two names separated by a comma"),
    ],
)
def test_what_has_no_threshold(options: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        run(**options)  # type: ignore[arg-type]


def test_a_file_of_three_classes(tmp_path: Path) -> None:
    path = tmp_path / "three.csv"
    path.write_text("a,class\n1,x\n2,y\n3,z\n", encoding="utf-8")
    with pytest.raises(ConfigError, match="has 3 classes"):
        run(csv=str(path))
