"""How far off a regression is: every number comes from the values it gave and the true ones."""

from __future__ import annotations

import os
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from discern.errors import RunError
from discern.evaluation.intervals import LEAST, RESAMPLES, percentiles, resamples
from discern.files import replacing
from discern.i18n import _

if TYPE_CHECKING:
    from matplotlib.axes import Axes

FORMAT = 1
SCORES = ("r2", "mae", "rmse")


@dataclass(frozen=True, eq=False)
class Estimates:
    """One part's rows, their true numbers and what was said of them.

    Attributes
    ----------
    target : str
        What the number is called.
    paths : tuple of str
        (N,) the names of the rows, as in split.json.
    truth, values : numpy.ndarray
        float64 (N,).
    """

    target: str
    paths: tuple[str, ...]
    truth: np.ndarray
    values: np.ndarray

    def __len__(self) -> int:
        return len(self.truth)

    def plot(self, ax: Axes) -> None:
        """What was said against the truth; on the diagonal they agree."""
        low, high = (pick([pick(self.truth), pick(self.values)]) for pick in (np.min, np.max))
        ax.plot([low, high], [low, high], color="0.5", linestyle="--")
        ax.scatter(self.truth, self.values, s=14, alpha=0.7)
        ax.set(xlabel=_("true {target}").format(target=self.target), ylabel=_("said"))
        ax.set_title(_("n {n}").format(n=len(self)))


@dataclass(frozen=True)
class RegressionMetrics:
    """What a regression did on ``n`` rows.

    Attributes
    ----------
    n : int
        Rows.
    r2 : float
        Share of the variance that it explains (coefficient of determination): 1 at best, 0 for naming the mean.
    mae, rmse : float
        Mean absolute error, and root of the mean squared error, in the units of the target.
    intervals : mapping
        95 % interval of each by the bootstrap; None where rows are fewer than 10.
    target : str
        What the number is called.
    """

    n: int
    r2: float
    mae: float
    rmse: float
    intervals: Mapping[str, tuple[float, float] | None]
    target: str

    def rows(self) -> list[tuple[str, str, str]]:
        """Each score, its value and its interval, as a person reads them."""
        titles = {"r2": _("R2"), "mae": _("mean absolute error"), "rmse": _("root mean squared error")}
        rows = []
        for name, title in titles.items():
            interval = self.intervals[name]
            sentence = _("{low:.4g} to {high:.4g}")
            bounds = "-" if interval is None else sentence.format(low=interval[0], high=interval[1])
            rows.append((title, f"{getattr(self, name):.4g}", bounds))
        return rows

    def to_json(self) -> dict[str, Any]:
        """As the command line prints it."""
        scores = {name: getattr(self, name) for name in SCORES}
        intervals = {name: interval and list(interval) for name, interval in self.intervals.items()}
        return {**scores, "n": self.n, "intervals": intervals, "target": self.target}

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> RegressionMetrics:
        """What `to_json` wrote."""
        intervals = {name: interval and (interval[0], interval[1]) for name, interval in value["intervals"].items()}
        return cls(**{**value, "intervals": intervals})


def measure_regression(truth: np.ndarray, values: np.ndarray, target: str = "", seed: int = 0) -> RegressionMetrics:
    """The errors of float (N,) ``values`` where the numbers are ``truth``.

    Examples
    --------
    >>> m = measure_regression(np.array([1.0, 2.0, 3.0]), np.array([1.0, 2.0, 4.0]))
    >>> round(m.r2, 3), round(m.mae, 3), round(m.rmse, 3)
    (0.5, 0.333, 0.577)
    """
    n = len(truth)
    whole = {name: float(column[0]) for name, column in _scores(truth, values, np.ones((1, n))).items()}
    drawn: dict[str, list[np.ndarray]] = {name: [] for name in SCORES}
    if n >= LEAST:
        for weights in resamples(n, RESAMPLES, seed):
            for name, column in _scores(truth, values, weights).items():
                drawn[name].append(column)
    intervals = {name: percentiles(np.concatenate(columns)) if columns else None for name, columns in drawn.items()}
    return RegressionMetrics(n=n, **whole, intervals=intervals, target=target)


def _scores(truth: np.ndarray, values: np.ndarray, weights: np.ndarray) -> dict[str, np.ndarray]:
    """(B,) each, where row n counts ``weights[b, n]`` times."""
    total = weights.sum(axis=1)
    errors = values - truth
    squares = weights @ errors**2
    means = weights @ truth / total
    spread = (weights * (truth[None] - means[:, None]) ** 2).sum(axis=1)
    r2 = 1 - np.divide(squares, spread, out=np.full(len(total), np.nan), where=spread > 0)
    return {"r2": r2, "mae": weights @ np.abs(errors) / total, "rmse": np.sqrt(squares / total)}


def save_estimates(path: str | os.PathLike[str], parts: Mapping[str, Estimates]) -> None:
    """Write the estimates of ``parts`` (by name) as one .npz, whole or not at all."""
    target = next(iter(parts.values())).target
    arrays = {"format": np.array(FORMAT), "target": np.array(target), "parts": np.array(list(parts), dtype=np.str_)}
    for name, part in parts.items():
        arrays[f"{name}_paths"] = np.array(part.paths, dtype=np.str_)
        arrays[f"{name}_truth"], arrays[f"{name}_values"] = part.truth, part.values
    with replacing(path) as temporary, temporary.open("wb") as stream:
        np.savez_compressed(stream, allow_pickle=False, **arrays)


def load_estimates(path: str | os.PathLike[str]) -> dict[str, Estimates]:
    """What `save_estimates` wrote, by part.

    Raises
    ------
    RunError
        When it is missing, damaged, or of a classifier.
    """
    try:
        with Path(path).open("rb") as stream, np.load(stream, allow_pickle=False) as held:
            target = str(held["target"])
            columns = ("paths", "truth", "values")
            return {name: _part(target, *(held[f"{name}_{column}"] for column in columns)) for name in held["parts"]}
    except (OSError, EOFError, ValueError, KeyError, TypeError, zipfile.BadZipFile, zlib.error) as error:
        sentence = _("{path} is damaged, or not of a regression: train again.")
        raise RunError(sentence.format(path=path)) from error


def _part(target: str, paths: np.ndarray, truth: np.ndarray, values: np.ndarray) -> Estimates:
    if paths.dtype.kind != "U" or not len(paths) == len(truth) == len(values):
        raise ValueError("columns do not fit")
    return Estimates(target, tuple(paths.tolist()), truth, values)
