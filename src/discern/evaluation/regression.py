"""How far off a regression is: every number comes from the predicted values and the true ones."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from discern.evaluation.intervals import (
    MIN_EXAMPLES,
    N_RESAMPLES,
    Interval,
    bootstrap_intervals,
    interval_text,
    iter_resamples,
)
from discern.evaluation.metrics import TaskMetrics
from discern.evaluation.predictions import StoredPredictions
from discern.i18n import _
from discern.result import Table

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MAX_POINTS = 500  # of the figure


@dataclass(frozen=True, eq=False)
class RegressionPredictions(StoredPredictions):
    """The predicted numbers of one split."""

    COLUMNS = ("targets", "values")

    outputs: tuple[str, ...]  # the one name of the number
    paths: tuple[str, ...]
    targets: np.ndarray  # float64 (N,) true ones
    values: np.ndarray  # float64 (N,) predicted ones
    groups: np.ndarray | None = None

    @property
    def target(self) -> str:
        """What the number is called."""
        return self.outputs[0]

    @classmethod
    def from_columns(cls, outputs: tuple[str, ...], paths: tuple[str, ...], *columns: np.ndarray) -> Self:
        targets, values = columns
        if len(outputs) != 1 or not targets.shape == values.shape == (len(paths),):
            raise ValueError("columns do not fit")
        return cls(outputs, paths, targets, values)

    def truth_texts(self) -> np.ndarray:
        return self.targets.astype(np.str_)


@dataclass(frozen=True)
class RegressionMetrics(TaskMetrics):
    """The metrics of a regression on ``n`` examples."""

    n: int
    r2: float  # fraction of the variance explained: 1 at best, 0 for always predicting the mean
    mae: float  # mean absolute error, in the unit of the target
    rmse: float  # root of the mean squared error, in the same
    intervals: Mapping[str, Interval]  # 95 % of each by the bootstrap; None where examples are fewer than 10
    target: str  # what the number is called
    points: tuple[tuple[float, float], ...]  # true and predicted, evenly spaced by the true one: what the figure draws
    split: str = ""
    unit: str = "rows"

    @property
    def figsize(self) -> tuple[float, float]:
        return 5.5, 4.5

    @property
    def scores(self) -> dict[str, float]:
        return {"r2": self.r2, "mae": self.mae, "rmse": self.rmse}

    @property
    def interval(self) -> Interval:
        return self.intervals["r2"]

    def headline(self, digits: int = 4) -> str:
        message = _("R2 {r2} on {examples} (95 % CI {interval}), {target} off by {mae:.4g} on average")
        if self.interval is None:
            message = _("R2 {r2} on {examples} (too few for an interval), {target} off by {mae:.4g} on average")
        facts = {"mae": self.mae, "examples": self.examples, "target": self.target}
        r2, interval = f"{self.r2:.{digits}f}", interval_text(self.interval, f".{digits}f")
        return message.format(r2=r2, interval=interval, **facts)

    def sentences(self) -> list[str]:
        return [self.headline()]

    def tables(self) -> list[Table]:
        titles = {"r2": _("R2"), "mae": _("mean absolute error"), "rmse": _("root mean squared error")}
        rows = [
            (title, f"{self.scores[name]:.4g}", interval_text(self.intervals[name], ".4g"))
            for name, title in titles.items()
        ]
        return [Table(_("Metrics"), ("", _("n {n:,}").format(n=self.n), _("95 % CI")), rows)]

    def plot(self, figure: Figure) -> None:
        targets, values = np.array(self.points).T
        plot_predicted(targets, values, self.target, figure.subplots())

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> RegressionMetrics:
        intervals = {name: bounds and (bounds[0], bounds[1]) for name, bounds in value["intervals"].items()}
        points = tuple((true, predicted) for true, predicted in value["points"])
        return cls(**{**value, "intervals": intervals, "points": points})


def plot_predicted(targets: np.ndarray, values: np.ndarray, target: str, ax: Axes) -> None:
    """Draw predicted against true values, float (N,) each; on the diagonal they agree."""
    low, high = min(targets.min(), values.min()), max(targets.max(), values.max())
    ax.plot([low, high], [low, high], color="0.5", linestyle="--")
    ax.scatter(targets, values, s=14, alpha=0.7)
    ax.set(xlabel=_("true {target}").format(target=target), ylabel=_("predicted {target}").format(target=target))
    ax.set_title(_("n {n:,}").format(n=len(targets)))


def measure_regression(
    targets: np.ndarray,
    values: np.ndarray,
    target: str = "",
    seed: int = 0,
    split: str = "",
    unit: str = "rows",
    groups: np.ndarray | None = None,
) -> RegressionMetrics:
    """Compute the errors of float (N,) ``values`` where the true numbers are ``targets``.

    Intervals are by the bootstrap, of whole ``groups``, int (N,), where they are given.

    Examples
    --------
    >>> m = measure_regression(np.array([1.0, 2.0, 3.0]), np.array([1.0, 2.0, 4.0]))
    >>> round(m.r2, 3), round(m.mae, 3), round(m.rmse, 3)
    (0.5, 0.333, 0.577)
    """
    n = len(targets)
    n_groups = n if groups is None else len(np.unique(groups))
    scores = {name: float(column[0]) for name, column in _scores(targets, values, np.ones((1, n))).items()}
    resampled = (_scores(targets, values, weights) for weights in iter_resamples(n, N_RESAMPLES, seed, groups))
    intervals = bootstrap_intervals(resampled) if n_groups >= MIN_EXAMPLES else dict.fromkeys(scores)
    shown = np.argsort(targets, kind="stable")[np.linspace(0, n - 1, min(n, MAX_POINTS)).astype(np.int64)]
    points = tuple(zip(targets[shown].tolist(), values[shown].tolist(), strict=True))
    return RegressionMetrics(n, **scores, intervals=intervals, target=target, points=points, split=split, unit=unit)


def _scores(targets: np.ndarray, values: np.ndarray, weights: np.ndarray) -> dict[str, np.ndarray]:
    """Compute the scores, (B,) each, where row n counts ``weights[b, n]`` times.

    R2 compares the squared errors with those of always predicting the mean of the same (resampled) rows.
    """
    total = weights.sum(axis=1)
    errors = values - targets
    squares = weights @ errors**2
    means = weights @ targets / total
    spread = (weights * (targets[None] - means[:, None]) ** 2).sum(axis=1)
    r2 = 1 - np.divide(squares, spread, out=np.full(len(total), np.nan), where=spread > 0)
    return {"r2": r2, "mae": weights @ np.abs(errors) / total, "rmse": np.sqrt(squares / total)}
