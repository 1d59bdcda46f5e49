"""The table of classical models: a name, the facts a person chooses by, and what builds the estimator.

Reading it imports no scikit-learn. Settings have scikit-learn's names.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from discern.errors import ModelError
from discern.i18n import N_, _
from discern.settings import Group, setting

Arg = bool | int | float | str
Args = Mapping[str, Any]


@dataclass(frozen=True)
class ClassicalSpec:
    """One classical model.

    Attributes
    ----------
    name : str
        What a person types.
    year : int
        Of its publication.
    idea : callable
        Returns what it does, in one translated sentence.
    args : type of Group
        The settings of the estimator, with defaults and ranges.
    classifier : callable
        (args, classes, seed) -> the scikit-learn estimator.
    ranges : mapping
        The values that a search tries of each setting that was not given.
    regressor : callable, optional
        (args, seed) -> the estimator that learns a number; None where the model learns only classes.
    needs_scaling : bool
        Whether it compares features by size, so that those of different kinds are standardized first.
    max_features : int
        More features than this are first reduced to their principal components (0: any number will do).
    is_semi_supervised : bool
        Whether it learns from examples without a label, too.
    """

    name: str
    year: int
    idea: Callable[[], str]
    args: type[Group]
    classifier: Callable[[Args, int, int], Any]
    ranges: Mapping[str, tuple[Arg, ...]]
    regressor: Callable[[Args, int], Any] | None = None
    needs_scaling: bool = True
    max_features: int = 0
    is_semi_supervised: bool = False

    def build(self, args: Args, classes: int, seed: int) -> Any:
        """Build the untrained estimator of classes."""
        return self.classifier({**self.args().model_dump(), **args}, classes, seed)

    def build_regressor(self, args: Args, seed: int) -> Any:
        """Build the untrained estimator of a number.

        Raises
        ------
        ModelError
            When the model learns only classes.
        """
        if self.regressor is None:
            able = ", ".join(spec.name for spec in _SPECS if spec.regressor is not None)
            message = _("{model} learns classes, not numbers: use {able}, or --set task=classification.")
            raise ModelError(message.format(model=self.name, able=able))
        return self.regressor({**self.args().model_dump(), **args}, seed)


class NeighborArgs(Group):
    """Of k nearest neighbors."""

    n_neighbors: int = setting(3, N_("Number of nearest training examples that vote."), ge=1)
    weights: Literal["uniform", "distance"] = setting("distance", N_("Whether nearer examples count for more."))


class LinearArgs(Group):
    """Of the linear support vector machine."""

    C: float = setting(0.1, N_("Inverse strength of the regularization."), gt=0)


class KernelArgs(Group):
    """Of the support vector machine with a Gaussian kernel."""

    C: float = setting(10.0, N_("Inverse strength of the regularization."), gt=0)
    gamma: Literal["scale", "auto"] | float = setting("scale", N_("Inverse width of the Gaussian kernel."))


class SharedGaussianArgs(Group):
    """Of linear discriminant analysis."""

    shrinkage: Literal["auto"] | float = setting(
        "auto", N_("How far the covariance is shrunk to a diagonal one: 0 to 1, or auto (Ledoit and Wolf).")
    )


class GaussianArgs(Group):
    """Of quadratic discriminant analysis."""

    reg_param: float = setting(0.1, N_("How far the covariances are shrunk to the identity."), ge=0, le=1)


class TreeArgs(Group):
    """Of a decision tree."""

    max_depth: int = setting(0, N_("Largest depth of a tree (0: no limit)."), ge=0)
    min_samples_leaf: int = setting(1, N_("Fewest training examples in a leaf."), ge=1)


class ForestArgs(Group):
    """Of a random forest."""

    n_estimators: int = setting(300, N_("Number of trees."), ge=1)
    max_depth: int = setting(0, N_("Largest depth of a tree (0: no limit)."), ge=0)
    min_samples_leaf: int = setting(1, N_("Fewest training examples in a leaf."), ge=1)


class LogisticArgs(Group):
    """Of logistic regression."""

    C: float = setting(1.0, N_("Inverse strength of the regularization."), gt=0)


class BayesArgs(Group):
    """Of naive Bayes."""

    var_smoothing: float = setting(
        1e-3, N_("Fraction of the largest variance of a feature that is added to all variances."), ge=0
    )


class ClusterArgs(Group):
    """Of k-means."""

    n_clusters: int = setting(0, N_("Number of clusters (0: ten per class)."), ge=0)


class SpreadingArgs(Group):
    """Of label spreading."""

    n_neighbors: int = setting(7, N_("Number of nearest examples that a label spreads to."), ge=1)
    alpha: float = setting(0.2, N_("How much of its label an example takes from its neighbors."), gt=0, lt=1)


def _knn(args: Args, classes: int, seed: int) -> Any:
    from sklearn.neighbors import KNeighborsClassifier

    # Brute force is one matrix product a batch; a tree gains nothing in so many dimensions.
    return KNeighborsClassifier(args["n_neighbors"], weights=args["weights"], algorithm="brute")


def _knn_regressor(args: Args, seed: int) -> Any:
    from sklearn.neighbors import KNeighborsRegressor

    return KNeighborsRegressor(args["n_neighbors"], weights=args["weights"], algorithm="brute")


def _svm_linear(args: Args, classes: int, seed: int) -> Any:
    from sklearn.svm import LinearSVC

    return LinearSVC(C=args["C"], dual="auto", max_iter=5_000, random_state=seed)


def _svm_rbf(args: Args, classes: int, seed: int) -> Any:
    from sklearn.svm import SVC

    return SVC(C=args["C"], gamma=args["gamma"], break_ties=classes > 2, cache_size=500)


def _lda(args: Args, classes: int, seed: int) -> Any:
    from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

    return LinearDiscriminantAnalysis(solver="lsqr", shrinkage=args["shrinkage"])


def _qda(args: Args, classes: int, seed: int) -> Any:
    from sklearn.discriminant_analysis import QuadraticDiscriminantAnalysis

    return QuadraticDiscriminantAnalysis(reg_param=args["reg_param"])


def _tree(args: Args, classes: int, seed: int) -> Any:
    from sklearn.tree import DecisionTreeClassifier

    return DecisionTreeClassifier(random_state=seed, **_tree_limits(args))


def _forest(args: Args, classes: int, seed: int) -> Any:
    from sklearn.ensemble import RandomForestClassifier

    return RandomForestClassifier(args["n_estimators"], random_state=seed, n_jobs=-1, **_tree_limits(args))


def _tree_regressor(args: Args, seed: int) -> Any:
    from sklearn.tree import DecisionTreeRegressor

    return DecisionTreeRegressor(random_state=seed, **_tree_limits(args))


def _forest_regressor(args: Args, seed: int) -> Any:
    from sklearn.ensemble import RandomForestRegressor

    return RandomForestRegressor(args["n_estimators"], random_state=seed, n_jobs=-1, **_tree_limits(args))


def _tree_limits(args: Args) -> dict[str, Any]:
    return {"max_depth": args["max_depth"] or None, "min_samples_leaf": args["min_samples_leaf"]}


def _logistic(args: Args, classes: int, seed: int) -> Any:
    from sklearn.linear_model import LogisticRegression

    return LogisticRegression(C=args["C"], max_iter=2_000)


def _naive_bayes(args: Args, classes: int, seed: int) -> Any:
    from sklearn.naive_bayes import GaussianNB

    return GaussianNB(var_smoothing=args["var_smoothing"])


def _kmeans(args: Args, classes: int, seed: int) -> Any:
    from discern.classical.clusters import ClusterClassifier

    return ClusterClassifier(args["n_clusters"] or 10 * classes, seed)


def _label_spreading(args: Args, classes: int, seed: int) -> Any:
    from sklearn.semi_supervised import LabelSpreading

    return LabelSpreading(kernel="knn", n_neighbors=args["n_neighbors"], alpha=args["alpha"], max_iter=200)


_SPECS = (
    ClassicalSpec(
        "knn",
        1967,
        lambda: _("The class of the most similar training examples."),
        NeighborArgs,
        _knn,
        {"n_neighbors": (1, 3, 5, 7, 11), "weights": ("uniform", "distance")},
        _knn_regressor,
    ),
    ClassicalSpec(
        "svm-linear",
        1995,
        lambda: _("The flat boundary that is farthest from the examples on both sides."),
        LinearArgs,
        _svm_linear,
        {"C": (0.01, 0.1, 1.0, 10.0)},
    ),
    ClassicalSpec(
        "svm-rbf",
        1995,
        lambda: _("The boundary of widest margin, bent by a Gaussian kernel."),
        KernelArgs,
        _svm_rbf,
        {"C": (1.0, 10.0, 100.0), "gamma": ("scale", 0.001, 0.01)},
    ),
    ClassicalSpec(
        "lda",
        1936,
        lambda: _("One Gaussian per class, all of one shape: the boundaries are flat."),
        SharedGaussianArgs,
        _lda,
        {"shrinkage": ("auto", 0.0, 0.1, 0.5)},
        max_features=1_000,
    ),
    ClassicalSpec(
        "qda",
        1948,
        lambda: _("One Gaussian per class, each of its own shape: the boundaries are curved."),
        GaussianArgs,
        _qda,
        {"reg_param": (0.01, 0.1, 0.3, 0.6)},
        max_features=200,
    ),
    ClassicalSpec(
        "tree",
        1984,
        lambda: _("Questions about one feature at a time, each chosen to separate the classes best (CART)."),
        TreeArgs,
        _tree,
        {"max_depth": (0, 3, 5, 10), "min_samples_leaf": (1, 3, 10)},
        _tree_regressor,
        needs_scaling=False,
    ),
    ClassicalSpec(
        "forest",
        2001,
        lambda: _("Many trees, each grown on a random sample of examples and features, vote."),
        ForestArgs,
        _forest,
        {"max_depth": (0, 10), "min_samples_leaf": (1, 3, 10)},
        _forest_regressor,
        needs_scaling=False,
    ),
    ClassicalSpec(
        "logistic",
        1958,
        lambda: _("A weighted sum of the features per class, made a probability by the softmax."),
        LogisticArgs,
        _logistic,
        {"C": (0.01, 0.1, 1.0, 10.0)},
    ),
    ClassicalSpec(
        "naive-bayes",
        1973,
        lambda: _("One Gaussian per feature and class, all features independent."),
        BayesArgs,
        _naive_bayes,
        {"var_smoothing": (1e-9, 1e-6, 1e-3, 1e-1)},
        needs_scaling=False,
    ),
    ClassicalSpec(
        "kmeans",
        1967,
        lambda: _("Clusters found without labels, then named after the training examples in them."),
        ClusterArgs,
        _kmeans,
        {"n_clusters": (0, 20, 50, 100)},
    ),
    ClassicalSpec(
        "label-spreading",
        2004,
        lambda: _("A few labels spread along the graph of similar examples to those without."),
        SpreadingArgs,
        _label_spreading,
        {"n_neighbors": (3, 7, 15), "alpha": (0.05, 0.2, 0.5)},
        is_semi_supervised=True,
    ),
)
CLASSICAL: dict[str, ClassicalSpec] = {spec.name: spec for spec in _SPECS}
