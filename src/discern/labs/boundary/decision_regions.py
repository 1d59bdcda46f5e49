"""The regions into which scikit-learn's classifiers divide a plane, and what each fitted model stores.

Source: Fisher 1936 (LDA); Hastie, Tibshirani and Friedman, The elements of statistical learning, sections 4.3 (QDA),
9.2 (trees), 13.3 (nearest neighbors) and 15 (forests); Cortes and Vapnik 1995, Support-vector networks; Zhou et al.
2004, Learning with local and global consistency (label spreading).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from discern.errors import ConfigError, suggest
from discern.i18n import _

GRID = 100  # points a side at which the class is predicted
MARGIN = 0.08  # of the span of the points, on each side
HELD_OUT = 0.3  # fraction of the points that the models are tested on

MODELS = ("lda", "qda", "knn", "svm-linear", "svm-rbf", "tree", "forest", "spread-30", "spread-50", "spread-100", "mlp")


@dataclass(frozen=True)
class Settings:
    """Settings of the models, named as the lab's options."""

    neighbors: int
    cost: float
    gamma: float
    max_depth: int
    seed: int


@dataclass(frozen=True)
class Sample:
    """Points to train and test on, and a grid over them."""

    points: np.ndarray  # float64 (N, 2)
    labels: np.ndarray  # int64 (N,), indices into `classes`
    held_out: np.ndarray  # bool (N,): the points to test on
    mean: np.ndarray  # (2,): of the training points
    scale: np.ndarray  # (2,): their standard deviation; models read (points - mean) / scale
    x: np.ndarray  # float64 (G,): coordinates of the grid
    y: np.ndarray
    classes: tuple[str, ...]  # names

    @property
    def standardized(self) -> np.ndarray:
        """The points as models read them."""
        return np.asarray((self.points - self.mean) / self.scale)

    @property
    def grid(self) -> np.ndarray:
        """The grid as models read it, row by row from below: (G * G, 2)."""
        points = np.stack(np.meshgrid(self.x, self.y), axis=-1).reshape(-1, 2)
        return np.asarray((points - self.mean) / self.scale)


@dataclass(frozen=True)
class Ellipse:
    """A Gaussian at two standard deviations."""

    label: int
    center: np.ndarray
    covariance: np.ndarray


@dataclass(frozen=True)
class Region:
    """How one model divides the plane."""

    name: str  # as the option names the model
    title: str  # as a person names it
    stores: str  # what the fitted model keeps of the data
    classes: np.ndarray  # uint8 (G, G): the predicted class at every point of the grid, the lowest row first
    train_correct: int  # correctly classified training points
    n_train: int
    test_correct: int  # correctly classified held-out points
    n_test: int
    support: np.ndarray  # indices of the support vectors among all points
    unlabeled: np.ndarray  # indices of the training points whose label was hidden from the model
    ellipses: tuple[Ellipse, ...] = ()  # the Gaussians that it fits


def parse_models(text: str) -> tuple[str, ...]:
    """Read ``lda, qda``; raises `ConfigError` when a model is unknown, or none is named.

    Examples
    --------
    >>> parse_models("lda, tree")
    ('lda', 'tree')
    """
    names = tuple(dict.fromkeys(name.strip() for name in text.split(",") if name.strip()))
    for name in names:
        if name not in MODELS:
            raise ConfigError(_('Unknown model "{name}"{hint}.').format(name=name, hint=suggest(name, MODELS)))
    if not names:
        raise ConfigError(_("models: expected one or more of {names}.").format(names=", ".join(MODELS)))
    return names


def split_points(points: np.ndarray, labels: np.ndarray, classes: tuple[str, ...], seed: int) -> Sample:
    """Hold out three tenths of each class, and lay a grid over the points."""
    from sklearn.model_selection import train_test_split

    indices = np.arange(len(points))
    n_test = max(len(classes), round(HELD_OUT * len(points)))
    held_out = np.isin(indices, train_test_split(indices, test_size=n_test, stratify=labels, random_state=seed)[1])
    low, high = points.min(axis=0), points.max(axis=0)
    margin = MARGIN * (high - low)
    x, y = np.linspace(low - margin, high + margin, GRID).T
    mean, scale = points[~held_out].mean(axis=0), points[~held_out].std(axis=0)
    return Sample(points, labels, held_out, mean, np.where(scale > 0, scale, 1.0), x, y, classes)


