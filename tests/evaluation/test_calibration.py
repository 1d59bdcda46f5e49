from __future__ import annotations

import matplotlib
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize_scalar
from sklearn.calibration import calibration_curve
from sklearn.metrics import log_loss

from discern.evaluation.calibration import (
    Reliability,
    apply_temperature,
    choose_temperature,
    fit_temperature,
    measure_reliability,
)
from discern.notices import Notice


def drawn(seed: int, n: int, classes: int, sharpness: float = 1.0) -> tuple[np.ndarray, np.ndarray]:
    """Labels drawn from softmax(logits), and softmax(sharpness * logits): overconfident where it is above 1."""
    random = np.random.default_rng(seed)
    logits = random.normal(0, 2, (n, classes))
    true = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    labels = (random.random((n, 1)) < true.cumsum(axis=1)).argmax(axis=1)
    said = np.exp(sharpness * logits)
    return (said / said.sum(axis=1, keepdims=True)).astype(np.float32), labels


@given(st.integers(0, 10**6), st.integers(1, 200), st.integers(2, 6))
def test_the_bins_are_scikit_learns(seed: int, n: int, classes: int) -> None:
    probabilities, labels = drawn(seed, n, classes)
    found = measure_reliability(probabilities.astype(np.float64), labels)
    correct = probabilities.argmax(axis=1) == labels
    share, mean = calibration_curve(correct, probabilities.max(axis=1).astype(np.float64), n_bins=15)
    filled = [i for i, count in enumerate(found.count) if count]
    assert [found.accuracy[i] for i in filled] == pytest.approx(share.tolist(), abs=1e-9)
    assert [found.confidence[i] for i in filled] == pytest.approx(mean.tolist(), abs=1e-9)
    gaps = np.abs(share - mean) * [found.count[i] / n for i in filled]
    assert found.error == pytest.approx(gaps.sum(), abs=1e-9)
    assert Reliability.from_json(found.to_json()) == found


def test_the_diagram_is_drawn() -> None:
    matplotlib.use("Agg")
    from matplotlib.figure import Figure

    figure, diagram = Figure(), measure_reliability(*drawn(0, 300, 3))
    diagram.plot(figure)
    assert "n 300" in figure.axes[0].get_title()
    assert "n 300" in diagram.sentences()[0]
    assert sum(row[1] for row in diagram.tables()[0].rows) == 300


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 10**6), st.floats(0.4, 3))
def test_the_temperature_has_the_least_loss(seed: int, sharpness: float) -> None:
    probabilities, labels = drawn(seed, 400, 4, sharpness)

    def loss(temperature: float) -> float:
        return float(
            log_loss(labels, apply_temperature(probabilities.astype(np.float64), temperature), labels=range(4))
        )

    best = minimize_scalar(loss, bounds=(0.05, 20), method="bounded").fun
    assert loss(fit_temperature(probabilities, labels)) == pytest.approx(best, abs=1e-4)


def test_a_temperature_changes_no_class_and_one_changes_nothing() -> None:
    probabilities, _labels = drawn(0, 100, 5)
    assert apply_temperature(probabilities, 1.0) is probabilities
    for temperature in (0.5, 3.0):
        found = apply_temperature(probabilities, temperature)
        assert found.dtype == np.float32
        assert np.array_equal(found.argmax(axis=1), probabilities.argmax(axis=1))
        assert found.sum(axis=1) == pytest.approx(1)


def test_an_overconfident_model_is_cooled_to_what_it_knows() -> None:
    found = choose_temperature(*drawn(0, 2000, 4, sharpness=2.5))
    assert found.value == pytest.approx(2.5, rel=0.1)
    assert found.after < found.before
    assert "temperature 2." in found.notice.text()
    assert Notice.from_json(found.to_json()["notice"]) == found.notice


def test_a_calibrated_model_is_left_alone() -> None:
    values = [choose_temperature(*drawn(seed, 500, 4)).value for seed in range(40)]
    assert sum(value != 1 for value in values) <= 4


@pytest.mark.parametrize("n", [1, 20, 99])
def test_few_images_are_not_calibrated_on(n: int) -> None:
    found = choose_temperature(*drawn(0, n, 4, sharpness=3))
    assert found.value == 1 and found.before == found.after
    assert f"among {n} validation examples" in found.sentences()[0]


def test_without_mistakes_nothing_is_sharpened() -> None:
    probabilities = np.tile(np.array([[0.7, 0.3]], dtype=np.float32), (500, 1))
    assert choose_temperature(probabilities, np.zeros(500, dtype=int)).value == 1


def test_it_does_no_harm_to_images_it_never_saw() -> None:
    gains = []
    for seed in range(60):
        scaling = choose_temperature(*drawn(seed, 120, 3, sharpness=1.8))
        probabilities, labels = drawn(1000 + seed, 2000, 3, sharpness=1.8)
        before, after = (
            -np.log(apply_temperature(probabilities, t)[np.arange(2000), labels]).mean() for t in (1.0, scaling.value)
        )
        gains.append(before - after)
    assert np.count_nonzero(gains) >= 5
    assert np.mean(gains) > 0 and min(gains) > -0.01


def test_numbers_that_overflowed_are_left_alone() -> None:
    assert choose_temperature(np.full((200, 3), np.nan, dtype=np.float32), np.ones(200, dtype=int)).value == 1
