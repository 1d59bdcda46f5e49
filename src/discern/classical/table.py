"""The table of classical models: a name, the facts a person chooses by, and what builds the estimator.

Reading it imports no scikit-learn.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from discern.errors import ModelError
from discern.i18n import _

Setting = bool | int | float | str
Settings = Mapping[str, Any]
Ranges = Mapping[str, tuple[Setting, ...]]


@dataclass(frozen=True)
class Kind:
    """One classical model.

    Attributes
    ----------
    name : str
        What a person types.
    year : int
        Of its publication.
    idea : callable
        Gives what it does, in one translated sentence.
    settings : mapping
        What ``--set`` reaches, with defaults.
    make : callable
        (settings, classes, seed) -> the scikit-learn estimator.
    ranges : mapping
        The values that a search tries where a person states none.
    regressor : callable, optional
        (settings, seed) -> the estimator that learns a number; None where the model only knows classes.
    scaled : bool
        Whether it compares features by size, so that those of different kinds are standardised first.
    most : int
        More features than this are first reduced to their principal components (0: any number is welcome).
    """

    name: str
    year: int
    idea: Callable[[], str]
    settings: Settings
    make: Callable[[Settings, int, int], Any]
    ranges: Ranges
    regressor: Callable[[Settings, int], Any] | None = None
    scaled: bool = True
    most: int = 0

    def build(self, settings: Settings, classes: int, seed: int) -> Any:
        """The estimator of classes, untrained."""
        return self.make({**self.settings, **settings}, classes, seed)

    def build_regressor(self, settings: Settings, seed: int) -> Any:
        """The estimator of a number, untrained.

        Raises
        ------
        ModelError
            When the model only knows classes.
        """
        if self.regressor is None:
            able = ", ".join(kind.name for kind in _KINDS if kind.regressor is not None)
            sentence = _("{model} learns classes, not numbers: take {able}, or --set task=classification.")
            raise ModelError(sentence.format(model=self.name, able=able))
        return self.regressor({**self.settings, **settings}, seed)


def _knn(settings: Settings, classes: int, seed: int) -> Any:
    from sklearn.neighbors import KNeighborsClassifier

    # Brute force is one matrix product a batch; a tree gains nothing in so many dimensions.
    return KNeighborsClassifier(settings["k"], weights=settings["weights"], algorithm="brute")


def _knn_regressor(settings: Settings, seed: int) -> Any:
    from sklearn.neighbors import KNeighborsRegressor

    return KNeighborsRegressor(settings["k"], weights=settings["weights"], algorithm="brute")


def _svm_linear(settings: Settings, classes: int, seed: int) -> Any:
    from sklearn.svm import LinearSVC

    return LinearSVC(C=settings["C"], dual="auto", max_iter=5_000, random_state=seed)


def _svm_rbf(settings: Settings, classes: int, seed: int) -> Any:
    from sklearn.svm import SVC

    return SVC(C=settings["C"], gamma=settings["gamma"], break_ties=classes > 2, cache_size=500)


def _lda(settings: Settings, classes: int, seed: int) -> Any:
    from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

    return LinearDiscriminantAnalysis(solver="lsqr", shrinkage=settings["shrinkage"])


def _qda(settings: Settings, classes: int, seed: int) -> Any:
    from sklearn.discriminant_analysis import QuadraticDiscriminantAnalysis

    return QuadraticDiscriminantAnalysis(reg_param=settings["shrinkage"])


def _tree(settings: Settings, classes: int, seed: int) -> Any:
    from sklearn.tree import DecisionTreeClassifier

    return DecisionTreeClassifier(random_state=seed, **_limits(settings))


def _forest(settings: Settings, classes: int, seed: int) -> Any:
    from sklearn.ensemble import RandomForestClassifier

    return RandomForestClassifier(settings["trees"], random_state=seed, n_jobs=-1, **_limits(settings))


def _tree_regressor(settings: Settings, seed: int) -> Any:
    from sklearn.tree import DecisionTreeRegressor

    return DecisionTreeRegressor(random_state=seed, **_limits(settings))


def _forest_regressor(settings: Settings, seed: int) -> Any:
    from sklearn.ensemble import RandomForestRegressor

    return RandomForestRegressor(settings["trees"], random_state=seed, n_jobs=-1, **_limits(settings))


def _limits(settings: Settings) -> dict[str, Any]:
    return {"max_depth": settings["depth"] or None, "min_samples_leaf": settings["leaf"]}


def _logistic(settings: Settings, classes: int, seed: int) -> Any:
    from sklearn.linear_model import LogisticRegression

    return LogisticRegression(C=settings["C"], max_iter=2_000)


def _naive_bayes(settings: Settings, classes: int, seed: int) -> Any:
    from sklearn.naive_bayes import GaussianNB

    return GaussianNB(var_smoothing=settings["smoothing"])


def _kmeans(settings: Settings, classes: int, seed: int) -> Any:
    from discern.classical.clusters import NamedClusters

    return NamedClusters(settings["clusters"] or 10 * classes, seed)


def _label_spreading(settings: Settings, classes: int, seed: int) -> Any:
    from sklearn.semi_supervised import LabelSpreading

    return LabelSpreading(kernel="knn", n_neighbors=settings["k"], alpha=settings["alpha"], max_iter=200)


_KINDS = (
    Kind(
        "knn",
        1967,
        lambda: _("An example is what the most similar training examples are."),
        {"k": 3, "weights": "distance"},
        _knn,
        {"k": (1, 3, 5, 7, 11), "weights": ("uniform", "distance")},
        _knn_regressor,
    ),
    Kind(
        "svm-linear",
        1995,
        lambda: _("The flat boundary that is farthest from the examples on both sides."),
        {"C": 0.1},
        _svm_linear,
        {"C": (0.01, 0.1, 1.0, 10.0)},
    ),
    Kind(
        "svm-rbf",
        1995,
        lambda: _("The boundary of widest margin, bent by a Gaussian kernel."),
        {"C": 10.0, "gamma": "scale"},
        _svm_rbf,
        {"C": (1.0, 10.0, 100.0), "gamma": ("scale", 0.001, 0.01)},
    ),
    Kind(
        "lda",
        1936,
        lambda: _("One Gaussian a class, all of one shape: the boundaries are flat."),
        {"shrinkage": "auto"},
        _lda,
        {"shrinkage": ("auto", 0.0, 0.1, 0.5)},
        most=1_000,
    ),
    Kind(
        "qda",
        1948,
        lambda: _("One Gaussian a class, each of its own shape: the boundaries are curved."),
        {"shrinkage": 0.1},
        _qda,
        {"shrinkage": (0.01, 0.1, 0.3, 0.6)},
        most=200,
    ),
    Kind(
        "tree",
        1984,
        lambda: _("Questions about one feature at a time, each chosen to part the classes best (CART)."),
        {"depth": 0, "leaf": 1},
        _tree,
        {"depth": (0, 3, 5, 10), "leaf": (1, 3, 10)},
        _tree_regressor,
        scaled=False,
    ),
    Kind(
        "forest",
        2001,
        lambda: _("Many trees, each grown on a random draw of examples and features, vote."),
        {"trees": 300, "depth": 0, "leaf": 1},
        _forest,
        {"depth": (0, 10), "leaf": (1, 3, 10)},
        _forest_regressor,
        scaled=False,
    ),
    Kind(
        "logistic",
        1958,
        lambda: _("A weighted sum of the features a class, made a probability by the softmax."),
        {"C": 1.0},
        _logistic,
        {"C": (0.01, 0.1, 1.0, 10.0)},
    ),
    Kind(
        "naive-bayes",
        1973,
        lambda: _("Each feature speaks for itself: a Gaussian a feature and class."),
        {"smoothing": 1e-3},
        _naive_bayes,
        {"smoothing": (1e-9, 1e-6, 1e-3, 1e-1)},
        scaled=False,
    ),
    Kind(
        "kmeans",
        1967,
        lambda: _("Groups found without labels; a group is then named after the training examples in it."),
        {"clusters": 0},
        _kmeans,
        {"clusters": (0, 20, 50, 100)},
    ),
    Kind(
        "label-spreading",
        2004,
        lambda: _("Few labels spread along the graph of similar examples to those without."),
        {"k": 7, "alpha": 0.2},
        _label_spreading,
        {"k": (3, 7, 15), "alpha": (0.05, 0.2, 0.5)},
    ),
)
CLASSICAL: dict[str, Kind] = {kind.name: kind for kind in _KINDS}
