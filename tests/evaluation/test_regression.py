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
from discern.evaluation.regression import (
    Estimates,
    RegressionMetrics,
    load_estimates,
    measure_regression,
    save_estimates,
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
    part = Estimates("y", ("t.csv#1", "t.csv#2"), np.array([1.0, 2.0]), np.array([1.5, 2.0]))
    save_estimates(tmp_path / "p.npz", {"test": part})
    again = load_estimates(tmp_path / "p.npz")["test"]
    assert (again.target, again.paths, again.values.tolist()) == ("y", part.paths, [1.5, 2.0])
    (tmp_path / "p.npz").write_bytes((tmp_path / "p.npz").read_bytes()[:-30])
    with pytest.raises(RunError, match="is damaged, or not of a regression"):
        load_estimates(tmp_path / "p.npz")


def test_drawn() -> None:
    ax = Figure().add_subplot()
    Estimates("y", ("a", "b"), np.array([1.0, 2.0]), np.array([1.5, 2.0])).plot(ax)
    assert ax.get_xlabel() == "true y" and ax.get_title() == "n 2"
