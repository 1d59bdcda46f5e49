"""A classical model: features, then perhaps scaling and principal components, then the estimator."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from discern.arrays import Rows
from discern.classical.config import ClassicalConfig
from discern.classical.features import Extractor
from discern.classical.folds import UNLABELLED, fewest, folds
from discern.classical.table import CLASSICAL
from discern.errors import ModelError
from discern.i18n import _
from discern.progress import Progress, silent

AT_ONCE = 1024
FOLDS = 3  # of `held_out_logits`; each costs a fit on two thirds of the training part
LEAST = 1e-9  # a probability of 0 would be a certainty, and its logarithm no number


class Classical:
    """A fitted model: pixels or a table's rows in, logits or a number out.

    Parameters
    ----------
    extractor : Extractor
        What the pipeline sees.
    pipeline : sklearn.pipeline.Pipeline
        Fitted; its classes are positions among ``classes``.
    classes : int
        How many there are, with those that no training example had; 0 for a regression.
    """

    def __init__(self, extractor: Extractor, pipeline: Any, classes: int) -> None:
        self.extractor, self.pipeline, self.classes = extractor, pipeline, classes

    def logits(self, pixels: Rows, rows: Iterable[int] | None = None, progress: Progress = silent) -> np.ndarray:
        """uint8 (N, H, W, C), or float (N, F) of a table -> float32 (N or len(rows), classes): see `of_features`."""
        return self._each(pixels, rows, progress, self.of_features, (0, self.classes))

    def values(self, seen: Rows, rows: Iterable[int] | None = None, progress: Progress = silent) -> np.ndarray:
        """Of a regression, what it says: float (N, F) of a table -> float64 (N or len(rows),)."""
        return self._each(seen, rows, progress, self.pipeline.predict, (0,))

    def _each(
        self,
        seen: Rows,
        rows: Iterable[int] | None,
        progress: Progress,
        answer: Callable[[np.ndarray], np.ndarray],
        none: tuple[int, ...],
    ) -> np.ndarray:
        chosen = np.arange(len(seen)) if rows is None else np.asarray(list(rows), dtype=np.int64)
        found = []
        for start in range(0, len(chosen), AT_ONCE):
            found.append(answer(self.extractor(seen, chosen[start : start + AT_ONCE])))
            progress(_("predicting"), min(start + AT_ONCE, len(chosen)), len(chosen))
        return np.concatenate(found) if found else np.zeros(none, dtype=np.float32)

    def encode(self, pixels: Rows, progress: Progress = silent) -> np.ndarray:
        """What the estimator itself sees, scaled and reduced: uint8 (N, H, W, C) -> float32 (N, F)."""
        features = self.extractor(pixels, range(len(pixels)), progress)
        found: np.ndarray = self.pipeline[:-1].transform(features) if len(self.pipeline) > 1 else features
        return found.astype(np.float32)

    def of_features(self, features: np.ndarray) -> np.ndarray:
        """Logarithms of the probabilities; of a support vector machine, which has none, the distances as they are.

        float32 (N, F) -> float32 (N, classes)
        """
        if hasattr(self.pipeline, "predict_proba"):
            with np.errstate(invalid="ignore", divide="ignore"):  # label spreading: beyond the reach of every label
                own = np.log(np.maximum(np.nan_to_num(self.pipeline.predict_proba(features)), LEAST))
        else:
            own = self.pipeline.decision_function(features)
        return placed(own, self.pipeline.classes_, self.classes)


def placed(own: np.ndarray, labels: np.ndarray, classes: int) -> np.ndarray:
    """Logits of the classes that an estimator knows, among all: float (N, C') or (N,) -> float32 (N, classes)."""
    if own.ndim == 1:  # two classes: the distance from the boundary
        own = np.stack([-own, own], axis=1) / 2
    found = np.full((len(own), classes), own.min(initial=0) + np.log(LEAST), dtype=np.float32)
    found[:, labels] = own
    return found


def fit(
    config: ClassicalConfig, extractor: Extractor, features: np.ndarray, answers: np.ndarray, classes: tuple[str, ...]
) -> tuple[Classical, list[str]]:
    """Fit ``config``'s pipeline to features (N, F) and what they are of; and what to tell.

    Parameters
    ----------
    answers : numpy.ndarray
        int (N,) labels, -1 where one is withheld; or float (N,) of a regression.
    classes : tuple of str
        What the labels are called; empty for a regression.

    Raises
    ------
    ModelError
        When the estimator cannot be made or fitted so.
    """
    from sklearn.exceptions import ConvergenceWarning

    made = pipeline(config, features.shape, classes)
    if classes and len(np.unique(answers[answers != UNLABELLED])) < 2:
        raise ModelError(_("There is one class alone to learn from: give labelled examples of two classes or more."))
    told = []
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            made.fit(features, answers)
        except (ValueError, TypeError, np.linalg.LinAlgError) as error:
            sentence = _("{model} cannot be fitted to these features: {reason}")
            raise ModelError(sentence.format(model=config.model, reason=str(error).split("\n")[0])) from error
    _without_tree(made[-1])
    if any(issubclass(warning.category, ConvergenceWarning) for warning in caught):
        told.append(_("{model} had not settled when its steps ran out.").format(model=config.model))
    return Classical(extractor, made, len(classes)), told


def held_out_logits(
    config: ClassicalConfig, features: np.ndarray, labels: np.ndarray, classes: tuple[str, ...], groups: np.ndarray
) -> np.ndarray | None:
    """What an estimator without probabilities says of each training example that it did not learn from.

    float32 (N, classes), by cross-validation, copies (equal ``groups``) together; None where a class has but one.
    """
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.model_selection import cross_val_predict

    _label, n = fewest(labels, groups)
    if n < 2:
        return None
    split = folds(labels, groups, min(FOLDS, n), config.seed, classes)
    made = pipeline(config, features.shape, classes)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # `fit` tells
        own = cross_val_predict(made, features, labels, cv=split, method="decision_function")
    return placed(own, np.unique(labels), len(classes))


def pipeline(config: ClassicalConfig, shape: tuple[int, int], classes: tuple[str, ...]) -> Any:
    """Scaling, principal components and the estimator, for features of ``shape`` (N, F); unfitted.

    Raises
    ------
    ModelError
        When there are fewer examples or features than components, or the model only knows classes.
    """
    from sklearn.decomposition import PCA
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    most = min(shape)
    if config.pca > most:
        sentence = _("pca={pca} is more than there is: {n} training examples with {f} features allow at most {most}.")
        raise ModelError(sentence.format(pca=config.pca, n=shape[0], f=shape[1], most=most))
    steps = [StandardScaler()] if config.scale == "standard" else []
    steps += [PCA(config.pca, random_state=config.seed)] if config.pca else []
    kind = CLASSICAL[config.model]
    if classes:
        return make_pipeline(*steps, kind.build(config.estimator, len(classes), config.seed))
    return make_pipeline(*steps, kind.build_regressor(config.estimator, config.seed))


def _without_tree(estimator: Any) -> None:
    """Let label spreading look its neighbours up by brute force: a search tree is nothing to keep in a file."""
    from sklearn.neighbors import NearestNeighbors
    from sklearn.semi_supervised import LabelSpreading

    if isinstance(estimator, LabelSpreading):
        search = NearestNeighbors(n_neighbors=estimator.n_neighbors, algorithm="brute")
        estimator.nn_fit = search.fit(estimator.X_)


def withhold(labels: np.ndarray, share: float, seed: int) -> np.ndarray:
    """``labels`` with all but ``share`` of each class made -1, at least one of each kept.

    Examples
    --------
    >>> (withhold(np.repeat([0, 1], 10), 0.3, seed=0) >= 0).sum()
    np.int64(6)
    """
    random = np.random.default_rng(seed)
    kept = np.full(len(labels), UNLABELLED, dtype=np.int64)
    for label in np.unique(labels):
        own = random.permutation(np.flatnonzero(labels == label))
        kept[own[: max(1, round(share * len(own)))]] = label
    return kept
