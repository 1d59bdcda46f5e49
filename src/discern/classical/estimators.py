"""The table of classical models: a name, the facts a person chooses by, and what builds the estimator.

Reading it imports no scikit-learn. Settings have scikit-learn's names.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pkgutil import resolve_name
from typing import Any, Literal

from pydantic import create_model

from discern.errors import ModelError
from discern.i18n import N_, _
from discern.settings import Group, setting

Arg = bool | int | float | str
Args = Mapping[str, Any]


@dataclass(frozen=True)
class ClassicalSpec:
    """One classical model."""

    name: str  # what a person types
    year: int  # of its publication
    idea: Callable[[], str]  # returns what it does, in one translated sentence
    args: type[Group]  # the settings of the estimator, with defaults and ranges
    ranges: Mapping[str, tuple[Arg, ...]]  # the values that a search tries of each setting that was not given
    classifier: str  # the estimator's class, as module:name
    # (args, classes, seed) -> the estimator's arguments beside its settings, or in their place
    extra: Callable[[Args, int, int], Args] = lambda args, classes, seed: {}
    regressor: str = ""  # the class that learns a number; none where the model learns only classes
    needs_scaling: bool = True  # it compares features by size: those of different kinds are standardized first
    max_features: int = 0  # more are first reduced to their principal components (0: any number will do)
    is_semi_supervised: bool = False  # it learns from examples without a label, too

    def build(self, args: Args, classes: int, seed: int) -> Any:
        """Build the untrained estimator of classes."""
        return self._make(self.classifier, args, classes, seed)

    def build_regressor(self, args: Args, seed: int) -> Any:
        """Build the untrained estimator of a number. Raises `ModelError` when the model learns only classes."""
        if not self.regressor:
            able = ", ".join(spec.name for spec in CLASSICAL.values() if spec.regressor)
            message = _("{model} learns classes, not numbers: use {able}, or --set task=classification.")
            raise ModelError(message.format(model=self.name, able=able))
        return self._make(self.regressor, args, 0, seed)

    def _make(self, kind: str, given: Args, classes: int, seed: int) -> Any:
        args = {**self.args().model_dump(), **given}
        return resolve_name(kind)(**{**args, **self.extra(args, classes, seed)})


def _settings(**fields: Any) -> type[Group]:
    """Return a group of settings, each a kind and what `setting` returns."""
    group: type[Group] = create_model("EstimatorArgs", __base__=Group, **fields)
    return group


def _regularization(default: float) -> tuple[type, Any]:
    return float, setting(default, N_("Inverse strength of the regularization."), gt=0)


TREE_SETTINGS = {
    "max_depth": (int, setting(0, N_("Largest depth of a tree (0: no limit)."), ge=0)),
    "min_samples_leaf": (int, setting(1, N_("Fewest training examples in a leaf."), ge=1)),
}

_SPECS = (
    ClassicalSpec(
        "knn",
        1967,
        lambda: _("The class of the most similar training examples."),
        _settings(
            n_neighbors=(int, setting(3, N_("Number of nearest training examples that vote."), ge=1)),
            weights=(
                Literal["uniform", "distance"],
                setting("distance", N_("Whether nearer examples count for more.")),
            ),
        ),
        {"n_neighbors": (1, 3, 5, 7, 11), "weights": ("uniform", "distance")},
        "sklearn.neighbors:KNeighborsClassifier",
        # Brute force is one matrix product a batch; a tree gains nothing in so many dimensions.
        lambda args, classes, seed: {"algorithm": "brute"},
        "sklearn.neighbors:KNeighborsRegressor",
    ),
    ClassicalSpec(
        "svm-linear",
        1995,
        lambda: _("The flat boundary that is farthest from the examples on both sides."),
        _settings(C=_regularization(0.1)),
        {"C": (0.01, 0.1, 1.0, 10.0)},
        "sklearn.svm:LinearSVC",
        lambda args, classes, seed: {"dual": "auto", "max_iter": 5_000, "random_state": seed},
    ),
    ClassicalSpec(
        "svm-rbf",
        1995,
        lambda: _("The boundary of widest margin, bent by a Gaussian kernel."),
        _settings(
            C=_regularization(10.0),
            gamma=(Literal["scale", "auto"] | float, setting("scale", N_("Inverse width of the Gaussian kernel."))),
        ),
        {"C": (1.0, 10.0, 100.0), "gamma": ("scale", 0.001, 0.01)},
        "sklearn.svm:SVC",
        lambda args, classes, seed: {"break_ties": classes > 2, "cache_size": 500},
    ),
    ClassicalSpec(
        "lda",
        1936,
        lambda: _("One Gaussian per class, all of one shape: the boundaries are flat."),
        _settings(
            shrinkage=(
                Literal["auto"] | float,
                setting(
                    "auto", N_("How far the covariance is shrunk to a diagonal one: 0 to 1, or auto (Ledoit and Wolf).")
                ),
            )
        ),
        {"shrinkage": ("auto", 0.0, 0.1, 0.5)},
        "sklearn.discriminant_analysis:LinearDiscriminantAnalysis",
        lambda args, classes, seed: {"solver": "lsqr"},
        max_features=1_000,
    ),
    ClassicalSpec(
        "qda",
        1948,
        lambda: _("One Gaussian per class, each of its own shape: the boundaries are curved."),
        _settings(
            reg_param=(float, setting(0.1, N_("How far the covariances are shrunk to the identity."), ge=0, le=1))
        ),
        {"reg_param": (0.01, 0.1, 0.3, 0.6)},
        "sklearn.discriminant_analysis:QuadraticDiscriminantAnalysis",
        max_features=200,
    ),
    ClassicalSpec(
        "tree",
        1984,
        lambda: _("Questions about one feature at a time, each chosen to separate the classes best (CART)."),
        _settings(**TREE_SETTINGS),
        {"max_depth": (0, 3, 5, 10), "min_samples_leaf": (1, 3, 10)},
        "sklearn.tree:DecisionTreeClassifier",
        lambda args, classes, seed: {"max_depth": args["max_depth"] or None, "random_state": seed},
        "sklearn.tree:DecisionTreeRegressor",
        needs_scaling=False,
    ),
    ClassicalSpec(
        "forest",
        2001,
        lambda: _("Many trees, each grown on a random sample of examples and features, vote."),
        _settings(n_estimators=(int, setting(300, N_("Number of trees."), ge=1)), **TREE_SETTINGS),
        {"max_depth": (0, 10), "min_samples_leaf": (1, 3, 10)},
        "sklearn.ensemble:RandomForestClassifier",
        lambda args, classes, seed: {"max_depth": args["max_depth"] or None, "random_state": seed, "n_jobs": -1},
        "sklearn.ensemble:RandomForestRegressor",
        needs_scaling=False,
    ),
    ClassicalSpec(
        "logistic",
        1958,
        lambda: _("A weighted sum of the features per class, made a probability by the softmax."),
        _settings(C=_regularization(1.0)),
        {"C": (0.01, 0.1, 1.0, 10.0)},
        "sklearn.linear_model:LogisticRegression",
        lambda args, classes, seed: {"max_iter": 2_000},
    ),
    ClassicalSpec(
        "naive-bayes",
        1973,
        lambda: _("One Gaussian per feature and class, all features independent."),
        _settings(
            var_smoothing=(
                float,
                setting(
                    1e-3, N_("Fraction of the largest variance of a feature that is added to all variances."), ge=0
                ),
            )
        ),
        {"var_smoothing": (1e-9, 1e-6, 1e-3, 1e-1)},
        "sklearn.naive_bayes:GaussianNB",
        needs_scaling=False,
    ),
    ClassicalSpec(
        "kmeans",
        1967,
        lambda: _("Clusters found without labels, then named after the training examples in them."),
        _settings(n_clusters=(int, setting(0, N_("Number of clusters (0: ten per class)."), ge=0))),
        {"n_clusters": (0, 20, 50, 100)},
        "discern.classical.clusters:ClusterClassifier",
        lambda args, classes, seed: {"n_clusters": args["n_clusters"] or 10 * classes, "seed": seed},
    ),
    ClassicalSpec(
        "label-spreading",
        2004,
        lambda: _("A few labels spread along the graph of similar examples to those without."),
        _settings(
            n_neighbors=(int, setting(7, N_("Number of nearest examples that a label spreads to."), ge=1)),
            alpha=(float, setting(0.2, N_("How much of its label an example takes from its neighbors."), gt=0, lt=1)),
        ),
        {"n_neighbors": (3, 7, 15), "alpha": (0.05, 0.2, 0.5)},
        "sklearn.semi_supervised:LabelSpreading",
        lambda args, classes, seed: {"kernel": "knn", "max_iter": 200},
        is_semi_supervised=True,
    ),
)
CLASSICAL: dict[str, ClassicalSpec] = {spec.name: spec for spec in _SPECS}
