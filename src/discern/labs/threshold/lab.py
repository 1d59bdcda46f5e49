"""The smallest classifier: one number, one threshold; from an expert, from the eye, or learned."""

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
from discern.labs.threshold.rules import Named, Pair, compare
from discern.result import Cell, Result, Table

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

WOMEN = np.array([22.0, 25, 30, 33, 35])  # body fat in percent
MEN_OVERLAPPING = np.array([10.0, 15, 20, 25, 30])
MEN_SEPARABLE = np.array([10.0, 13, 15, 17, 18])
EXPERT = 20.0


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

    figsize = (10.0, 5.5)

    def sentences(self) -> Sequence[str]:
        found = []
        for pair in self.pairs:
            fewest, low, high = pair.best()
            if fewest:
                message = _("{title}: at best {k} of {n} are wrong, with a threshold from {low:g} to below {high:g}.")
            else:
                message = _("{title}: any threshold from {low:g} to below {high:g} gets all {n} right.")
            found.append(message.format(title=pair.title, k=fewest, n=pair.n, low=low, high=high))
        found.append(
            _(
                "LDA takes the middle between the two means where the classes are equally frequent; logistic "
                "regression looks most at the values near the border; the stump takes the split that leaves the two "
                "sides purest."
            )
        )
        pair = self.pairs[0]
        right = pair.n - pair.rules[-3].errors
        low, high = wilson(right, pair.n)
        message = _(
            "Errors are counted on the values that taught the thresholds: LDA's {right} of {n} right would fit an "
            "accuracy from {low:.2f} to {high:.2f} (Wilson, at 95 %)."
        )
        found.append(message.format(right=right, n=pair.n, low=low, high=high))
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
    first: Annotated[Numbers | None, N_("Your own values of one class, such as 22 25 30.")] = None,
    second: Annotated[Numbers | None, N_("Your own values of the other class.")] = None,
    names: Annotated[str | None, N_("Names of the two classes, with a comma between, such as F, M.")] = None,
    csv: Annotated[
        str | None,
        N_("A .csv with a column of numbers and one of two classes, or a column for each class."),
    ] = None,
    column: Annotated[str, N_("Which column of numbers, by name or counted from 1.")] = "1",
    expert: Annotated[float | None, N_("An expert's threshold; for body fat it is 20 unless given.")] = None,
) -> Threshold:
    """Find thresholds between two classes of numbers: more than the threshold is the class with the higher mean.

    LDA's is worked out here (equal variances, priors as frequent as the classes); scikit-learn finds those of a
    decision tree of one split (Gini) and of logistic regression (its default penalty, C = 1, on standardised values).

    Raises
    ------
    ConfigError
        When there are not two classes of at least two values with different means.
    DataError
        When the file will not do.

    Examples
    --------
    >>> separable = run().pairs[1]
    >>> [(rule.threshold, rule.errors) for rule in separable.rules[:3]]
    [(20.0, 0), (21.8, 0), (20.0, 0)]
    """
    if csv:
        quantity, named = _own(csv, column)
        return Threshold(quantity, (compare(csv, *named, expert),))
    if (first is None) != (second is None):
        raise ConfigError(_("One class alone has no threshold: give both first and second."))
    if first is not None and second is not None:
        one, other = _names(names or _("first, second"))
        return Threshold(_("value"), (compare(_("your values"), (one, first), (other, second), expert),))
    one, other = _names(names or "F, M")
    expert = EXPERT if expert is None else expert
    overlapping = compare(_("overlapping"), (one, WOMEN), (other, MEN_OVERLAPPING), expert)
    separable = compare(_("separable"), (one, WOMEN), (other, MEN_SEPARABLE), expert)
    return Threshold(_("body fat (%)"), (overlapping, separable))


def _names(names: str) -> tuple[str, str]:
    called = [name.strip() for name in names.split(",")]
    if len(called) != 2 or "" in called or called[0] == called[1]:
        message = _("names={names} will not do: write two names with a comma between, such as F, M.")
        raise ConfigError(message.format(names=names))
    return called[0], called[1]


def _own(path: str, column: str) -> tuple[str, tuple[Named, Named]]:
    """Return what the numbers of a file are, and those of its two classes."""
    found = read_feature_table(path)
    if not found.classes and len(found.features) == 2:
        return _("value"), ((found.features[0], found.values[:, 0]), (found.features[1], found.values[:, 1]))
    if len(found.classes) != 2:
        message = _("{path} has {n} classes: a threshold tells two apart, so keep the rows of two.")
        raise ConfigError(message.format(path=path, n=len(found.classes)))
    chosen = find_column(found.features, column)
    values = found.values[:, chosen]
    return found.features[chosen], (
        (found.classes[0], values[found.labels == 0]),
        (found.classes[1], values[found.labels == 1]),
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
            frequent = len(values) / max(len(pair.low_values), len(pair.high_values))
            bell = frequent * np.exp(
                -0.5 * np.square((span - values.mean()) / pair.deviation)
            )  # LDA's: they cross there
            ax.fill_between(span, bell, color=colours[row], alpha=0.15, linewidth=0)
    styles = (("-", "black"), ("--", "tab:green"), ("-.", "tab:purple"), (":", "tab:orange"))
    for rule, (dash, colour) in zip(pair.rules, styles[-len(pair.rules) :], strict=True):
        label = f"{rule.name} {rule.threshold:.4g} ({rule.errors}/{pair.n})"
        ax.axvline(rule.threshold, linestyle=dash, color=colour, label=label, linewidth=1.8)
    ax.set_title(pair.title)
    ax.set_yticks([])
    ax.set_ylim(-0.28, 1.75)
    ax.legend(fontsize=8, loc="upper left", ncols=2)
