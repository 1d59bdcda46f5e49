"""What a fitted pipeline from a file holds, checked before anything predicts.

scikit-learn's compiled code believes its own arrays: an index beyond an array's end would be followed.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

MAX_CLUSTER_THREADS = 1024


def check_pipeline(pipeline: Any, classes: int) -> None:
    """Check shape, range, finiteness and order of all arrays of ``pipeline``, whose labels are below ``classes``.

    ``classes`` is 0 of a regression. Raises a `ValueError` that names the array; estimators that discern does not fit
    are refused.

    Examples
    --------
    >>> from sklearn.naive_bayes import GaussianNB
    >>> from sklearn.pipeline import make_pipeline
    >>> fitted = make_pipeline(GaussianNB()).fit([[0.0], [1.0]], [0, 1])
    >>> check_pipeline(fitted, classes=2)
    >>> fitted[-1].var_[0, 0] = np.nan
    >>> check_pipeline(fitted, classes=2)
    Traceback (most recent call last):
    ValueError: GaussianNB.var_
    """
    width = None
    for position, step in enumerate(pipeline[:]):
        check = _CHECKS.get(type(step).__name__)
        is_last = position == len(pipeline) - 1
        if check is None or is_last == (type(step).__name__ in ("StandardScaler", "PCA")):
            raise ValueError(f"{type(step).__name__} in step {position + 1}")
        counted = step.kmeans_ if type(step).__name__ == "ClusterClassifier" else step
        features = _get(counted, "n_features_in_")
        _require(isinstance(features, int | np.integer) and features > 0, step, "n_features_in_")
        _require(width in (None, features), step, "n_features_in_")
        if hasattr(step, "classes_") or (is_last and classes):
            _check_labels(step, classes)
        check(step, int(features), len(getattr(step, "classes_", ())))
        width = len(step.components_) if type(step).__name__ == "PCA" else features


def _get(owner: Any, name: str) -> Any:
    try:
        return getattr(owner, name)
    except AttributeError as error:
        raise ValueError(f"{type(owner).__name__}.{name}") from error


def _require(is_right: Any, owner: Any, name: str) -> None:
    if not is_right:
        raise ValueError(f"{type(owner).__name__}.{name}")


def _array(
    owner: Any, name: str, shape: tuple[int | None, ...], low: float = -np.inf, high: float = np.inf, kind: str = "f"
) -> np.ndarray:
    """Return an attribute that is a finite array of ``shape`` (None: any length), all of it in ``low`` to ``high``."""
    return _check_array(owner, name, _get(owner, name), shape, low, high, kind)


def _check_array(
    owner: Any,
    name: str,
    value: Any,
    shape: tuple[int | None, ...],
    low: float = -np.inf,
    high: float = np.inf,
    kind: str = "f",
) -> np.ndarray:
    _require(isinstance(value, np.ndarray) and value.dtype.kind == kind and value.ndim == len(shape), owner, name)
    _require(all(want in (None, have) for want, have in zip(shape, value.shape, strict=True)), owner, name)
    _require(np.isfinite(value).all() and (value >= low).all() and (value <= high).all(), owner, name)
    array: np.ndarray = value
    return array


def _check_labels(step: Any, classes: int) -> None:
    labels = _array(step, "classes_", (None,), 0, classes - 1, kind="i")
    _require(len(labels) > 1 and (np.diff(labels) > 0).all(), step, "classes_")


def _check_scaler(step: Any, features: int, classes: int) -> None:
    _array(step, "mean_", (features,))
    _array(step, "scale_", (features,), low=np.finfo(float).tiny)


def _check_components(step: Any, features: int, classes: int) -> None:
    components = _array(step, "components_", (None, features))
    _require(0 < len(components) <= features and step.whiten is False, step, "components_")
    _array(step, "mean_", (features,))


def _check_neighbors(step: Any, features: int, classes: int) -> None:
    examples = len(_array(step, "_fit_X", (None, features)))
    neighbors = _get(step, "n_neighbors")
    _require(isinstance(neighbors, int | np.integer) and 0 < neighbors <= examples, step, "n_neighbors")
    _require(_get(step, "_fit_method") == "brute" and _get(step, "effective_metric_") == "euclidean", step, "metric")
    if type(step).__name__ == "KNeighborsClassifier":
        _array(step, "_y", (examples,), 0, classes - 1, kind="i")
    elif type(step).__name__ == "KNeighborsRegressor":
        _array(step, "_y", (examples,))


def _check_linear(step: Any, features: int, classes: int) -> None:
    rows = 1 if classes == 2 else classes
    _array(step, "coef_", (rows, features))
    _array(step, "intercept_", (rows,))


def _check_svc(step: Any, features: int, classes: int) -> None:
    vectors, pairs = len(_array(step, "support_vectors_", (None, features))), classes * (classes - 1) // 2
    counts = _array(step, "_n_support", (classes,), 0, vectors, kind="i")
    _require(counts.sum(dtype=np.int64) == vectors, step, "_n_support")
    _array(step, "support_", (vectors,), 0, kind="i")
    for name in ("dual_coef_", "_dual_coef_"):
        _array(step, name, (classes - 1, vectors))
    for name in ("intercept_", "_intercept_"):
        _array(step, name, (pairs,))
    for name in ("_probA", "_probB"):
        _array(step, name, (0,))
    gamma = _get(step, "_gamma")
    _require(isinstance(gamma, int | float) and 0 <= gamma < np.inf, step, "_gamma")
    _require(step.kernel == "rbf" and _get(step, "_sparse") is False, step, "kernel")


def _check_naive_bayes(step: Any, features: int, classes: int) -> None:
    _array(step, "theta_", (classes, features))
    _array(step, "var_", (classes, features), 0)
    _array(step, "class_prior_", (classes,), 0, 1)


def _check_quadratic(step: Any, features: int, classes: int) -> None:
    _array(step, "means_", (classes, features))
    _array(step, "priors_", (classes,), 0, 1)
    for name in ("scalings_", "rotations_"):
        _require(isinstance(_get(step, name), list) and len(_get(step, name)) == classes, step, name)
    for scalings, rotation in zip(step.scalings_, step.rotations_, strict=True):
        directions = len(_check_array(step, "scalings_", scalings, (None,), 0))
        _check_array(step, "rotations_", rotation, (features, directions))


def _check_tree(step: Any, features: int, classes: int) -> None:
    tree = _get(step, "tree_")
    nodes, outputs = int(tree.node_count), max(classes, 1)
    _require(type(tree).__name__ == "Tree" and nodes > 0, step, "tree_")
    _require(tree.n_features == features and tree.n_outputs == 1, step, "tree_")
    _check_array(step, "tree_.value", tree.value, (nodes, 1, outputs))
    left = _check_array(step, "tree_.children_left", tree.children_left, (nodes,), -1, nodes - 1, kind="i")
    right = _check_array(step, "tree_.children_right", tree.children_right, (nodes,), -1, nodes - 1, kind="i")
    inner = left != -1
    _require(np.array_equal(inner, right != -1), step, "tree_.children_right")
    number = np.arange(nodes)[inner]  # a child comes after its parent: no way leads back
    _require((left[inner] > number).all() and (right[inner] > number).all(), step, "tree_.children_left")
    _check_array(step, "tree_.feature", tree.feature[inner], (None,), 0, features - 1, kind="i")
    _check_array(step, "tree_.threshold", tree.threshold, (nodes,))


def _check_forest(step: Any, features: int, classes: int) -> None:
    trees = _get(step, "estimators_")
    _require(isinstance(trees, list) and trees, step, "estimators_")
    for tree in trees:
        _require(type(tree).__name__.startswith("DecisionTree"), step, "estimators_")
        _require(_get(tree, "n_features_in_") == features, tree, "n_features_in_")
        if classes:
            _require(np.array_equal(_get(tree, "classes_"), np.arange(classes)), tree, "classes_")
        _check_tree(tree, features, classes)
    _require(_get(step, "n_outputs_") == 1, step, "n_outputs_")


def _check_clusters(step: Any, features: int, classes: int) -> None:
    kmeans = _get(step, "kmeans_")
    clusters = len(_array(kmeans, "cluster_centers_", (None, features)))
    threads = _get(kmeans, "_n_threads")
    _require(isinstance(threads, int) and 0 < threads <= MAX_CLUSTER_THREADS, kmeans, "_n_threads")
    _require(_get(kmeans, "n_clusters") == clusters > 0, kmeans, "n_clusters")
    _array(step, "fractions_", (clusters, classes), 0, 1)


def _check_spreading(step: Any, features: int, classes: int) -> None:
    examples = len(_array(step, "X_", (None, features)))
    _array(step, "label_distributions_", (examples, classes), 0, 1 + 1e-6)
    search = _get(step, "nn_fit")
    _require(type(search).__name__ == "NearestNeighbors" and step.kernel == "knn", step, "nn_fit")
    _check_neighbors(search, features, classes)
    _require(len(search._fit_X) == examples and search.n_neighbors == step.n_neighbors, step, "nn_fit")


_CHECKS: dict[str, Callable[[Any, int, int], None]] = {
    "StandardScaler": _check_scaler,
    "PCA": _check_components,
    "KNeighborsClassifier": _check_neighbors,
    "KNeighborsRegressor": _check_neighbors,
    "LinearSVC": _check_linear,
    "LogisticRegression": _check_linear,
    "LinearDiscriminantAnalysis": _check_linear,
    "SVC": _check_svc,
    "QuadraticDiscriminantAnalysis": _check_quadratic,
    "GaussianNB": _check_naive_bayes,
    "DecisionTreeClassifier": _check_tree,
    "DecisionTreeRegressor": _check_tree,
    "RandomForestClassifier": _check_forest,
    "RandomForestRegressor": _check_forest,
    "ClusterClassifier": _check_clusters,
    "LabelSpreading": _check_spreading,
}
