"""Loss surfaces: functions of two weights with their gradients by formula."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np

Pair = tuple[float, float]
Values = Callable[[np.ndarray, np.ndarray], np.ndarray]


@dataclass(frozen=True)
class Surface:
    """A loss over two weights."""

    formula: str  # as a person writes it
    value: Values  # x and y, of any one shape -> the loss
    gradient: Values  # x and y -> (2, ...)
    start: Pair  # of the optimizers
    minima: tuple[Pair, ...]  # global
    box: tuple[float, float, float, float]  # limits of the figure: from x, to x, from y, to y
    lr: float  # that suits optimizers whose step grows with the gradient
    step: float  # the learning rate that suits those that divide by it
    rows: np.ndarray | None = None  # (n, 3): x, 1 and y of a line fitted by least squares; a mini-batch takes some

    def value_at(self, point: np.ndarray) -> float:
        """Return the loss at one point (2,)."""
        return float(self.value(point[0], point[1]))

    def gradient_at(self, point: np.ndarray) -> np.ndarray:
        """Return the gradient at one point: (2,) -> (2,)."""
        return self.gradient(point[0], point[1])

    def curvature(self, point: Pair) -> float:
        """Return the largest second derivative in any direction: the top eigenvalue of the Hessian."""
        h, center = 1e-5, np.array(point)
        changes = [self.gradient_at(center + move) - self.gradient_at(center - move) for move in h * np.eye(2)]
        hessian = np.array(changes) / (2 * h)
        return float(np.linalg.eigvalsh((hessian + hessian.T) / 2)[-1])


def least_squares(rows: np.ndarray, w: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Compute half the mean squared error of the line w x + b over ``rows`` (n, 3)."""
    x, one, y = rows.T.reshape(3, -1, *[1] * np.ndim(w))
    return ((w * x + b * one - y) ** 2).mean(axis=0) / 2


def least_squares_gradient(rows: np.ndarray, w: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Return the derivatives by w and by b."""
    x, one, y = rows.T.reshape(3, -1, *[1] * np.ndim(w))
    error = w * x + b * one - y
    return np.stack([(error * x).mean(axis=0), (error * one).mean(axis=0)])


def _fit_line() -> Surface:
    x = np.linspace(-1, 3, 20)
    y = 1.5 * x - 0.5 + np.random.default_rng(0).normal(0, 0.6, len(x))
    rows = np.stack([x, np.ones_like(x), y], axis=1)
    w, b = np.linalg.lstsq(rows[:, :2], y, rcond=None)[0]
    return Surface(
        "mean((x t + y - z)²) / 2, 20 × (t, z)",
        partial(least_squares, rows),
        partial(least_squares_gradient, rows),
        start=(-1.0, 2.5),
        minima=((float(w), float(b)),),
        box=(-2.0, 4.0, -3.0, 3.5),
        lr=0.2,
        step=0.15,
        rows=rows,
    )


SURFACES: dict[str, Surface] = {
    "bowl": Surface(
        "(x² + y²) / 2",
        lambda x, y: (x**2 + y**2) / 2,
        lambda x, y: np.stack([x, y]),
        start=(-4.0, 3.0),
        minima=((0.0, 0.0),),
        box=(-5.0, 5.0, -4.0, 4.0),
        lr=0.1,
        step=0.2,
    ),
    "ravine": Surface(
        "(x² + 25 y²) / 2",
        lambda x, y: (x**2 + 25 * y**2) / 2,
        lambda x, y: np.stack([x, 25 * y]),
        start=(-4.0, 1.0),
        minima=((0.0, 0.0),),
        box=(-5.0, 3.0, -2.0, 2.0),
        lr=0.05,
        step=0.15,
    ),
    "saddle": Surface(
        "x² / 2 + (y² - 1)² / 4",
        lambda x, y: x**2 / 2 + (y**2 - 1) ** 2 / 4,
        lambda x, y: np.stack([x, y**3 - y]),
        start=(-1.5, 0.01),
        minima=((0.0, 1.0), (0.0, -1.0)),
        box=(-2.0, 1.2, -1.6, 1.6),
        lr=0.05,
        step=0.05,
    ),
    "rosenbrock": Surface(
        "(1 - x)² + 100 (y - x²)²",
        lambda x, y: (1 - x) ** 2 + 100 * (y - x**2) ** 2,
        lambda x, y: np.stack([2 * (x - 1) - 400 * x * (y - x**2), 200 * (y - x**2)]),
        start=(-1.2, 1.0),
        minima=((1.0, 1.0),),
        box=(-2.0, 2.0, -1.0, 3.0),
        lr=0.001,
        step=0.1,
    ),
    "himmelblau": Surface(
        "(x² + y - 11)² + (x + y² - 7)²",
        lambda x, y: (x**2 + y - 11) ** 2 + (x + y**2 - 7) ** 2,
        lambda x, y: np.stack(
            [4 * x * (x**2 + y - 11) + 2 * (x + y**2 - 7), 2 * (x**2 + y - 11) + 4 * y * (x + y**2 - 7)]
        ),
        start=(-0.5, -1.0),
        minima=(
            (3.0, 2.0),
            (-2.805118086952745, 3.131312518250573),
            (-3.779310253377747, -3.283185991286170),
            (3.584428340330492, -1.848126526964404),
        ),
        box=(-5.5, 5.5, -5.5, 5.5),
        lr=0.008,
        step=0.15,
    ),
    "waves": Surface(
        "(x² + y²) / 4 + 2 - cos 3x - cos 3y",
        lambda x, y: (x**2 + y**2) / 4 + 2 - np.cos(3 * x) - np.cos(3 * y),
        lambda x, y: np.stack([x / 2 + 3 * np.sin(3 * x), y / 2 + 3 * np.sin(3 * y)]),
        start=(-2.8, 3.0),
        minima=((0.0, 0.0),),
        box=(-4.0, 2.5, -2.5, 3.5),
        lr=0.05,
        step=0.2,
    ),
    "line": _fit_line(),
}
