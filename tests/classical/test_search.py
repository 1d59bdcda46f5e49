"""A grid search is scikit-learn's, on folds that no copy straddles."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from sklearn.model_selection import StratifiedKFold, cross_val_score
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from discern.classical.config import make_classical
from discern.classical.folds import UNLABELLED, fewest, folds
from discern.classical.search import grid_search, with_settings
from discern.classical.table import CLASSICAL
from discern.errors import ConfigError, ModelError

RANDOM = np.random.default_rng(0)
LABELS = np.repeat([0, 1, 2], 20)
FEATURES = (RANDOM.normal(size=(60, 4)) + LABELS[:, None]).astype(np.float32)
CLASSES = ("a", "b", "c")
ALONE = np.arange(60)


def test_agrees_with_scikit_learn() -> None:
    asked = {"model": "knn", "search": "grid", "cv": 4, "k": [1, 9], "weights": "uniform", "scale": "standard"}
    found = grid_search(make_classical(asked), FEATURES, LABELS, CLASSES, ALONE)
    split = StratifiedKFold(4, shuffle=True, random_state=0)
    for row in found.tried:
        oracle = make_pipeline(StandardScaler(), KNeighborsClassifier(row.settings["k"]))
        scores = cross_val_score(oracle, FEATURES, LABELS, cv=split)
        assert (row.mean, row.std) == pytest.approx((scores.mean(), scores.std()))
    assert found.best.mean == max(row.mean for row in found.tried) and found.n == 60
    assert found.best.settings == {"k": 9} and "2 settings tried by 4-fold" in found.sentence()


def test_components_are_found_inside_the_folds() -> None:
    config = make_classical({"model": "lda", "search": "grid", "cv": 3, "pca": "0,2", "shrinkage": 0.1})
    found = grid_search(config, FEATURES, LABELS, CLASSES, ALONE)
    assert {row.settings["pca"] for row in found.tried} == {0, 2}
    assert with_settings(config, {"pca": 2}).pca == 2 and with_settings(config, {"k": 2}).estimator["k"] == 2


def test_a_setting_that_cannot_be_fitted_comes_last() -> None:
    config = make_classical({"model": "knn", "search": "grid", "cv": 3, "k": "999,0,3", "weights": "uniform"})
    found = grid_search(config, FEATURES, LABELS, CLASSES, ALONE)
    assert found.best.settings == {"k": 3}
    assert [row["mean"] for row in found.to_json()["tried"][1:]] == [None, None]
    config = make_classical({"model": "knn", "search": "grid", "cv": 3, "k": "0,-1", "weights": "uniform"})
    with pytest.raises(ModelError, match=r"knn cannot be fitted with any of these settings: .*n_neighbors"):
        grid_search(config, FEATURES, LABELS, CLASSES, ALONE)


@settings(max_examples=20, deadline=None)
@given(st.lists(st.integers(0, 40), min_size=60, max_size=60), st.integers(2, 5), st.integers(0, 9))
def test_copies_stay_together(groups: list[int], cv: int, seed: int) -> None:
    group = np.array(groups)
    assume(fewest(LABELS, group)[1] >= cv)
    split = folds(LABELS, group, cv, seed, CLASSES)
    assert np.array_equal(np.sort(np.concatenate([held for _, held in split])), ALONE)
    for train, held in split:
        assert not set(group[train]) & set(group[held])


def test_what_has_no_label_only_trains() -> None:
    labels = np.where(np.arange(60) % 4 == 0, UNLABELLED, LABELS)
    for train, held in folds(labels, ALONE, 3, 0, CLASSES):
        assert (labels[held] != UNLABELLED).all()
        assert (labels[train] == UNLABELLED).sum() == 15


@pytest.mark.parametrize("name", CLASSICAL)
def test_every_row_has_ranges_that_fit(name: str) -> None:
    config = make_classical({"model": name, "search": "grid", "cv": 2})
    assert config.ranges.keys() <= CLASSICAL[name].settings.keys()
    if name != "forest":  # slow, and fitted as the tree is
        found = grid_search(config, FEATURES, LABELS, CLASSES, ALONE)
        assert all(np.isfinite(row.mean) for row in found.tried)


@pytest.mark.parametrize(
    ("asked", "sentence"),
    [
        ({"search": "grid", "cv": 1}, "cv=1 is not allowed: 2 or more"),
        ({"search": "random"}, "search=random is not allowed: one of none, grid"),
        ({"cv": 3}, "--cv says how a search judges settings: add --search grid"),
        ({"C": [1, 2]}, "C=1,2 is several values: add --search grid"),
        ({"C": "1,2"}, "C=1,2 is several values: add --search grid"),
        ({"search": "grid", "C": 1, "gamma": "scale"}, r"nothing to search.*--set C=1.0,10.0,100.0"),
        ({"search": "grid", "C": [1], "gamma": ["scale"]}, "nothing to search"),
        ({"search": "grid", "pca": "10,x"}, "pca=10,x is not allowed: whole numbers"),
        ({"search": "grid", "C": []}, "at least one value"),
        ({"search": "grid", "ranges": {"D": [1, 2]}}, "svm-rbf has no setting D|no setting 'D'"),
    ],
)
def test_refusals(asked: dict[str, object], sentence: str) -> None:
    with pytest.raises(ConfigError, match=sentence):
        make_classical({"model": "svm-rbf", **asked})


def test_more_folds_than_a_class_has() -> None:
    with pytest.raises(
        ConfigError, match=r"--cv 21 is more folds than there are training examples of a .20.: take 2 to 20"
    ):
        folds(LABELS, ALONE, 21, 0, CLASSES)
