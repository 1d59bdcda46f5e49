"""Every array is merely wrong for the guard: nothing here predicts with what was changed."""

from __future__ import annotations

import numpy as np
import pytest

from discern.classical.config import make_classical_config
from discern.classical.estimators import CLASSICAL
from discern.classical.features import Extractor
from discern.classical.fitted_arrays import check_pipeline
from discern.classical.fitting import fit_model, from_bytes, to_bytes

CLASSES = ("a", "b", "c")


def fit(model: str, classes: int = 3, **settings: object) -> object:
    settings = {"n_estimators": 2, **settings} if model == "forest" else settings
    config = make_classical_config(model=model, **settings)
    features = np.random.default_rng(0).normal(size=(60, 4)) + np.arange(60)[:, None] % classes
    return fit_model(config, Extractor(("pixels",), {}), features, np.arange(60) % classes, CLASSES[:classes])[
        0
    ].pipeline


@pytest.mark.parametrize("classes", [2, 3])
@pytest.mark.parametrize("model", CLASSICAL)
def test_what_was_fitted_is_right(model: str, classes: int) -> None:
    check_pipeline(from_bytes(to_bytes(fit(model, classes, pca=2)), "file"), classes)


@pytest.mark.parametrize("model", [name for name, spec in CLASSICAL.items() if spec.regressor])
def test_regressions_are_right(model: str) -> None:
    from discern.classical.fitting import build_pipeline

    pipeline = build_pipeline(make_classical_config(model=model), (20, 2), ())
    x = np.random.default_rng(0).normal(size=(20, 2))
    check_pipeline(pipeline.fit(x, x.sum(axis=1)), 0)


@pytest.mark.parametrize(
    ("model", "name"),
    [
        ("knn", "_fit_X"),
        ("svm-linear", "coef_"),
        ("svm-rbf", "support_vectors_"),
        ("svm-rbf", "_dual_coef_"),
        ("svm-rbf", "_intercept_"),
        ("lda", "intercept_"),
        ("qda", "means_"),
        ("logistic", "coef_"),
        ("naive-bayes", "var_"),
        ("kmeans", "fractions_"),
        ("label-spreading", "label_distributions_"),
    ],
)
def test_numbers_that_are_none_and_other_shapes(model: str, name: str) -> None:
    estimator = fit(model)[-1]  # type: ignore[index]
    array = getattr(estimator, name)
    for wrong in (np.full_like(array, np.nan), np.full_like(array, np.inf), array[..., :-1], array.astype(int)):
        changed = fit(model)
        setattr(changed[-1], name, wrong)  # type: ignore[index]
        with pytest.raises(ValueError, match=name):
            check_pipeline(changed, 3)


@pytest.mark.parametrize("wrong", [[0, 1, 3], [0, 2, 1], [0, 1, 1], [-1, 0, 1], [0.0, 1.0, 2.0]])
def test_labels_are_in_order_and_of_the_card(wrong: list[float]) -> None:
    pipeline = fit("naive-bayes")
    pipeline[-1].classes_ = np.array(wrong)  # type: ignore[index]
    with pytest.raises(ValueError, match="classes_"):
        check_pipeline(pipeline, 3)


def test_counts_neighbors_and_steps_that_do_not_fit() -> None:
    svc, knn, scaled = fit("svm-rbf"), fit("knn"), fit("logistic", scale="standard")
    svc[-1]._n_support = svc[-1]._n_support[::-1] + np.int32(1)  # type: ignore[index]
    knn[-1].n_neighbors = 61  # type: ignore[index]
    scaled[0].scale_ = np.zeros(4)  # type: ignore[index]
    for pipeline, name in ((svc, "_n_support"), (knn, "n_neighbors"), (scaled, "scale_"), (scaled[:1], "step 1")):  # type: ignore[index]
        with pytest.raises(ValueError, match=name):
            check_pipeline(pipeline, 3)


@pytest.mark.parametrize("name", ["children_left", "children_right", "feature", "threshold", "value"])
@pytest.mark.parametrize("model", ["tree", "forest"])
def test_a_tree_whose_arrays_do_not_fit(model: str, name: str) -> None:
    pipeline = fit(model)
    tree = pipeline[-1].tree_ if model == "tree" else pipeline[-1].estimators_[1].tree_  # type: ignore[index]
    getattr(tree, name)[0] = np.nan if name in ("threshold", "value") else 0 if name != "feature" else 4
    with pytest.raises(ValueError, match=name.replace("right", "left")):
        check_pipeline(pipeline, 3)
