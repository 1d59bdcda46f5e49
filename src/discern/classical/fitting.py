"""A classical model: features, then perhaps scaling and principal components, then the estimator."""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from typing import Any

import numpy as np

from discern.classical.config import ClassicalConfig
from discern.classical.features import Extractor
from discern.classical.table import CLASSICAL
from discern.errors import ModelError
from discern.i18n import _
from discern.progress import Progress, silent

UNLABELLED = -1
AT_ONCE = 1024
LEAST = 1e-9  # a probability of 0 would be a certainty, and its logarithm no number


class Classical:
    """A fitted model: pixels in, logits out.

    Parameters
    ----------
    extractor : Extractor
        What the pipeline sees.
    pipeline : sklearn.pipeline.Pipeline
        Fitted; its classes are positions among ``classes``.
    classes : int
        How many there are, with those that no training picture had.
    """

    def __init__(self, extractor: Extractor, pipeline: Any, classes: int) -> None:
        self.extractor, self.pipeline, self.classes = extractor, pipeline, classes

    def logits(self, pixels: np.ndarray, rows: Iterable[int] | None = None, progress: Progress = silent) -> np.ndarray:
        """uint8 (N, H, W, C) -> float32 (N or len(rows), classes): see `of_features`."""
        chosen = np.arange(len(pixels)) if rows is None else np.asarray(list(rows), dtype=np.int64)
        found = [np.zeros((0, self.classes), dtype=np.float32)]
        for start in range(0, len(chosen), AT_ONCE):
            features = self.extractor(pixels, chosen[start : start + AT_ONCE])
            found.append(self.of_features(features))
            progress(_("predicting"), min(start + AT_ONCE, len(chosen)), len(chosen))
        return np.concatenate(found)

    def of_features(self, features: np.ndarray) -> np.ndarray:
        """Logarithms of the probabilities; of a support vector machine, which has none, the distances as they are.

        float32 (N, F) -> float32 (N, classes)
        """
        if hasattr(self.pipeline, "predict_proba"):
            with np.errstate(invalid="ignore", divide="ignore"):  # label spreading: beyond the reach of every label
                own = np.log(np.maximum(np.nan_to_num(self.pipeline.predict_proba(features)), LEAST))
        else:
            own = self.pipeline.decision_function(features)
        if own.ndim == 1:  # two classes: the distance from the boundary
            own = np.stack([-own, own], axis=1) / 2
        found = np.full((len(features), self.classes), own.min(initial=0) + np.log(LEAST), dtype=np.float32)
        found[:, self.pipeline.classes_] = own
        return found


def fit(
    config: ClassicalConfig, extractor: Extractor, features: np.ndarray, labels: np.ndarray, classes: int
) -> tuple[Classical, list[str]]:
    """Fit ``config``'s pipeline to features (N, F) and labels (N,), -1 where one is withheld; and what to tell.

    Raises
    ------
    ModelError
        When the estimator cannot be made or fitted so.
    """
    from sklearn.exceptions import ConvergenceWarning

    pipeline = _pipeline(config, features, classes)
    if len(np.unique(labels[labels != UNLABELLED])) < 2:
        raise ModelError(_("There is one class alone to learn from: give labelled pictures of two classes or more."))
    told = []
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            pipeline.fit(features, labels)
        except (ValueError, TypeError, np.linalg.LinAlgError) as error:
            sentence = _("{model} cannot be fitted to these features: {reason}")
            raise ModelError(sentence.format(model=config.model, reason=str(error).split("\n")[0])) from error
    _without_tree(pipeline[-1])
    if any(issubclass(warning.category, ConvergenceWarning) for warning in caught):
        told.append(_("{model} had not settled when its steps ran out.").format(model=config.model))
    return Classical(extractor, pipeline, classes), told


def _pipeline(config: ClassicalConfig, features: np.ndarray, classes: int) -> Any:
    from sklearn.decomposition import PCA
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    most = min(features.shape)
    if config.pca > most:
        sentence = _("pca={pca} is more than there is: {n} training pictures with {f} features allow at most {most}.")
        raise ModelError(sentence.format(pca=config.pca, n=len(features), f=features.shape[1], most=most))
    steps = [StandardScaler()] if config.scale == "standard" else []
    steps += [PCA(config.pca, random_state=config.seed)] if config.pca else []
    return make_pipeline(*steps, CLASSICAL[config.model].build(config.estimator, classes, config.seed))


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
