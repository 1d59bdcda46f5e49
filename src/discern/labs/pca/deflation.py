"""Principal components one by one: power iteration for the largest, deflation, and again.

Sources: K. Pearson, On lines and planes of closest fit to systems of points in space, 1901; H. Hotelling, Analysis of a
complex of statistical variables into principal components, 1933; R. von Mises and H. Pollaczek-Geiringer, 1929 (power
iteration).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

TOLERANCE = 1e-10  # radians: a direction that turns by less has converged
MAX_STEPS = 3000
DENSE_STEPS = 20  # recorded one by one; after them only powers of two, and the last
ROUNDING = 1e-12  # of the total variance: what rounding errors leave of it


@dataclass(frozen=True)
class Step:
    """One step of power iteration."""

    number: int  # 0 is the random start
    direction: np.ndarray  # (F,), of length 1
    variance: float  # of the examples along it
    angle: float  # degrees to the direction of the step before


@dataclass(frozen=True)
class Component:
    """One principal component."""

    direction: np.ndarray  # (F,), of length 1; its largest entry is positive
    variance: float  # of the examples along it
    residual_variance: float  # in all directions, after this component has been subtracted
    steps: tuple[Step, ...]  # the first `DENSE_STEPS`, those at powers of two, and the last
    converged: bool


def find_components(values: np.ndarray, n_components: int, seed: int) -> list[Component]:
    """Find w1 = argmax variance of w'X; then replace X by X - X w w', and repeat.

    ``values`` are X, (N, F), with mean 0 in every column. Fewer components are returned where fewer explain all the
    variance.

    Examples
    --------
    >>> components = find_components(np.array([[-3.0, 0.0], [3.0, 0.0], [0.0, 1.0], [0.0, -1.0]]), 2, seed=0)
    >>> [(int(one.direction.argmax()), round(one.variance, 6), round(one.residual_variance, 6)) for one in components]
    [(0, 6.0, 0.666667), (1, 0.666667, 0.0)]
    """
    rng = np.random.default_rng(seed)
    total, residual = total_variance(values), values
    components: list[Component] = []
    while len(components) < n_components and (not components or components[-1].residual_variance > ROUNDING * total):
        steps, converged = iterate_power(residual, rng.normal(size=(values.shape[1],)))
        w = steps[-1].direction
        w = w * np.sign(w[np.abs(w).argmax()])  # either sign is a solution: fix it, so that results can be compared
        # Deflation: with its part along w gone, the residual's largest direction is orthogonal to w.
        residual = residual - np.outer(residual @ w, w)
        components.append(Component(w, steps[-1].variance, total_variance(residual), tuple(steps), converged))
    return components


def iterate_power(values: np.ndarray, start: np.ndarray) -> tuple[list[Step], bool]:
    """Multiply a direction by the covariance until it stops turning, at the eigenvector of the largest eigenvalue.

    From centered ``values`` (N, F) and a ``start`` (F,), return the recorded steps, and whether it converged.
    """
    covariance = values.T @ values / (len(values) - 1)  # (F, F)
    w = start / np.linalg.norm(start)
    steps = [Step(0, w, float(w @ covariance @ w), 0.0)]
    for number in range(1, MAX_STEPS + 1):
        # Each multiplication scales the part of w along an eigenvector by its eigenvalue: the largest one wins, by the
        # ratio to the second in every step.
        product = covariance @ w
        after = product / np.linalg.norm(product)
        angle = 2 * float(np.arcsin(min(1.0, float(np.linalg.norm(after - w)) / 2)))  # arccos is blind to small angles
        w, converged = after, angle < TOLERANCE
        if number <= DENSE_STEPS or number & (number - 1) == 0 or converged or number == MAX_STEPS:
            steps.append(Step(number, w, float(w @ covariance @ w), float(np.degrees(angle))))
        if converged:
            return steps, True
    return steps, False


def total_variance(values: np.ndarray) -> float:
    """Return the variance of centered ``values`` (N, F), summed over all directions."""
    return float((values**2).sum() / (len(values) - 1))
