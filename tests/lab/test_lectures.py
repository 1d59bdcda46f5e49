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


# Deck A, lab threshold


def test_body_fat_by_the_experts_rule() -> None:
    overlapping, separable = discern.lab("threshold").pairs
    assert overlapping.high_values.tolist() == separable.high_values.tolist() == [22, 25, 30, 33, 35]
    assert overlapping.low_values.tolist() == [10, 15, 20, 25, 30]
    assert separable.low_values.tolist() == [10, 13, 15, 17, 18]
    assert [(pair.rules[0].threshold, pair.rules[0].errors) for pair in (overlapping, separable)] == [(20, 2), (20, 0)]


def test_body_fat_learned() -> None:
    overlapping, separable = discern.lab("threshold").pairs
    assert overlapping.rules[1].threshold == pytest.approx((29 + 20) / 2)  # LDA: between the means
    assert separable.rules[1].threshold == pytest.approx((29 + 14.6) / 2)
    assert all(rule.errors == 0 for rule in separable.rules)
    assert overlapping.best() == (2, 20, 22)
    assert separable.best() == (0, 18, 22)


# Deck D, lab optimizer


def test_rmsprop_starts_with_sigma_0_the_size_of_the_first_gradient() -> None:
    race = discern.lab("optimizer", alpha=0.9, lr=0.1, steps=5)
    moments = next(path for path in race.paths if path.name == "rmsprop").moments
    sigma = abs(moments[0].g)
    for moment, after in zip(moments, [*moments[1:], None], strict=True):
        assert moment.kept["sigma"] == pytest.approx(sigma)
        assert moment.change == pytest.approx(-0.1 / sigma * moment.g)
        if after is not None:
            sigma = (0.9 * sigma**2 + (1 - 0.9) * after.g**2) ** 0.5


def test_adam_corrects_the_bias_of_both_its_means() -> None:
    race = discern.lab("optimizer", lr=0.1, steps=5)
    m, v = 0.0, 0.0
    for t, moment in enumerate(next(path for path in race.paths if path.name == "adam").moments, start=1):
        m, v = 0.9 * m + (1 - 0.9) * moment.g, 0.999 * v + (1 - 0.999) * moment.g**2
        m_hat, v_hat = m / (1 - 0.9**t), v / (1 - 0.999**t)
        assert moment.change == pytest.approx(-0.1 * m_hat / (v_hat**0.5 + 1e-8))
