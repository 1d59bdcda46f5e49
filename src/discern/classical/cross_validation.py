"""Cross-validation on the training split alone: the search for settings, and predictions of held-out examples."""

from __future__ import annotations

import itertools
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from discern.classical.config import ClassicalConfig
from discern.classical.estimators import Arg
from discern.classical.fitting import UNLABELED, build_pipeline, expand_logits
from discern.errors import ConfigError, ModelError
from discern.i18n import _
from discern.notices import Notice
from discern.result import Cell, Result, Table

FOLDS = 3  # of `predict_held_out`; each costs a fit on two thirds of the training split
MAX_ROWS = 13  # candidates of a search that are shown

Folds = list[tuple[np.ndarray, np.ndarray]]


@dataclass(frozen=True)
class Candidate:
    """One combination of settings: mean and standard deviation of its score over the folds (None: not fitted)."""

    settings: Mapping[str, Arg]
    mean: float | None
    std: float | None


@dataclass(frozen=True)
class Search(Result):
    """What a search for settings tried."""

    figsize = None

    kind: str  # how the candidates were chosen: grid
    cv: int  # folds
    n: int  # training examples in them
    score: str  # what ``mean`` and ``std`` are of: accuracy or R2
    candidates: tuple[Candidate, ...]  # the best first; of equals the one that comes first in the grid

    @property
    def best(self) -> Candidate:
        """The candidate with the highest mean."""
        return self.candidates[0]

    def notice(self) -> Notice:
        """Return which settings were chosen, and by which score."""
        chosen = [f"{name}={value}" for name, value in self.best.settings.items()]
        fields = {"count": len(self.candidates), "cv": self.cv, "n": self.n, "chosen": chosen, "score": self.score}
        return Notice("classical.search", {**fields, "mean": self.best.mean, "std": self.best.std})

    def sentences(self) -> list[str]:
        return [self.notice().text()]

    def tables(self) -> list[Table]:
        names = list(self.best.settings)
        columns = [*names, _("mean {score}").format(score=self.score), _("standard deviation")]
        rows: list[Sequence[Cell]] = [
            [*map(str, each.settings.values()), *(None if v is None else round(v, 4) for v in (each.mean, each.std))]
            for each in self.candidates
        ]
        return [Table(_("Cross-validation"), columns, rows, text_columns=len(names), max_rows=MAX_ROWS)]

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Search:
        """Read what `to_json` returned."""
        return cls(**{**value, "candidates": tuple(Candidate(**each) for each in value["candidates"])})


def grid_search(
    config: ClassicalConfig, features: np.ndarray, targets: np.ndarray, classes: tuple[str, ...], groups: np.ndarray
) -> Search:
    """Try every combination of ``config.ranges``, each pipeline (scaling, components, estimator) inside the folds.

    ``features`` are float32 (N, F) of the training split; ``targets`` int (N,) labels, `UNLABELED` where withheld, or
    float (N,) of a regression, which has no ``classes``; duplicates, which share one of ``groups``, lie in one fold.

    Examples
    --------
    >>> from discern.classical.config import make_classical_config
    >>> config = make_classical_config(model="knn", search="grid", cv=2, n_neighbors=[1, 4], weights="uniform")
    >>> x, y = np.float32([[0], [1], [2], [7], [8], [9]]), np.array([0, 0, 0, 1, 1, 1])
    >>> grid_search(config, x, y, ("low", "high"), np.arange(6)).best.settings
    {'n_neighbors': 1}
    """
    from sklearn.model_selection import GridSearchCV
    from sklearn.pipeline import Pipeline

    grid = [dict(zip(config.ranges, values, strict=True)) for values in itertools.product(*config.ranges.values())]
    pipelines = [build_pipeline(apply_settings(config, settings), features.shape, classes) for settings in grid]
    folds = split_folds(targets, groups, config.cv, config.seed, classes)
    failure = _("{model} cannot be fitted with any of these settings: {reason}")
    scoring = "accuracy" if classes else "r2"
    # one step whose candidates are complete pipelines: so the components are found inside the folds, too
    tuner = GridSearchCV(Pipeline([("all", pipelines[0])]), {"all": pipelines}, scoring=scoring, cv=folds, refit=False)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what cannot be fitted has no score, which the table says
        try:
            results = tuner.fit(features, targets).cv_results_
        except ValueError as error:
            reason = next((text for text in reversed(str(error).split("\n")) if text.strip()), "")
            raise ModelError(failure.format(model=config.model, reason=reason.strip())) from error
    scores = np.stack([results["mean_test_score"], results["std_test_score"]], axis=1)
    candidates = [
        Candidate(settings, *(float(value) if np.isfinite(value) else None for value in row))
        for settings, row in zip(grid, scores, strict=True)
    ]
    candidates.sort(key=lambda each: np.inf if each.mean is None else -each.mean)
    if candidates[0].mean is None:
        raise ModelError(failure.format(model=config.model, reason=_("none of them could predict")))
    n = int((targets != UNLABELED).sum()) if classes else len(targets)
    return Search(config.search, config.cv, n, "accuracy" if classes else "R2", tuple(candidates))


