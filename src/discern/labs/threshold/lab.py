"""The smallest classifier: one feature, one threshold, set by an expert, by eye, or learned from the data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import numpy as np

from discern.errors import ConfigError
from discern.evaluation.intervals import wilson
from discern.i18n import N_, _
from discern.labs.feature_data import find_column, read_feature_table
from discern.labs.options import Numbers
from discern.labs.threshold.figure import draw_errors, draw_thresholds
from discern.labs.threshold.rules import Named, Pair, fit_rules
from discern.result import Cell, Result, Table

if TYPE_CHECKING:
    from matplotlib.figure import Figure

WOMEN = np.array([22.0, 25, 30, 33, 35])  # body fat in percent
MEN_OVERLAPPING = np.array([10.0, 15, 20, 25, 30])
MEN_SEPARABLE = np.array([10.0, 13, 15, 17, 18])
EXPERT = 20.0
MAX_VALUES = 12  # listed in a table


@dataclass(frozen=True)
class Threshold(Result):
    """Thresholds on one feature."""

    quantity: str  # what the values measure
    pairs: tuple[Pair, ...]  # the lecture's two sets of values, or one's own

    figsize = (10.0, 5.5)

    def sentences(self) -> Sequence[str]:
        lines = []
        for pair in self.pairs:
            errors, low, high = pair.best()
            message = _("{title}: thresholds from {low:g} to below {high:g} classify all {n} values correctly.")
            if errors:
                message = _(
                    "{title}: at best {k} of {n} values are misclassified (threshold {low:g} to below {high:g})."
                )
            lines.append(message.format(title=pair.title, k=errors, n=pair.n, low=low, high=high))
        lines.append(
            _(
                "With equally frequent classes LDA's threshold is the midpoint of the two means; logistic regression "
                "depends most on values near the boundary; the stump takes the split with the purest sides."
            )
        )
        pair = self.pairs[0]
        correct = pair.n - pair.rules[-3].errors
        low, high = wilson(correct, pair.n)
        message = _(
            "Errors are counted on the values that the thresholds were fitted to: LDA classifies {correct} of {n} "
            "correctly (95 % CI of the accuracy {low:.3f}–{high:.3f})."
        )
        return [*lines, message.format(correct=correct, n=pair.n, low=low, high=high)]

    def tables(self) -> Sequence[Table]:
        return [table for pair in self.pairs for table in (_value_table(pair), _rule_table(pair))]

    def plot(self, figure: Figure) -> None:
        axes = figure.subplots(2, len(self.pairs), squeeze=False, sharex="col", height_ratios=(2, 1))
        for (upper, lower), pair in zip(axes.T, self.pairs, strict=True):
            draw_thresholds(upper, pair)
            draw_errors(lower, pair, self.quantity)


def run(
    first: Annotated[Numbers | None, N_("Values of one class, such as 22 25 30.")] = None,
    second: Annotated[Numbers | None, N_("Values of the other class.")] = None,
    names: Annotated[str | None, N_("Names of the two classes, separated by a comma, such as F, M.")] = None,
    csv: Annotated[
        str | None,
        N_("A .csv file with a column of numbers and a column of two classes, or a column per class."),
    ] = None,
    column: Annotated[str, N_("Column of numbers, by name or counted from 1.")] = "1",
    expert: Annotated[float | None, N_("An expert's threshold; for body fat 20 if omitted.")] = None,
) -> Threshold:
    """Find thresholds between two classes of numbers: more than the threshold is the class with the higher mean.

    LDA's is computed here (equal variances, class frequencies as priors); scikit-learn fits a decision tree of one
    split (Gini) and logistic regression (its default penalty, C = 1, on standardized values).

    Raises
    ------
    ConfigError
        When there are not two classes of at least two values with different means.
    DataError
        When the file does not fit.

    Examples
    --------
    >>> separable = run().pairs[1]
    >>> [(rule.threshold, rule.errors) for rule in separable.rules[:3]]
    [(20.0, 0), (21.8, 0), (20.0, 0)]
    """
    if csv:
        quantity, classes = _read_classes(csv, column)
        return Threshold(quantity, (fit_rules(csv, *classes, expert),))
    if (first is None) != (second is None):
        raise ConfigError(_("A threshold needs two classes: give both first and second."))
    if first is not None and second is not None:
        one, other = _parse_names(names or _("first, second"))
        return Threshold(_("value"), (fit_rules(_("your values"), (one, first), (other, second), expert),))
    one, other = _parse_names(names or "F, M")
    expert = EXPERT if expert is None else expert
    overlapping = fit_rules(_("overlapping"), (one, WOMEN), (other, MEN_OVERLAPPING), expert)
    separable = fit_rules(_("separable"), (one, WOMEN), (other, MEN_SEPARABLE), expert)
    return Threshold(_("body fat (%)"), (overlapping, separable))


def _parse_names(text: str) -> tuple[str, str]:
    names = [name.strip() for name in text.split(",")]
    if len(names) != 2 or "" in names or names[0] == names[1]:
        message = _("names: expected two names separated by a comma, such as F, M, got {names}.")
        raise ConfigError(message.format(names=text))
    return names[0], names[1]


def _read_classes(path: str, column: str) -> tuple[str, tuple[Named, Named]]:
    """Read what the numbers of a file measure, and those of its two classes."""
    data = read_feature_table(path)
    if not data.classes and len(data.features) == 2:
        return _("value"), ((data.features[0], data.values[:, 0]), (data.features[1], data.values[:, 1]))
    if len(data.classes) != 2:
        message = _("{path} has {n} classes, and a threshold separates two: keep the rows of two classes.")
        raise ConfigError(message.format(path=path, n=len(data.classes)))
    index = find_column(data.features, column)
    first, second = ((name, data.values[data.labels == label, index]) for label, name in enumerate(data.classes))
    return data.features[index], (first, second)


def _value_table(pair: Pair) -> Table:
    rows: list[list[Cell]] = []
    for name, values in ((pair.low, pair.low_values), (pair.high, pair.high_values)):
        listed = " ".join(f"{value:g}" for value in values[:MAX_VALUES]) + (" …" if len(values) > MAX_VALUES else "")
        rows.append([name, listed, len(values), float(values.mean()), f"{pair.deviation:.3f}"])
    columns = (_("class"), _("values"), _("n"), _("mean"), _("standard deviation within classes"))
    return Table(pair.title, columns, rows, text_columns=2)


def _rule_table(pair: Pair) -> Table:
    message = _("{actual} predicted as {predicted}")
    errors = [message.format(actual=a, predicted=p) for a, p in ((pair.low, pair.high), (pair.high, pair.low))]
    rows = []
    for rule in pair.rules:
        low, high = wilson(pair.n - rule.errors, pair.n)
        counts = (f"{rule.fp}/{rule.n_low}", f"{rule.fn}/{rule.n_high}")
        accuracy = f"{(pair.n - rule.errors) / pair.n:.3f} ({low:.3f}–{high:.3f})"
        rows.append((rule.name, rule.below, rule.above, f"{rule.threshold:.3f}", *counts, accuracy))
    columns = (_("rule"), _("at or below"), _("above"), _("threshold"), *errors, _("accuracy (95 % CI)"))
    return Table(_("{title}: thresholds and their errors").format(title=pair.title), columns, rows, text_columns=3)
