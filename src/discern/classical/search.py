"""Which of several settings is best: scikit-learn's grid search, cross-validated on the training part alone."""

from __future__ import annotations

import itertools
import warnings
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from discern.classical.config import ClassicalConfig
from discern.classical.fitting import pipeline
from discern.classical.folds import UNLABELLED, folds
from discern.classical.table import Setting
from discern.errors import ModelError
from discern.i18n import _


@dataclass(frozen=True)
class Tried:
    """One setting of the grid: its score, mean and standard deviation over the folds (nan: it could not be fitted)."""

    settings: Mapping[str, Setting]
    mean: float
    std: float


@dataclass(frozen=True)
class Search:
    """What a search tried.

    Attributes
    ----------
    kind : {"grid"}
        How the settings were chosen.
    cv : int
        Folds.
    n : int
        Training examples in them.
    score : {"accuracy", "R2"}
        What ``mean`` and ``std`` are of.
    tried : tuple of Tried
        The best first; of equals the one that stands first in the grid.
    """

    kind: str
    cv: int
    n: int
    score: str
    tried: tuple[Tried, ...]

    @property
    def best(self) -> Tried:
        """The highest mean."""
        return self.tried[0]

    def sentence(self) -> str:
        """The outcome in words."""
        sentence = _(
            "Of {count} settings tried by {cv}-fold cross-validation on the training part (n {n}), {best} is best: "
            "{score} {mean:.4f} ± {std:.4f} over the folds."
        )
        best = ", ".join(f"{name}={value}" for name, value in self.best.settings.items())
        facts = {"count": len(self.tried), "cv": self.cv, "n": self.n, "best": best}
        return sentence.format(**facts, score=self.score, mean=self.best.mean, std=self.best.std)

    def to_json(self) -> dict[str, Any]:
        """As plain values; a mean that is not known is None."""
        rows = [{name: None if value != value else value for name, value in asdict(row).items()} for row in self.tried]
        return {"kind": self.kind, "cv": self.cv, "n": self.n, "score": self.score, "tried": rows}


def with_settings(config: ClassicalConfig, settings: Mapping[str, Setting]) -> ClassicalConfig:
    """``config`` with one choice among its ranges."""
    own = {name: value for name, value in settings.items() if name == "pca"}
    inner = {name: value for name, value in settings.items() if name != "pca"}
    return config.model_copy(update={**own, "estimator": {**config.estimator, **inner}})


def grid_search(
    config: ClassicalConfig, features: np.ndarray, answers: np.ndarray, classes: tuple[str, ...], groups: np.ndarray
) -> Search:
    """Try every combination of ``config.ranges``, each pipeline (scaling, components, estimator) inside the folds.

    Parameters
    ----------
    features : numpy.ndarray
        float32 (N, F), of the training part.
    answers : numpy.ndarray
        int (N,) labels, -1 where one is withheld; or float (N,) of a regression.
    classes : tuple of str
        What the labels are called; empty for a regression.
    groups : numpy.ndarray
        int (N,): copies, which share a number, lie in one fold.

    Raises
    ------
    ConfigError
        When a class has fewer examples than there are folds.
    ModelError
        When no setting can be fitted.

    Examples
    --------
    >>> from discern.classical.config import make_classical
    >>> config = make_classical({"model": "knn", "search": "grid", "cv": 2, "k": [1, 4], "weights": "uniform"})
    >>> x, y = np.float32([[0], [1], [2], [7], [8], [9]]), np.array([0, 0, 0, 1, 1, 1])
    >>> grid_search(config, x, y, ("low", "high"), np.arange(6)).best.settings
    {'k': 1}
    """
    from sklearn.model_selection import GridSearchCV
    from sklearn.pipeline import Pipeline

    grid = [dict(zip(config.ranges, values, strict=True)) for values in itertools.product(*config.ranges.values())]
    made = [pipeline(with_settings(config, settings), features.shape, classes) for settings in grid]
    split = folds(answers, groups, config.cv, config.seed, classes)
    scoring = "accuracy" if classes else "r2"
    tuner = GridSearchCV(Pipeline([("all", made[0])]), {"all": made}, scoring=scoring, cv=split, refit=False)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what cannot be fitted has no score, which is told
        try:
            results = tuner.fit(features, answers).cv_results_
        except ValueError as error:
            sentence = _("{model} cannot be fitted with any of these settings: {reason}")
            reason = next((text for text in reversed(str(error).split("\n")) if text.strip()), "")
            raise ModelError(sentence.format(model=config.model, reason=reason.strip())) from error
    means, spreads = results["mean_test_score"], results["std_test_score"]
    tried = [Tried(settings, float(mean), float(std)) for settings, mean, std in zip(grid, means, spreads, strict=True)]
    tried.sort(key=lambda row: -row.mean if row.mean == row.mean else np.inf)
    n = int((answers != UNLABELLED).sum()) if classes else len(answers)
    return Search(config.search, config.cv, n, "accuracy" if classes else "R2", tuple(tried))
