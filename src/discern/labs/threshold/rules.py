"""Thresholds between two classes of numbers: an expert's, and three that are learned.

Source: Fisher 1936, The use of multiple measurements in taxonomic problems (LDA); Breiman, Friedman, Olshen and Stone
1984, Classification and regression trees, section 2.3 (a stump is a tree of one split); Cox 1958, The regression
analysis of binary sequences (logistic regression).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from discern.errors import ConfigError
from discern.i18n import _

Named = tuple[str, np.ndarray]


@dataclass(frozen=True)
class Rule:
    """A threshold and what it gets wrong among the values that it was made for.

    Attributes
    ----------
    name : str
    threshold : float
    below, above : str
        The class of what is at most, and of what is more than the threshold.
    high_called_low, high_total, low_called_high, low_total : int
        Errors in the class with the higher mean, in the other, and how many values they have.
    """

    name: str
    threshold: float
    below: str
    above: str
    high_called_low: int
    high_total: int
    low_called_high: int
    low_total: int

    @property
    def errors(self) -> int:
        """Of both kinds."""
        return self.high_called_low + self.low_called_high


@dataclass(frozen=True)
class Pair:
    """Two classes and their thresholds.

    Attributes
    ----------
    title : str
    low, high : str
        Names of the classes with the lower and the higher mean.
    low_values, high_values : numpy.ndarray
        float64, sorted.
    deviation : float
        Standard deviation around the two means, pooled (maximum likelihood, so divided by n).
    rules : tuple of Rule
        The expert's where there is one, LDA's, the stump's, logistic regression's.
    candidates, errors : numpy.ndarray
        (K,): a threshold between every two neighbouring values and outside of all, and how many it gets wrong.
    """

    title: str
    low: str
    high: str
    low_values: np.ndarray
    high_values: np.ndarray
    deviation: float
    rules: tuple[Rule, ...]
    candidates: np.ndarray
    errors: np.ndarray

    @property
    def n(self) -> int:
        """Values of both classes."""
        return len(self.low_values) + len(self.high_values)

    def best(self) -> tuple[int, float, float]:
        """Return the fewest errors that any threshold makes, and between which values the first of those lies."""
        values = np.union1d(self.low_values, self.high_values)
        place = int(self.errors.argmin())  # candidate i lies between values i - 1 and i
        low = values[place - 1] if place else -math.inf
        high = values[place] if place < len(values) else math.inf
        return int(self.errors[place]), float(low), float(high)


def compare(title: str, one: Named, other: Named, expert: float | None) -> Pair:
    """Find the thresholds of two classes.

    Raises
    ------
    ConfigError
        When one has fewer than two values, or their means are the same.

    Examples
    --------
    >>> found = compare("", ("low", np.array([1.0, 2])), ("high", np.array([4.0, 5])), None)
    >>> [(rule.name, rule.threshold) for rule in found.rules[:2]]
    [('LDA', 3.0), ('decision stump', 3.0)]
    """
    for name, values in (one, other):
        if len(values) < 2:
            message = _("{name} has {n} values: at least 2 are needed to see how they spread.")
            raise ConfigError(message.format(name=name, n=len(values)))
    if one[1].mean() == other[1].mean():
        message = _("{one} and {other} have the same mean, {mean:g}: no threshold tells them apart.")
        raise ConfigError(message.format(one=one[0], other=other[0], mean=one[1].mean()))
    (low, low_values), (high, high_values) = sorted((one, other), key=lambda named: float(named[1].mean()))
    low_values, high_values = np.sort(low_values), np.sort(high_values)
    squares = sum(float(np.square(values - values.mean()).sum()) for values in (low_values, high_values))
    deviation = math.sqrt(squares / (len(low_values) + len(high_values)))
    rules = _learned(low, low_values, high, high_values, deviation, expert)
    values = np.union1d(low_values, high_values)
    margin = 0.05 * np.ptp(values)
    candidates = np.concatenate([[values[0] - margin], (values[1:] + values[:-1]) / 2, [values[-1] + margin]])
    errors = np.searchsorted(high_values, candidates, "right") + len(low_values)
    errors = errors - np.searchsorted(low_values, candidates, "right")
    return Pair(title, low, high, low_values, high_values, deviation, rules, candidates, errors)


def _learned(
    low: str, low_values: np.ndarray, high: str, high_values: np.ndarray, deviation: float, expert: float | None
) -> tuple[Rule, ...]:
    from sklearn.linear_model import LogisticRegression
    from sklearn.tree import DecisionTreeClassifier

    def rule(name: str, threshold: float, below: str = low, above: str = high) -> Rule:
        wrong = [
            int(np.where(values > threshold, above != own, below != own).sum())
            for own, values in ((high, high_values), (low, low_values))
        ]
        return Rule(name, threshold, below, above, wrong[0], len(high_values), wrong[1], len(low_values))

    x = np.concatenate([low_values, high_values])[:, None]  # (N, 1)
    y = np.repeat([0, 1], [len(low_values), len(high_values)])
    middle = (low_values.mean() + high_values.mean()) / 2
    shift = deviation**2 * math.log(len(high_values) / len(low_values)) / (high_values.mean() - low_values.mean())
    tree = DecisionTreeClassifier(max_depth=1, random_state=0).fit(x, y).tree_
    sides = [(low, high)[int(tree.value[leaf, 0].argmax())] for leaf in (tree.children_left[0], tree.children_right[0])]
    logistic = LogisticRegression().fit((x - x.mean()) / x.std(), y)
    border = x.mean() - x.std() * logistic.intercept_[0] / logistic.coef_[0, 0]
    lines = () if expert is None else (rule(_("expert"), expert),)
    return (
        *lines,
        rule(_("LDA"), float(middle - shift)),
        rule(_("decision stump"), float(tree.threshold[0]), *sides),
        rule(_("logistic regression"), float(border)),
    )
