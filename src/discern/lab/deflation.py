"""Principal components one after the other: power iteration finds one, deflation takes it away, and again.

Sources: K. Pearson, On lines and planes of closest fit to systems of points in space, 1901; H. Hotelling, Analysis of a
complex of statistical variables into principal components, 1933; R. von Mises and H. Pollaczek-Geiringer, 1929 (power
iteration).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

SETTLED = 1e-10  # radians that a step turns the direction
MOST_STEPS = 3000
EVERY = 20  # steps that are all kept; after them each that is a power of two, and the last
NOTHING = 1e-12  # of the variance: what rounding leaves of it


@dataclass(frozen=True)
class Step:
    """One step of power iteration.

    Attributes
    ----------
    number : int
        0 is the random start.
    direction : numpy.ndarray
        (F,), of length 1.
    variance : float
        Of the rows along it.
    turned : float
        Degrees to the direction before.
    """

    number: int
    direction: np.ndarray
    variance: float
    turned: float


@dataclass(frozen=True)
class Component:
    """One principal component.

    Attributes
    ----------
    direction : numpy.ndarray
        (F,), of length 1; its largest entry is positive.
    variance : float
        Of the rows along it.
    left : float
        Variance that is left in all directions once it is taken away.
    steps : tuple of Step
        The first `EVERY`, then those at powers of two, and the last.
    settled : bool
        Whether the last step turned it by less than `SETTLED`.
    """

    direction: np.ndarray
    variance: float
    left: float
    steps: tuple[Step, ...]
    settled: bool


def components(rows: np.ndarray, count: int, seed: int) -> list[Component]:
    """w1 = argmax variance of w'X; then X - X w w', and again.

    Parameters
    ----------
    rows : numpy.ndarray
        X, (N, F), of mean 0 in every column.
    count : int
        How many; fewer come back where fewer hold all the variance.

    Examples
    --------
    >>> found = components(np.array([[-3.0, 0.0], [3.0, 0.0], [0.0, 1.0], [0.0, -1.0]]), 2, seed=0)
    >>> [(int(one.direction.argmax()), round(one.variance, 6), round(one.left, 6)) for one in found]
    [(0, 6.0, 0.666667), (1, 0.666667, 0.0)]
    """
    rng = np.random.default_rng(seed)
    total, left = _variance(rows), rows
    found: list[Component] = []
    while len(found) < count and (not found or found[-1].left > NOTHING * total):
        steps, settled = power_iteration(left, rng.normal(size=(rows.shape[1],)))
        w = steps[-1].direction
        w = w * np.sign(w[np.abs(w).argmax()])
        left = left - np.outer(left @ w, w)
        found.append(Component(w, steps[-1].variance, _variance(left), tuple(steps), settled))
    return found


def power_iteration(rows: np.ndarray, start: np.ndarray) -> tuple[list[Step], bool]:
    """Multiply a direction by the covariance again and again: what grows fastest is left.

    Parameters
    ----------
    rows : numpy.ndarray
        (N, F), of mean 0 in every column.
    start : numpy.ndarray
        (F,)

    Returns
    -------
    list of Step, bool
        The steps that are kept, and whether it settled.
    """
    covariance = rows.T @ rows / (len(rows) - 1)  # (F, F)
    w = start / np.linalg.norm(start)
    steps = [Step(0, w, float(w @ covariance @ w), 0.0)]
    for number in range(1, MOST_STEPS + 1):
        grown = covariance @ w
        after = grown / np.linalg.norm(grown)
        turned = 2 * float(np.arcsin(min(1.0, float(np.linalg.norm(after - w)) / 2)))
        w, settled = after, turned < SETTLED
        if number <= EVERY or number & (number - 1) == 0 or settled or number == MOST_STEPS:
            steps.append(Step(number, w, float(w @ covariance @ w), float(np.degrees(turned))))
        if settled:
            return steps, True
    return steps, False


def _variance(rows: np.ndarray) -> float:
    """In all directions together."""
    return float((rows**2).sum() / (len(rows) - 1))