def apply_settings(config: ClassicalConfig, settings: Mapping[str, Arg]) -> ClassicalConfig:
    """Return ``config`` with one candidate of its ranges."""
    args = dict(settings)
    own = {"pca": args.pop("pca")} if "pca" in args else {}
    return config.replace(**own, estimator={**config.estimator, **args})


def predict_held_out(
    config: ClassicalConfig, features: np.ndarray, labels: np.ndarray, classes: tuple[str, ...], groups: np.ndarray
) -> np.ndarray | None:
    """Predict each training example with an estimator that did not learn from it, and that has no probabilities.

    float32 logits (N, classes), by cross-validation, duplicates (equal ``groups``) together; None where a class has
    a single example.
    """
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.model_selection import cross_val_predict

    _label, n = find_rarest(labels, groups)
    if n < 2:
        return None
    folds = split_folds(labels, groups, min(FOLDS, n), config.seed, classes)
    pipeline = build_pipeline(config, features.shape, classes)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # `fit_model` returns a notice of it
        distances = cross_val_predict(pipeline, features, labels, cv=folds, method="decision_function")
    return expand_logits(distances, np.unique(labels), len(classes))


def split_folds(targets: np.ndarray, groups: np.ndarray, cv: int, seed: int, classes: tuple[str, ...]) -> Folds:
    """Return seeded (train, held out) positions, class by class; duplicates stay together, the unlabeled only train.

    Raises `ConfigError` when a class, or a regression, has fewer examples than folds; duplicates count once.
    """
    labeled = np.flatnonzero(targets != UNLABELED) if classes else np.arange(len(targets))
    rest = np.setdiff1d(np.arange(len(targets)), labeled)
    strata = targets[labeled] if classes else np.zeros(len(labeled), dtype=np.int64)
    label, n = find_rarest(strata, groups[labeled])
    if n < cv:
        name = classes[label] if classes else _("the training split")
        message = _(
            "--cv {cv} is more folds than there are training examples of {name} ({n}): use 2 to {n}, or add more."
        )
        raise ConfigError(message.format(cv=cv, name=name, n=n))
    folds = _deal(strata, groups[labeled], cv, seed)
    return [(np.concatenate([labeled[train], rest]), labeled[held_out]) for train, held_out in folds]


def find_rarest(strata: np.ndarray, groups: np.ndarray) -> tuple[int, int]:
    """Return the label with the fewest examples that are no duplicates of each other, and how many they are.

    Examples
    --------
    >>> find_rarest(np.array([0, 0, 1, 1, 1]), np.array([0, 1, 2, 2, 2]))
    (1, 1)
    """
    labels, counts = np.unique(np.unique(np.stack([strata, groups], axis=1), axis=0)[:, 0], return_counts=True)
    return int(labels[counts.argmin()]), int(counts.min())


def _deal(strata: np.ndarray, groups: np.ndarray, cv: int, seed: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold

    if len(np.unique(groups)) == len(groups):  # dealing one group at a time is slow
        return iter(StratifiedKFold(cv, shuffle=True, random_state=seed).split(strata, strata))
    return iter(StratifiedGroupKFold(cv, shuffle=True, random_state=seed).split(strata, strata, groups))
