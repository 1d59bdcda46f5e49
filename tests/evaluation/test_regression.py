"""Scores of a regression agree with scikit-learn's, and are kept whole."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.figure import Figure
from sklearn.metrics import mean_absolute_error, r2_score, root_mean_squared_error

from discern.errors import RunError
from discern.evaluation.predictions import Predictions, load_predictions, save_predictions
from discern.evaluation.regression import (
    RegressionMetrics,
    RegressionPredictions,
    measure_regression,
)


@settings(max_examples=20, deadline=None)
@given(st.integers(2, 40), st.integers(0, 99))
def test_agree_with_scikit_learn(n: int, seed: int) -> None:
    truth, values = np.random.default_rng(seed).normal(size=(2, n))
    found = measure_regression(truth, values, "y")
    assert found.r2 == pytest.approx(r2_score(truth, values), abs=1e-9)
    assert found.mae == pytest.approx(mean_absolute_error(truth, values), abs=1e-9)
    assert found.rmse == pytest.approx(root_mean_squared_error(truth, values), abs=1e-9)
    assert RegressionMetrics.from_json(found.to_json()) == found


def test_intervals_hold_the_score() -> None:
    truth = np.random.default_rng(0).normal(size=200)
    found = measure_regression(truth, truth + np.random.default_rng(1).normal(0, 0.3, 200))
    for name in ("r2", "mae", "rmse"):
        interval = found.intervals[name]
        assert interval is not None and interval[0] < getattr(found, name) < interval[1]
    assert measure_regression(truth[:9], truth[:9]).intervals["r2"] is None


def test_kept(tmp_path: Path) -> None:
    split = RegressionPredictions(("y",), ("t.csv#1", "t.csv#2"), np.array([1.0, 2.0]), np.array([1.5, 2.0]))
    save_predictions(tmp_path / "p.npz", {"test": split})
    again = load_predictions(tmp_path / "p.npz", RegressionPredictions)["test"]
    assert (again.target, again.paths, again.values.tolist()) == ("y", split.paths, [1.5, 2.0])
    with pytest.raises(RunError, match="damaged"):
        load_predictions(tmp_path / "p.npz", Predictions)
    (tmp_path / "p.npz").write_bytes((tmp_path / "p.npz").read_bytes()[:-30])
    with pytest.raises(RunError, match="is damaged"):
        load_predictions(tmp_path / "p.npz", RegressionPredictions)


def test_drawn() -> None:
    truth = np.arange(2000.0)
    found, figure = measure_regression(truth, truth + 1, "y", split="test"), Figure()
    found.plot(figure)
    assert figure.axes[0].get_xlabel() == "true y" and figure.axes[0].get_title() == "n 500"
    assert found.sentences()[0].startswith("R2 1.0000 on 2,000 test rows (95 % CI 1.0000–1.0000), y off by 1")
    assert [row[1] for row in found.tables()[0].rows] == ["1", "1", "1"]
