"""The smallest classifier: one number, one threshold; from an expert, from the eye, or learned.

Source: Fisher 1936, The use of multiple measurements in taxonomic problems (LDA); Breiman, Friedman, Olshen and Stone
1984, Classification and regression trees, section 2.3 (a stump is a tree of one split); Cox 1958, The regression
analysis of binary sequences (logistic regression).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import numpy as np
from pydantic import Field

from discern.errors import ConfigError
from discern.evaluation.intervals import wilson
from discern.i18n import _
from discern.lab.columns import place, read_columns
from discern.lab.options import Numbers
from discern.lab.result import Cell, Result, Table

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

WOMEN = np.array([22.0, 25, 30, 33, 35])  # body fat in percent
MEN_OVERLAPPING = np.array([10.0, 15, 20, 25, 30])
MEN_SEPARABLE = np.array([10.0, 13, 15, 17, 18])


def summary() -> str:
    """What this lab shows."""
    return _("One number, two classes: a threshold from an expert, from the plot, or learned from the data.")


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
        The expert's, LDA's, the stump's, logistic regression's.
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
        """The fewest errors that any threshold makes, and between which values the first of those lies."""
        values = np.union1d(self.low_values, self.high_values)
        place = int(self.errors.argmin())  # candidate i lies between values i - 1 and i
        low = values[place - 1] if place else -math.inf
        high = values[place] if place < len(values) else math.inf
        return int(self.errors[place]), float(low), float(high)


@dataclass(frozen=True)
class Threshold(Result):
    """Thresholds on one number.

    Attributes
    ----------
    quantity : str
        What the number is.
    pairs : tuple of Pair
        The lecture's two sets of values, or one's own.
    """

    quantity: str
    pairs: tuple[Pair, ...]

    inches = (10.0, 5.5)

    def sentences(self) -> Sequence[str]:
        found = []
        for pair in self.pairs:
            fewest, low, high = pair.best()
            if fewest:
                sentence = _("{title}: at best {k} of {n} are wrong, with a threshold from {low:g} to below {high:g}.")
            else:
                sentence = _("{title}: any threshold from {low:g} to below {high:g} gets all {n} right.")
            found.append(sentence.format(title=pair.title, k=fewest, n=pair.n, low=low, high=high))
        found.append(
            _(
                "LDA takes the middle between the two means where the classes are equally frequent; logistic "
                "regression looks most at the values near the border; the stump takes the split that leaves the two "
                "sides purest."
            )
        )
        pair = self.pairs[0]
        right = pair.n - pair.rules[1].errors
        low, high = wilson(right, pair.n)
        sentence = _(
            "Errors are counted on the values that taught the thresholds: LDA's {right} of {n} right would fit an "
            "accuracy from {low:.2f} to {high:.2f} (Wilson, at 95 %)."
        )
        found.append(sentence.format(right=right, n=pair.n, low=low, high=high))
        return found

    def tables(self) -> Sequence[Table]:
        return [table for pair in self.pairs for table in (_values(pair), _rules(pair))]

    def plot(self, figure: Figure) -> None:
        axes = figure.subplots(2, len(self.pairs), squeeze=False, sharex="col", height_ratios=(2, 1))
        for (upper, lower), pair in zip(axes.T, self.pairs, strict=True):
            _distribution(upper, pair)
            edges = np.union1d(np.union1d(pair.low_values, pair.high_values), pair.candidates[[0, -1]])
            lower.stairs(pair.errors, edges, baseline=None, color="black", linewidth=1.5)
            lower.set_ylim(-0.2, 1.1 * pair.errors.max())
            lower.set_xlim(*pair.candidates[[0, -1]])
            lower.set_xlabel(self.quantity)
            lower.set_ylabel(_("errors"))
            lower.yaxis.get_major_locator().set_params(integer=True)


def run(
    first: Annotated[Numbers | None, Field(description=_("Your own values of one class, such as 22 25 30."))] = None,
    second: Annotated[Numbers | None, Field(description=_("Your own values of the other class."))] = None,
    names: Annotated[str, Field(description=_("Names of the two classes, with a comma between."))] = "F, M",
    csv: Annotated[
        str, Field(description=_("A .csv with a column of numbers and one of two classes, or a column for each class."))
    ] = "",
    column: Annotated[str, Field(description=_("Which column of numbers, by name or counted from 1."))] = "1",
    expert: Annotated[float, Field(description=_("The expert's threshold."))] = 20.0,
) -> Threshold:
    """Find thresholds between two classes of numbers: more than the threshold is the class with the higher mean.

    LDA's is worked out here (equal variances, priors as frequent as the classes); scikit-learn finds those of a
    decision tree of one split (Gini) and of logistic regression (its default penalty, C = 1, on standardised values).

    Raises
    ------
    ConfigError
        When there are not two classes of at least two values with different means, or the file will not do.

    Examples
    --------
    >>> separable = run().pairs[1]
    >>> [(rule.threshold, rule.errors) for rule in separable.rules[:3]]
    [(20.0, 0), (21.8, 0), (20.0, 0)]
    """
    called = [name.strip() for name in names.split(",")]
    if len(called) != 2 or "" in called or called[0] == called[1]:
        sentence = _("names={names} will not do: write two names with a comma between, such as F, M.")
        raise ConfigError(sentence.format(names=names))
    if csv:
        quantity, (one, other) = _own(csv, column)
        return Threshold(quantity, (_pair(csv, one, other, expert),))
    if (first is None) != (second is None):
        raise ConfigError(_("One class alone has no threshold: give both first and second."))
    if first is not None and second is not None:
        own = _pair(_("your values"), (called[0], first), (called[1], second), expert)
        return Threshold(_("value"), (own,))
    women = (called[0], WOMEN)
    overlapping = _pair(_("overlapping"), women, (called[1], MEN_OVERLAPPING), expert)
    separable = _pair(_("separable"), women, (called[1], MEN_SEPARABLE), expert)
    return Threshold(_("body fat (%)"), (overlapping, separable))


Named = tuple[str, np.ndarray]


def _own(path: str, column: str) -> tuple[str, tuple[Named, Named]]:
    """What the numbers of a file are, and those of its two classes."""
    found = read_columns(path)
    if not found.classes and len(found.names) == 2:
        return _("value"), ((found.names[0], found.values[:, 0]), (found.names[1], found.values[:, 1]))
    if len(found.classes) != 2:
        sentence = _("{path} has {n} classes: a threshold tells two apart, so keep the rows of two.")
        raise ConfigError(sentence.format(path=path, n=len(found.classes)))
    chosen = place(found.names, column)
    values = found.values[:, chosen]
    return found.names[chosen], (
        (found.classes[0], values[found.labels == 0]),
        (found.classes[1], values[found.labels == 1]),
    )


def _pair(title: str, one: Named, other: Named, expert: float) -> Pair:
    for name, values in (one, other):
        if len(values) < 2:
            sentence = _("{name} has {n} values: at least 2 are needed to see how they spread.")
            raise ConfigError(sentence.format(name=name, n=len(values)))
    if one[1].mean() == other[1].mean():
        sentence = _("{one} and {other} have the same mean, {mean:g}: no threshold tells them apart.")
        raise ConfigError(sentence.format(one=one[0], other=other[0], mean=one[1].mean()))
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
    low: str, low_values: np.ndarray, high: str, high_values: np.ndarray, deviation: float, expert: float
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
    return (
        rule(_("expert"), expert),
        rule(_("LDA"), float(middle - shift)),
        rule(_("decision stump"), float(tree.threshold[0]), *sides),
        rule(_("logistic regression"), float(border)),
    )


def _values(pair: Pair) -> Table:
    rows: list[list[Cell]] = []
    for name, values in ((pair.low, pair.low_values), (pair.high, pair.high_values)):
        shown = " ".join(f"{value:g}" for value in values[:12]) + (" ..." if len(values) > 12 else "")
        rows.append([name, shown, len(values), float(values.mean()), pair.deviation])
    titles = (_("class"), _("values"), _("n"), _("mean"), _("deviation within classes"))
    return Table(pair.title, titles, rows)


def _rules(pair: Pair) -> Table:
    words = _("{low} called {high}"), _("{high} called {low}")
    wrong = [word.format(low=pair.low, high=pair.high) for word in words]
    rows = []
    for rule in pair.rules:
        low, high = wilson(pair.n - rule.errors, pair.n)
        each = (f"{rule.low_called_high}/{rule.low_total}", f"{rule.high_called_low}/{rule.high_total}")
        right = f"{(pair.n - rule.errors) / pair.n:.3f} ({low:.2f}-{high:.2f})"
        rows.append((rule.name, rule.threshold, rule.below, rule.above, *each, right))
    titles = (_("rule"), _("threshold"), _("up to it"), _("above it"), *wrong, _("accuracy (interval at 95 %)"))
    return Table(_("{title}: thresholds and their errors").format(title=pair.title), titles, rows)


def _distribution(ax: Axes, pair: Pair) -> None:
    span = np.linspace(pair.candidates[0] - pair.deviation, pair.candidates[-1] + pair.deviation, 200)
    colours = ("tab:blue", "tab:red")
    for row, (name, values) in enumerate(((pair.low, pair.low_values), (pair.high, pair.high_values))):
        ax.scatter(values, np.full(len(values), -0.08 - 0.1 * row), color=colours[row], label=name, s=30, alpha=0.8)
        if pair.deviation:
            bell = np.exp(-0.5 * np.square((span - values.mean()) / pair.deviation))
            ax.fill_between(span, bell, color=colours[row], alpha=0.15, linewidth=0)
    dashes = ("-", "--", "-.", ":")
    for rule, dash, colour in zip(pair.rules, dashes, ("black", "tab:green", "tab:purple", "tab:orange"), strict=True):
        label = f"{rule.name} {rule.threshold:.4g} ({rule.errors}/{pair.n})"
        ax.axvline(rule.threshold, linestyle=dash, color=colour, label=label, linewidth=1.8)
    ax.set_title(pair.title)
    ax.set_yticks([])
    ax.set_ylim(-0.28, 1.75)
    ax.legend(fontsize=8, loc="upper left", ncols=2)