def fit_region(name: str, sample: Sample, settings: Settings) -> Region:
    """Fit one of scikit-learn's models and predict the class at every point of the grid.

    Raises `ConfigError` when QDA is fitted to a class whose points lie on one line.
    """
    train = np.flatnonzero(~sample.held_out)
    labels = sample.labels[train].copy()
    hidden = np.zeros(0, dtype=np.int64)
    if name.startswith("spread"):
        hidden = _choose_hidden(labels, int(name.partition("-")[2]) / 100, settings.seed)
        labels[hidden] = -1  # scikit-learn's mark of an unlabeled point
    if name == "qda":
        _check_spread(sample, train)
    title, model = _build_model(name, settings)
    model.fit(sample.standardized[train], labels)
    predict = partial(_predict_spreading, model) if name.startswith("spread") else model.predict
    correct = predict(sample.standardized) == sample.labels
    return Region(
        name,
        title,
        _describe_memory(name, model, train.size - hidden.size),
        predict(sample.grid).reshape(GRID, GRID).astype(np.uint8),
        int(correct[train].sum()),
        len(train),
        int(correct[sample.held_out].sum()),
        int(sample.held_out.sum()),
        train[model.support_] if name.startswith("svm") else train[:0],
        train[hidden],
        _ellipses(name, model, sample),
    )


def _build_model(name: str, settings: Settings) -> tuple[str, Any]:
    from sklearn.discriminant_analysis import LinearDiscriminantAnalysis, QuadraticDiscriminantAnalysis
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.neighbors import KNeighborsClassifier
    from sklearn.semi_supervised import LabelSpreading
    from sklearn.svm import SVC
    from sklearn.tree import DecisionTreeClassifier

    seed, depth = settings.seed, settings.max_depth or None
    if name.startswith("spread"):
        title = _("label spreading ({fraction} % labeled)").format(fraction=name.partition("-")[2])
        return title, LabelSpreading(kernel="rbf", gamma=20, max_iter=1000)
    return {
        "lda": (_("LDA"), LinearDiscriminantAnalysis(store_covariance=True)),
        "qda": (_("QDA"), QuadraticDiscriminantAnalysis(store_covariance=True)),
        "knn": (_("k-NN (k = {k})").format(k=settings.neighbors), KNeighborsClassifier(settings.neighbors)),
        "svm-linear": (_("linear SVM"), SVC(kernel="linear", C=settings.cost)),
        "svm-rbf": (_("RBF SVM"), SVC(kernel="rbf", C=settings.cost, gamma=settings.gamma or "scale")),
        "tree": (_("decision tree"), DecisionTreeClassifier(max_depth=depth, random_state=seed)),
        "forest": (_("random forest"), RandomForestClassifier(50, max_depth=depth, random_state=seed)),
    }[name]


def _describe_memory(name: str, model: Any, n_labeled: int) -> str:
    """Describe what the fitted model stores."""
    match name:
        case "lda":
            return _("a mean per class, one covariance")
        case "qda":
            return _("a mean and a covariance per class")
        case "knn":
            return _("all {n} points").format(n=n_labeled)
        case "svm-linear" | "svm-rbf":
            return _("{n} support vectors").format(n=len(model.support_))
        case "tree":
            return _("{n} leaves").format(n=model.get_n_leaves())
        case "forest":
            return _("{n} trees").format(n=len(model.estimators_))
    return _("all points, {n} labels").format(n=n_labeled)


def _ellipses(name: str, model: Any, sample: Sample) -> tuple[Ellipse, ...]:
    """Return means and covariances of LDA and QDA, in the units of the points."""
    if name not in ("lda", "qda"):
        return ()
    covariances = [model.covariance_] * len(model.means_) if name == "lda" else model.covariance_
    scale = np.outer(sample.scale, sample.scale)
    pairs = zip(model.means_, covariances, strict=True)
    return tuple(Ellipse(i, mean * sample.scale + sample.mean, cov * scale) for i, (mean, cov) in enumerate(pairs))


def _choose_hidden(labels: np.ndarray, fraction: float, seed: int) -> np.ndarray:
    """Draw the indices whose label is hidden so that ``fraction`` stays, at least one per class."""
    random = np.random.default_rng(seed)
    hidden = []
    for label in np.unique(labels):
        indices = random.permutation(np.flatnonzero(labels == label))
        hidden.append(indices[max(1, round(fraction * len(indices))) :])
    return np.sort(np.concatenate(hidden))


def _predict_spreading(model: Any, queries: np.ndarray) -> np.ndarray:
    """Predict with label spreading; where its kernel is 0 everywhere, the label is the nearest point's."""
    from sklearn.neighbors import KNeighborsClassifier

    with np.errstate(invalid="ignore", divide="ignore"):
        probabilities = model.predict_proba(queries)  # 0 / 0 far from every point
    predictions: np.ndarray = model.classes_[probabilities.argmax(axis=1)]
    far = ~np.isfinite(probabilities).all(axis=1)
    if far.any():
        reached = model.label_distributions_.sum(axis=1) > 0
        nearest = KNeighborsClassifier(1).fit(model.X_[reached], model.transduction_[reached])
        predictions[far] = nearest.predict(queries[far])
    return predictions


def _check_spread(sample: Sample, train: np.ndarray) -> None:
    for label, name in enumerate(sample.classes):
        own = sample.standardized[train[sample.labels[train] == label]]
        if np.linalg.matrix_rank(np.cov(own.T), tol=1e-8) < 2:
            message = _("The points of {name} lie on one line, where QDA has no ellipse: remove qda from models.")
            raise ConfigError(message.format(name=name))
