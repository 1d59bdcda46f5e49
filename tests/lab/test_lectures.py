"""Every number that a lecture prints and a lab reproduces, one test each, headed by its lecture (deck) and lab."""

from __future__ import annotations

import pytest

import discern

# Deck B, lab activation


def test_mish_of_3_is_2_9865_by_way_of_softplus_3_0486() -> None:
    steps = [step[-1] for step in discern.lab("activation", function="mish", values="3").steps.values()]
    assert steps[0] == pytest.approx(3.0486, abs=5e-5)
    assert steps[-1] == pytest.approx(2.9865, abs=5e-5)


# Deck D, lab activation


@pytest.mark.parametrize("x", [-2.0, 0.5, 3.0])
def test_the_derivatives_of_sigmoid_tanh_and_relu(x: float) -> None:
    sigmoid, tanh, relu = (
        discern.lab("activation", function=name, values=str(x)) for name in ("sigmoid", "tanh", "relu")
    )
    assert sigmoid.derivative[0] == pytest.approx(sigmoid.output[0] * (1 - sigmoid.output[0]))
    assert tanh.derivative[0] == pytest.approx(1 - tanh.output[0] ** 2)
    assert relu.derivative[0] == float(x > 0)
