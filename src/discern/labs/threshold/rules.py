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
    """A threshold and its errors on the values it was fitted to; the class with the higher mean counts as positive."""

    name: str
    threshold: float
    below: str  # predicted at or below the threshold
    above: str  # predicted above it
    fn: int  # values of the higher class predicted as the lower one
    n_high: int
    fp: int  # values of the lower class predicted as the higher one
    n_low: int

    @property
    def errors(self) -> int:
        """False negatives and false positives."""
        return self.fn + self.fp


@dataclass(frozen=True)
class Pair:
    """Two classes and their thresholds."""

    title: str
    low: str  # name of the class with the lower mean
    high: str  # name of the class with the higher mean
    low_values: np.ndarray  # float64, sorted
    high_values: np.ndarray
    deviation: float  # around the two means, pooled (maximum likelihood, so divided by n)
    rules: tuple[Rule, ...]  # the expert's where there is one, then those of LDA, the stump and logistic regression
    candidates: np.ndarray  # (K,): a threshold between every two neighboring values and outside all of them
    errors: np.ndarray  # (K,): of each candidate

    @property
    def n(self) -> int:
        """The number of values."""
        return len(self.low_values) + len(self.high_values)

    def best(self) -> tuple[int, float, float]:
        """Return the fewest errors of any threshold, and the values between which the first such threshold lies."""
        values = np.union1d(self.low_values, self.high_values)
        index = int(self.errors.argmin())  # candidate i lies between values i - 1 and i
        low = values[index - 1] if index else -math.inf
        high = values[index] if index < len(values) else math.inf
        return int(self.errors[index]), float(low), float(high)


def fit_rules(title: str, one: Named, other: Named, expert: float | None) -> Pair:
    """Find the thresholds between two classes.

    Examples
    --------
    >>> pair = fit_rules("", ("low", np.array([1.0, 2])), ("high", np.array([4.0, 5])), None)
    >>> [(rule.name, rule.threshold) for rule in pair.rules[:2]]
    [('LDA', 3.0), ('decision stump', 3.0)]
    """
    for name, values in (one, other):
        if len(values) < 2:
            message = _("{name} has {n} values: give at least 2, to estimate their spread.")
            raise ConfigError(message.format(name=name, n=len(values)))
    if one[1].mean() == other[1].mean():
        message = _("{one} and {other} have the same mean, {mean:g}: no threshold separates them.")
        raise ConfigError(message.format(one=one[0], other=other[0], mean=one[1].mean()))
    (low, low_values), (high, high_values) = sorted((one, other), key=lambda named: float(named[1].mean()))
    low_values, high_values = np.sort(low_values), np.sort(high_values)
    squares = sum(float(np.square(values - values.mean()).sum()) for values in (low_values, high_values))
    deviation = math.sqrt(squares / (len(low_values) + len(high_values)))
    rules = _fit(low, low_values, high, high_values, deviation, expert)
    values = np.union1d(low_values, high_values)
    margin = 0.05 * np.ptp(values)
    candidates = np.concatenate([[values[0] - margin], (values[1:] + values[:-1]) / 2, [values[-1] + margin]])
    errors = np.searchsorted(high_values, candidates, "right") + len(low_values)
    errors = errors - np.searchsorted(low_values, candidates, "right")
    return Pair(title, low, high, low_values, high_values, deviation, rules, candidates, errors)


def _fit(
    low: str, low_values: np.ndarray, high: str, high_values: np.ndarray, deviation: float, expert: float | None
) -> tuple[Rule, ...]:
    from sklearn.linear_model import LogisticRegression
    from sklearn.tree import DecisionTreeClassifier

    def count_errors(name: str, threshold: float, below: str = low, above: str = high) -> Rule:
        fn, fp = [
            int(np.where(values > threshold, above != own, below != own).sum())
            for own, values in ((high, high_values), (low, low_values))
        ]
        return Rule(name, threshold, below, above, fn, len(high_values), fp, len(low_values))

    x = np.concatenate([low_values, high_values])[:, None]  # (N, 1)
    y = np.repeat([0, 1], [len(low_values), len(high_values)])
    # Where the two Gaussians of LDA, weighted by the class frequencies, are equally high.
    middle = (low_values.mean() + high_values.mean()) / 2
    shift = deviation**2 * math.log(len(high_values) / len(low_values)) / (high_values.mean() - low_values.mean())
    tree = DecisionTreeClassifier(max_depth=1, random_state=0).fit(x, y).tree_
    sides = [(low, high)[int(tree.value[leaf, 0].argmax())] for leaf in (tree.children_left[0], tree.children_right[0])]
    logistic = LogisticRegression().fit((x - x.mean()) / x.std(), y)
    boundary = x.mean() - x.std() * logistic.intercept_[0] / logistic.coef_[0, 0]  # where the logit is 0
    rules = [] if expert is None else [count_errors(_("expert"), expert)]
    return (
        *rules,
        count_errors(_("LDA"), float(middle - shift)),
        count_errors(_("decision stump"), float(tree.threshold[0]), *sides),
        count_errors(_("logistic regression"), float(boundary)),
    )
