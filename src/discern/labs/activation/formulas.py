"""The activation functions, each as the steps of its formula, with its derivative."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy import special  # type: ignore[import-untyped]

LEAK = 0.01  # slope of leaky ReLU left of zero, torch's default
Function = Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True)
class Activation:
    """An activation function, (..., n) -> (..., n)."""

    steps: tuple[tuple[str, Function], ...]  # formula and value of each step from x; the last is the function itself
    slope: str  # the derivative's formula, in ``{a}``, the input, and ``{z}``, the output
    derivative: Function  # of each output by its own input; at a corner the value that torch uses
    corners: tuple[float, ...] = ()  # where the derivative jumps

    @property
    def formula(self) -> str:
        """The formula of the function."""
        return self.steps[-1][0]

    @property
    def value(self) -> Function:
        """The function itself."""
        return self.steps[-1][1]


def softplus(x: np.ndarray) -> np.ndarray:
    """Compute ln(1 + e^x) without overflow."""
    return np.logaddexp(0.0, x)


def gauss(x: np.ndarray) -> np.ndarray:
    """Compute the density of the standard normal distribution."""
    return np.exp(-0.5 * np.square(x)) / np.sqrt(2 * np.pi)


def _tanh_softplus(x: np.ndarray) -> np.ndarray:
    return np.tanh(softplus(x))


def _mish_slope(x: np.ndarray) -> np.ndarray:
    gate = _tanh_softplus(x)
    return gate + x * special.expit(x) * (1 - gate**2)


def _silu_slope(x: np.ndarray) -> np.ndarray:
    gate = special.expit(x)
    return gate + x * gate * (1 - gate)


def _softmax(x: np.ndarray) -> np.ndarray:
    return special.softmax(x, axis=-1)


ACTIVATIONS: dict[str, Activation] = {
    "sigmoid": Activation(
        (("e^-x", lambda x: np.exp(-x)), ("1 / (1 + e^-x)", special.expit)),
        "{z} (1 - {z})",
        lambda x: special.expit(x) * special.expit(-x),
    ),
    "tanh": Activation(
        (("e^x", np.exp), ("e^-x", lambda x: np.exp(-x)), ("(e^x - e^-x) / (e^x + e^-x)", np.tanh)),
        "(1 - {z}^2)",
        lambda x: 1 - np.tanh(x) ** 2,
    ),
    "relu": Activation(
        (("max(0, x)", lambda x: np.maximum(x, 0.0)),), "[{a} > 0]", lambda x: np.where(x > 0, 1.0, 0.0), (0.0,)
    ),
    "leaky_relu": Activation(
        (("max(0, x) + 0.01 min(0, x)", lambda x: np.where(x > 0, x, LEAK * x)),),
        "leaky_relu'({a})",
        lambda x: np.where(x > 0, 1.0, LEAK),
        (0.0,),
    ),
    "relu6": Activation(
        (("min(max(0, x), 6)", lambda x: np.clip(x, 0.0, 6.0)),),
        "[0 < {a} < 6]",
        lambda x: np.where((x > 0) & (x < 6), 1.0, 0.0),
        (0.0, 6.0),
    ),
    "mish": Activation(
        (
            ("softplus(x) = ln(1 + e^x)", softplus),
            ("tanh(softplus(x))", _tanh_softplus),
            ("x tanh(softplus(x))", lambda x: x * _tanh_softplus(x)),
        ),
        "mish'({a})",
        _mish_slope,
    ),
    "gelu": Activation(
        (("Phi(x) = P(N(0, 1) < x)", special.ndtr), ("x Phi(x)", lambda x: x * special.ndtr(x))),
        "gelu'({a})",
        lambda x: special.ndtr(x) + x * gauss(x),
    ),
    "silu": Activation(
        (("sigmoid(x) = 1 / (1 + e^-x)", special.expit), ("x sigmoid(x)", lambda x: x * special.expit(x))),
        "silu'({a})",
        _silu_slope,
    ),
    "softmax": Activation(
        (
            ("e^x", np.exp),
            ("sum of e^x", lambda x: np.exp(x).sum(axis=-1, keepdims=True) + np.zeros_like(x)),
            ("e^x / sum of e^x", _softmax),
        ),
        "{z} (1 - {z})",
        lambda x: _softmax(x) * (1 - _softmax(x)),
    ),
}


def evaluate_last(name: str, values: np.ndarray, x: np.ndarray, derivative: bool = False) -> np.ndarray:
    """Compute the last output, or its derivative, while the last of ``values`` runs through ``x``: (m,) -> (m,)."""
    points = np.tile(values, (len(x), 1))
    points[:, -1] = x
    activation = ACTIVATIONS[name]
    return (activation.derivative if derivative else activation.value)(points)[:, -1]
