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

from discern.classical.config import make_classical_config
from discern.classical.cross_validation import Search, apply_settings, find_rarest, grid_search, split_folds
from discern.classical.estimators import CLASSICAL
from discern.classical.fitting import UNLABELED
from discern.errors import ConfigError, ModelError

RANDOM = np.random.default_rng(0)
LABELS = np.repeat([0, 1, 2], 20)
FEATURES = (RANDOM.normal(size=(60, 4)) + LABELS[:, None]).astype(np.float32)
CLASSES = ("a", "b", "c")
ALONE = np.arange(60)


def test_agrees_with_scikit_learn() -> None:
    asked = {
        "model": "knn",
        "search": "grid",
        "cv": 4,
        "n_neighbors": [1, 9],
        "weights": "uniform",
        "scale": "standard",
    }
    found = grid_search(make_classical_config(**asked), FEATURES, LABELS, CLASSES, ALONE)
    split = StratifiedKFold(4, shuffle=True, random_state=0)
    for row in found.candidates:
        oracle = make_pipeline(StandardScaler(), KNeighborsClassifier(row.settings["n_neighbors"]))
        scores = cross_val_score(oracle, FEATURES, LABELS, cv=split)
        assert (row.mean, row.std) == pytest.approx((scores.mean(), scores.std()))
    assert found.best.mean == max(row.mean for row in found.candidates) and found.n == 60
    assert found.best.settings == {"n_neighbors": 9} and "2 settings tried by 4-fold" in found.sentences()[0]


def test_components_are_found_inside_the_folds() -> None:
    config = make_classical_config(**{"model": "lda", "search": "grid", "cv": 3, "pca": "0,2", "shrinkage": 0.1})
    found = grid_search(config, FEATURES, LABELS, CLASSES, ALONE)
    assert {row.settings["pca"] for row in found.candidates} == {0, 2}
    assert (
        apply_settings(config, {"pca": 2}).pca == 2
        and apply_settings(config, {"n_neighbors": 2}).estimator["n_neighbors"] == 2
    )


def test_a_setting_that_cannot_be_fitted_comes_last() -> None:
    config = make_classical_config(
        **{"model": "knn", "search": "grid", "cv": 3, "n_neighbors": "999,998,3", "weights": "uniform"}
    )
    found = grid_search(config, FEATURES, LABELS, CLASSES, ALONE)
    assert found.best.settings == {"n_neighbors": 3}
    assert [row["mean"] for row in found.to_json()["candidates"][1:]] == [None, None]
    config = make_classical_config(
        **{"model": "knn", "search": "grid", "cv": 3, "n_neighbors": "999,998", "weights": "uniform"}
    )
    with pytest.raises(ModelError, match=r"knn cannot be fitted with any of these settings"):
        grid_search(config, FEATURES, LABELS, CLASSES, ALONE)


@settings(max_examples=20, deadline=None)
@given(st.lists(st.integers(0, 40), min_size=60, max_size=60), st.integers(2, 5), st.integers(0, 9))
def test_copies_stay_together(groups: list[int], cv: int, seed: int) -> None:
    group = np.array(groups)
    assume(find_rarest(LABELS, group)[1] >= cv)
    split = split_folds(LABELS, group, cv, seed, CLASSES)
    assert np.array_equal(np.sort(np.concatenate([held for _, held in split])), ALONE)
    for train, held in split:
        assert not set(group[train]) & set(group[held])


def test_what_has_no_label_only_trains() -> None:
    labels = np.where(np.arange(60) % 4 == 0, UNLABELED, LABELS)
    for train, held in split_folds(labels, ALONE, 3, 0, CLASSES):
        assert (labels[held] != UNLABELED).all()
        assert (labels[train] == UNLABELED).sum() == 15


@pytest.mark.parametrize("name", CLASSICAL)
def test_every_row_has_ranges_that_fit(name: str) -> None:
    config = make_classical_config(**{"model": name, "search": "grid", "cv": 2})
    assert config.ranges.keys() <= CLASSICAL[name].args.model_fields.keys()
    if name != "forest":  # slow, and fitted as the tree is
        found = grid_search(config, FEATURES, LABELS, CLASSES, ALONE)
        assert all(row.mean is not None for row in found.candidates)


@pytest.mark.parametrize(
    ("asked", "sentence"),
    [
        ({"search": "grid", "cv": 1}, "cv=1 is not allowed: 2 or more"),
        ({"search": "random"}, "search=random is not allowed: one of none, grid"),
        ({"cv": 3}, "--cv sets the folds of a search: add --search grid"),
        ({"C": [1, 2]}, "C=1,2 is several values: add --search grid"),
        ({"C": "1,2"}, "C=1,2 is several values: add --search grid"),
        ({"search": "grid", "C": 1, "gamma": "scale"}, r"nothing to search.*--set C=1.0,10.0,100.0"),
        ({"search": "grid", "C": [1], "gamma": ["scale"]}, "nothing to search"),
        ({"search": "grid", "pca": "10,x"}, "pca=10,x is not allowed: whole numbers"),
        ({"search": "grid", "C": []}, "at least one value"),
        ({"search": "grid", "ranges": {"D": [1, 2]}}, 'svm-rbf has no setting "D"'),
    ],
)
def test_refusals(asked: dict[str, object], sentence: str) -> None:
    with pytest.raises(ConfigError, match=sentence):
        make_classical_config(**{"model": "svm-rbf", **asked})


def test_more_folds_than_a_class_has() -> None:
    with pytest.raises(
        ConfigError, match=r"--cv 21 is more folds than there are training examples of a .20.: use 2 to 20"
    ):
        split_folds(LABELS, ALONE, 21, 0, CLASSES)


def test_a_search_comes_back_from_json() -> None:
    config = make_classical_config(model="knn", search="grid", cv=3, k="999,3", weights="uniform")
    search = grid_search(config, FEATURES, LABELS, CLASSES, ALONE)
    assert Search.from_json(search.to_json()) == search
    (table,) = search.tables()
    assert table.columns[0] == "n_neighbors" and table.texts()[-1][1:] == ["–", "–"]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"n_neighbors": 0}, "n_neighbors=0 is not allowed: 1 or more"),
        ({"model": "svm-rbf", "gamma": "wide"}, "gamma=wide is not allowed: one of scale, auto or a number"),
        ({"model": "svm-rbf", "search": "grid", "C": "1,x"}, "C=x is not allowed: a number"),
        ({"learning_rate": 1}, 'knn has no setting "learning_rate"\\.$'),
        ({"labeled_fraction": 0.5}, "labeled_fraction=0.5 needs a semi-supervised model, which knn is not"),
        ({"mean": [0.5]}, 'knn has no setting "mean"'),
    ],
)
def test_settings_of_the_estimator_are_checked(settings: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        make_classical_config(**{"model": "knn", **settings})
