"""Activation functions against torch."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.figure import Figure
from torch.nn import functional

from discern.errors import ConfigError
from discern.labs.activation import run
from discern.labs.activation.formulas import ACTIVATIONS

NAMES = list(ACTIVATIONS)


def by_torch(name: str, x: torch.Tensor) -> torch.Tensor:
    return functional.softmax(x, dim=0) if name == "softmax" else getattr(functional, name)(x)


@settings(max_examples=60, deadline=None)
@given(name=st.sampled_from(NAMES), values=st.lists(st.floats(-25, 25), min_size=2, max_size=6, unique=True))
def test_agrees_with_torch(name: str, values: list[float]) -> None:
    found = run(name, np.array(values))  # type: ignore[arg-type]
    x = torch.tensor(values, dtype=torch.float64)
    np.testing.assert_allclose(found.output, by_torch(name, x).numpy(), rtol=1e-9, atol=1e-12)
    jacobian = torch.autograd.functional.jacobian(lambda t: by_torch(name, t), x).numpy()
    np.testing.assert_allclose(found.jacobian, jacobian, rtol=1e-7, atol=1e-10)
    np.testing.assert_allclose(found.derivative, np.diag(jacobian), rtol=1e-7, atol=1e-10)
    np.testing.assert_allclose(found.autograd, found.derivative, rtol=1e-7, atol=1e-10)


@pytest.mark.parametrize("name", NAMES)
def test_the_finite_difference_reaches_the_derivative(name: str) -> None:
    found = run(name, np.array([-2.0, -0.4, 0.7, 3.1]))  # type: ignore[arg-type]
    apart = np.abs(found.slopes - found.derivative).max(axis=1)
    assert apart[6] < 1e-5  # h = 1e-6
    assert name in ("relu", "relu6") or apart[0] > 100 * apart[6]


@pytest.mark.parametrize("name", NAMES)
def test_saturation_ends_where_the_slope_passes_a_hundredth(name: str) -> None:
    found = run(name)  # type: ignore[arg-type]
    edges = next((at.saturated_below, at.saturated_above) for at in found.functions if at.name == name)
    assert (edges == (None, None)) == (name == "leaky_relu")
    for edge, out in zip(edges, (-1, 1), strict=True):
        if edge is not None:
            x = found.values.copy()
            x[-1] = edge
            assert abs(ACTIVATIONS[name].derivative(x)[-1]) < 0.01
            x[-1] = edge - out * 0.02
            assert abs(ACTIVATIONS[name].derivative(x)[-1]) >= 0.01


def test_a_corner_is_named() -> None:
    assert any("At x = 0 6 is a corner" in line for line in run("relu6", np.array([0.0, 6.0])).sentences())
    assert not any("corner" in line for line in run("relu6", np.array([1.0])).sentences())


def test_at_a_corner_there_is_no_finite_difference() -> None:
    assert not any("is exact for every h" in line for line in run("relu", np.array([2.0, 0.0])).sentences())
    assert any("is exact for every h" in line for line in run("relu", np.array([0.0, 2.0])).sentences())


def test_the_figure_holds_the_curve_and_the_values() -> None:
    figure = Figure()
    run("tanh").plot(figure)
    curve, marks = figure.get_axes()[0].get_lines()[:2]
    x, y = curve.get_data()
    np.testing.assert_allclose(y, np.tanh(x))
    np.testing.assert_allclose(marks.get_data()[1], np.tanh([-3, -1, 0, 1, 3]))


@pytest.mark.parametrize(
    ("name", "values", "message"),
    [
        ("relu", np.array([1e9]), "between -30 and 30"),
        ("relu", np.zeros(101), "at most 100 numbers"),
        ("softmax", np.array([1.0]), "two logits or more"),
    ],
)
def test_wrong_values(name: str, values: np.ndarray, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        run(name, values)  # type: ignore[arg-type]
