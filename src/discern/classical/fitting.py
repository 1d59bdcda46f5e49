"""A classical model: features, then perhaps scaling and principal components, then the estimator."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from discern.arrays import ArrayLike
from discern.classical.config import ClassicalConfig
from discern.classical.estimators import CLASSICAL
from discern.classical.features import Extractor
from discern.errors import ModelError, RunError
from discern.i18n import _
from discern.notices import Notice
from discern.progress import Progress, ignore_progress

UNLABELED = -1  # as scikit-learn's semi-supervised estimators have it
EXAMPLES_AT_ONCE = 1024
MIN_PROBABILITY = 1e-9  # a probability of 0 would be a certainty, and its logarithm infinite
# What skops does not know to be harmless by itself: arrays of numbers with a C or Python face.
TRUSTED = ("sklearn.tree._tree.Tree", "discern.classical.clusters.ClusterClassifier")


class ClassicalModel:
    """A fitted model: pixels or a table's rows in, logits or a number out.

    The fitted ``pipeline`` takes the features of ``extractor``; its own classes are positions among ``classes``, the
    number of all, with those that no training example had (0 for a regression).
    """

    def __init__(self, extractor: Extractor, pipeline: Any, classes: int) -> None:
        self.extractor, self.pipeline, self.classes = extractor, pipeline, classes

    def logits(
        self, inputs: ArrayLike, indices: Iterable[int] | None = None, progress: Progress = ignore_progress
    ) -> np.ndarray:
        """Compute `feature_logits` of images or rows.

        uint8 (N, H, W, C), or float (N, F) of a table -> float32 (N or len(indices), classes)
        """
        return self._predict(inputs, indices, progress, self.feature_logits, (0, self.classes))

    def values(
        self, inputs: ArrayLike, indices: Iterable[int] | None = None, progress: Progress = ignore_progress
    ) -> np.ndarray:
        """Predict the numbers of a regression: float (N, F) of a table -> float64 (N or len(indices),)."""
        return self._predict(inputs, indices, progress, self.pipeline.predict, (0,))

    def _predict(
        self,
        inputs: ArrayLike,
        indices: Iterable[int] | None,
        progress: Progress,
        predict: Callable[[np.ndarray], np.ndarray],
        empty_shape: tuple[int, ...],
    ) -> np.ndarray:
        chosen = np.arange(len(inputs)) if indices is None else np.asarray(list(indices), dtype=np.int64)
        predictions = []
        for start in range(0, len(chosen), EXAMPLES_AT_ONCE):
            predictions.append(predict(self.extractor(inputs, chosen[start : start + EXAMPLES_AT_ONCE])))
            progress(_("predicting"), min(start + EXAMPLES_AT_ONCE, len(chosen)), len(chosen))
        return np.concatenate(predictions) if predictions else np.zeros(empty_shape, dtype=np.float32)

    def encode(self, pixels: ArrayLike, progress: Progress = ignore_progress) -> np.ndarray:
        """Compute what the estimator itself reads, scaled and reduced: uint8 (N, H, W, C) -> float32 (N, F)."""
        features = self.extractor(pixels, range(len(pixels)), progress)
        reduced: np.ndarray = self.pipeline[:-1].transform(features) if len(self.pipeline) > 1 else features
        return reduced.astype(np.float32)

    def feature_logits(self, features: np.ndarray) -> np.ndarray:
        """Compute the logarithms of the probabilities; of a support vector machine, which has none, the distances.

        float32 (N, F) -> float32 (N, classes)
        """
        if hasattr(self.pipeline, "predict_proba"):
            with np.errstate(invalid="ignore", divide="ignore"):  # label spreading: beyond the reach of every label
                probabilities = np.nan_to_num(self.pipeline.predict_proba(features))
                logits = np.log(np.maximum(probabilities, MIN_PROBABILITY))
        else:
            logits = self.pipeline.decision_function(features)
        return expand_logits(logits, self.pipeline.classes_, self.classes)


def expand_logits(logits: np.ndarray, labels: np.ndarray, classes: int) -> np.ndarray:
    """Return logits of all classes from those that an estimator knows: float (N, C') or (N,) -> float32 (N, classes).

    A class that no training example had comes below all others.
    """
    if logits.ndim == 1:  # two classes: the distance from the boundary
        logits = np.stack([-logits, logits], axis=1) / 2
    lowest = logits.min(initial=0) + np.log(MIN_PROBABILITY)
    expanded = np.full((len(logits), classes), lowest, dtype=np.float32)
    expanded[:, labels] = logits
    return expanded


def fit_model(
    config: ClassicalConfig, extractor: Extractor, features: np.ndarray, targets: np.ndarray, classes: tuple[str, ...]
) -> tuple[ClassicalModel, tuple[Notice, ...]]:
    """Fit the pipeline of ``config`` to features (N, F) and targets.

    ``targets`` are int (N,) labels, `UNLABELED` where one is withheld, or float (N,) of a regression, which has no
    ``classes``. Raises `ModelError` when the estimator cannot be made or fitted so.
    """
    from sklearn.exceptions import ConvergenceWarning

    pipeline = build_pipeline(config, features.shape, classes)
    if classes and len(np.unique(targets[targets != UNLABELED])) < 2:
        raise ModelError(_("Only one class has labeled training examples: add examples of two classes or more."))
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            pipeline.fit(features, targets)
        except (ValueError, TypeError, np.linalg.LinAlgError) as error:
            message = _("{model} cannot be fitted to these features: {reason}")
            raise ModelError(message.format(model=config.model, reason=str(error).split("\n")[0])) from error
    for warning in caught:  # what is not understood here is passed on
        if not issubclass(warning.category, ConvergenceWarning):
            warnings.warn_explicit(warning.message, warning.category, warning.filename, warning.lineno)
    _drop_search_tree(pipeline[-1])
    converged = not any(issubclass(warning.category, ConvergenceWarning) for warning in caught)
    notices = () if converged else (Notice("classical.not_converged", {"model": config.model}),)
    return ClassicalModel(extractor, pipeline, len(classes)), notices


def build_pipeline(config: ClassicalConfig, shape: tuple[int, int], classes: tuple[str, ...]) -> Any:
    """Build scaling, principal components and the estimator, for features of ``shape`` (N, F); unfitted.

    Raises `ModelError` when there are fewer examples or features than components, or the model learns only classes.
    """
    from sklearn.decomposition import PCA
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    max_components = min(shape)
    if config.pca > max_components:
        message = _("pca={pca} is too many: {n} training examples with {f} features allow at most {max_components}.")
        raise ModelError(message.format(pca=config.pca, n=shape[0], f=shape[1], max_components=max_components))
    steps = [StandardScaler()] if config.scale == "standard" else []
    steps += [PCA(config.pca, random_state=config.seed)] if config.pca else []
    spec = CLASSICAL[config.model]
    if classes:
        return make_pipeline(*steps, spec.build(config.estimator, len(classes), config.seed))
    return make_pipeline(*steps, spec.build_regressor(config.estimator, config.seed))


def _drop_search_tree(estimator: Any) -> None:
    """Let label spreading find its neighbors by brute force: a search tree cannot be kept in a file."""
    from sklearn.neighbors import NearestNeighbors
    from sklearn.semi_supervised import LabelSpreading

    if isinstance(estimator, LabelSpreading):
        search = NearestNeighbors(n_neighbors=estimator.n_neighbors, algorithm="brute")
        estimator.nn_fit = search.fit(estimator.X_)


def withhold_labels(labels: np.ndarray, labeled_fraction: float, seed: int) -> np.ndarray:
    """Return ``labels`` with `UNLABELED` for all but a fraction of each class; at least one of each stays.

    Examples
    --------
    >>> (withhold_labels(np.repeat([0, 1], 10), 0.3, seed=0) >= 0).sum()
    np.int64(6)
    """
    random = np.random.default_rng(seed)
    remaining = np.full(len(labels), UNLABELED, dtype=np.int64)
    for label in np.unique(labels):
        own = random.permutation(np.flatnonzero(labels == label))
        remaining[own[: max(1, round(labeled_fraction * len(own)))]] = label
    return remaining


def to_bytes(pipeline: Any) -> bytes:
    """Write the fitted ``pipeline`` in skops' format, compressed: its types are checked by name. No pickle."""
    import zipfile

    import skops.io

    return bytes(skops.io.dumps(pipeline, compression=zipfile.ZIP_DEFLATED, compresslevel=3))


def from_bytes(data: bytes, path: Any) -> Any:
    """Read the pipeline that `to_bytes` wrote; nothing in ``data`` is run.

    Raises `RunError` when it is damaged, or holds a type that discern does not write.

    ``path`` is the file's, for messages.
    """
    import skops.io
    from sklearn.pipeline import Pipeline

    damaged = _("{path} is not a model of discern, or is corrupt: copy it again, or train again.").format(path=path)
    try:
        untrusted = sorted(set(skops.io.get_untrusted_types(data=data)) - set(TRUSTED))
    except Exception as error:  # a zip, JSON and arrays, each with errors of its own
        raise RunError(damaged) from error
    if untrusted:
        message = _("{path} holds {types}, which discern never writes: it was not opened; train again.")
        raise RunError(message.format(path=path, types=", ".join(untrusted)))
    try:
        pipeline = skops.io.loads(data, trusted=list(TRUSTED))
    except Exception as error:
        raise RunError(damaged) from error
    if not isinstance(pipeline, Pipeline):
        raise RunError(damaged)
    return pipeline
