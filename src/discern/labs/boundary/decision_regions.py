"""What scikit-learn's classifiers make of a plane: the class of every place, and what each of them holds on to.

Source: Fisher 1936 (LDA); Hastie, Tibshirani and Friedman, The elements of statistical learning, sections 4.3 (QDA),
9.2 (trees), 13.3 (nearest neighbours) and 15 (forests); Cortes and Vapnik 1995, Support-vector networks; Zhou et al.
2004, Learning with local and global consistency (label spreading).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from discern.errors import ConfigError, nearest
from discern.i18n import _

GRID = 100  # places a side
MARGIN = 0.08  # of the span of the points, on each side
HELD_OUT = 0.3  # fraction of the points that the models are judged by

MODELS = (
    "lda",
    "qda",
    "knn",
    "svm-linear",
    "svm-rbf",
    "tree",
    "forest",
    "spread-30",
    "spread-50",
    "spread-100",
    "mlp",
)


@dataclass(frozen=True)
class Settings:
    """Of the models, as the lab's options name them."""

    neighbours: int
    cost: float
    gamma: float
    depth: int
    seed: int


@dataclass(frozen=True)
class Sample:
    """Points to learn from and to be judged by, and the places to ask about.

    Attributes
    ----------
    points, labels : numpy.ndarray
        float64 (N, 2), int64 (N,).
    held : numpy.ndarray
        bool (N,): kept from the models, to judge them.
    middle, scale : numpy.ndarray
        (2,): mean and deviation of the points to learn from; models see (points - middle) / scale.
    x, y : numpy.ndarray
        float64 (G,): where the places lie.
    classes : tuple of str
    """

    points: np.ndarray
    labels: np.ndarray
    held_out: np.ndarray
    middle: np.ndarray
    scale: np.ndarray
    x: np.ndarray
    y: np.ndarray
    classes: tuple[str, ...]

    @property
    def standardized(self) -> np.ndarray:
        """As models see the points."""
        standardized: np.ndarray = (self.points - self.middle) / self.scale
        return standardized

    @property
    def places(self) -> np.ndarray:
        """As models see the places, row by row from below: (G * G, 2)."""
        grid = np.stack(np.meshgrid(self.x, self.y), axis=-1).reshape(-1, 2)
        places: np.ndarray = (grid - self.middle) / self.scale
        return places


@dataclass(frozen=True)
class Ellipse:
    """Where a Gaussian is at two standard deviations."""

    label: int
    centre: np.ndarray
    covariance: np.ndarray


@dataclass(frozen=True)
class Region:
    """What one model makes of the plane.

    Attributes
    ----------
    name, title, keeps : str
        As the option names it, as a person does, and what it holds on to.
    classes : numpy.ndarray
        uint8 (G, G): the class of every place, the lowest row first.
    learned, learned_n : int
        Points right among those it learned from.
    right, n : int
        Points right among those held back.
    support : numpy.ndarray
        Positions of the support vectors among all points.
    unlabelled : numpy.ndarray
        Positions of the points whose label it was not told.
    ellipses : tuple of Ellipse
        Of the Gaussians that it fits.
    """

    name: str
    title: str
    keeps: str
    classes: np.ndarray
    learned: int
    learned_n: int
    right: int
    n: int
    support: np.ndarray
    unlabelled: np.ndarray
    ellipses: tuple[Ellipse, ...] = ()


def named(models: str) -> tuple[str, ...]:
    """Return the models named in ``lda, qda``.

    Raises
    ------
    ConfigError
        Names the first that is not.

    Examples
    --------
    >>> named("lda, tree")
    ('lda', 'tree')
    """
    found = tuple(dict.fromkeys(name.strip() for name in models.split(",") if name.strip()))
    for name in found:
        if name not in MODELS:
            message = _("There is no model called {name} here; take some of {names}.")
            raise ConfigError(message.format(name=repr(name), names=", ".join(nearest(name, MODELS) or MODELS)))
    if not found:
        raise ConfigError(_("No model is named: take some of {names}.").format(names=", ".join(MODELS)))
    return found


def sample(points: np.ndarray, labels: np.ndarray, classes: tuple[str, ...], seed: int) -> Sample:
    """Hold back three tenths of each class, and lay a grid over the points."""
    from sklearn.model_selection import train_test_split

    rows = np.arange(len(points))
    wanted = max(len(classes), round(HELD_OUT * len(rows)))
    held_out = np.isin(rows, train_test_split(rows, test_size=wanted, stratify=labels, random_state=seed)[1])
    low, high = points.min(axis=0), points.max(axis=0)
    margin = MARGIN * (high - low)
    x, y = np.linspace(low - margin, high + margin, GRID).T
    middle, scale = points[~held_out].mean(axis=0), points[~held_out].std(axis=0)
    return Sample(points, labels, held_out, middle, np.where(scale > 0, scale, 1.0), x, y, classes)


def region(name: str, on: Sample, settings: Settings) -> Region:
    """Fit one of scikit-learn's models and ask it about every place.

    Raises
    ------
    ConfigError
        When QDA is asked about a class whose points lie on one line.
    """
    learned = np.flatnonzero(~on.held_out)
    lines = on.labels[learned].copy()
    hidden = np.zeros(0, dtype=np.int64)
    if name.startswith("spread"):
        hidden = _hidden(lines, int(name.partition("-")[2]) / 100, settings.seed)
        lines[hidden] = -1
    if name == "qda":
        _check_spread(on, learned)
    title, model = _build_model(name, settings)
    model.fit(on.standardized[learned], lines)
    predict = _spread(model) if name.startswith("spread") else model.predict
    answers = predict(on.standardized)
    right = answers == on.labels
    return Region(
        name,
        title,
        _describe_memory(name, model, learned.size - hidden.size),
        predict(on.places).reshape(GRID, GRID).astype(np.uint8),
        int(right[learned].sum()),
        len(learned),
        int(right[on.held_out].sum()),
        int(on.held_out.sum()),
        learned[model.support_] if name.startswith("svm") else learned[:0],
        learned[hidden],
        _ellipses(name, model, on),
    )


def _build_model(name: str, settings: Settings) -> tuple[str, Any]:
    from sklearn.discriminant_analysis import LinearDiscriminantAnalysis, QuadraticDiscriminantAnalysis
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.neighbors import KNeighborsClassifier
    from sklearn.semi_supervised import LabelSpreading
    from sklearn.svm import SVC
    from sklearn.tree import DecisionTreeClassifier

    seed, depth = settings.seed, settings.depth
    if name.startswith("spread"):
        title = _("label spreading (labels: {fraction} %)").format(fraction=name.partition("-")[2])
        return title, LabelSpreading(kernel="rbf", gamma=20, max_iter=1000)
    builders: dict[str, tuple[str, Callable[[], Any]]] = {
        "lda": (_("LDA"), lambda: LinearDiscriminantAnalysis(store_covariance=True)),
        "qda": (_("QDA"), lambda: QuadraticDiscriminantAnalysis(store_covariance=True)),
        "knn": (_("k-NN (k = {k})").format(k=settings.neighbours), lambda: KNeighborsClassifier(settings.neighbours)),
        "svm-linear": (_("linear SVM"), lambda: SVC(kernel="linear", C=settings.cost)),
        "svm-rbf": (_("RBF SVM"), lambda: SVC(kernel="rbf", C=settings.cost, gamma=settings.gamma or "scale")),
        "tree": (_("decision tree"), lambda: DecisionTreeClassifier(max_depth=depth or None, random_state=seed)),
        "forest": (_("random forest"), lambda: RandomForestClassifier(50, max_depth=depth or None, random_state=seed)),
    }
    title, make = builders[name]
    return title, make()


def _describe_memory(name: str, model: Any, lines: int) -> str:
    """Describe what the fitted model stores."""
    match name:
        case "lda":
            return _("a mean a class, one covariance")
        case "qda":
            return _("a mean and a covariance a class")
        case "knn":
            return _("all {n} points").format(n=lines)
        case "svm-linear" | "svm-rbf":
            return _("{n} support vectors").format(n=len(model.support_))
        case "tree":
            return _("{n} leaves").format(n=model.get_n_leaves())
        case "forest":
            return _("{n} trees").format(n=len(model.estimators_))
    return _("all points, {n} labels").format(n=lines)


def _ellipses(name: str, model: Any, on: Sample) -> tuple[Ellipse, ...]:
    """Return means and covariances of LDA and QDA, in the units of the points."""
    if name not in ("lda", "qda"):
        return ()
    shared = name == "lda"
    covariances = [model.covariance_] * len(model.means_) if shared else model.covariance_
    stretch = np.outer(on.scale, on.scale)
    pairs = zip(model.means_, covariances, strict=True)
    return tuple(Ellipse(i, mean * on.scale + on.middle, cov * stretch) for i, (mean, cov) in enumerate(pairs))


def _hidden(labels: np.ndarray, fraction: float, seed: int) -> np.ndarray:
    """Positions whose label is hidden so that ``fraction`` stays, of every class at least one."""
    random = np.random.default_rng(seed)
    hidden = []
    for label in np.unique(labels):
        rows = random.permutation(np.flatnonzero(labels == label))
        hidden.append(rows[max(1, round(fraction * len(rows))) :])
    return np.sort(np.concatenate(hidden))


def _spread(model: Any) -> Callable[[np.ndarray], np.ndarray]:
    """Label spreading's predict, with the label of the nearest point where all labels are too far for its kernel."""

    def predict(queries: np.ndarray) -> np.ndarray:
        from sklearn.neighbors import KNeighborsClassifier

        with np.errstate(invalid="ignore", divide="ignore"):
            shares = model.predict_proba(queries)  # 0 / 0 is far from everything
        answers: np.ndarray = model.classes_[shares.argmax(axis=1)]
        far = ~np.isfinite(shares).all(axis=1)
        if far.any():
            reached = model.label_distributions_.sum(axis=1) > 0
            near = KNeighborsClassifier(1).fit(model.X_[reached], model.transduction_[reached])
            answers[far] = near.predict(queries[far])
        return answers

    return predict


def _check_spread(on: Sample, learned: np.ndarray) -> None:
    for label, name in enumerate(on.classes):
        own = on.standardized[learned[on.labels[learned] == label]]
        if np.linalg.matrix_rank(np.cov(own.T), tol=1e-8) < 2:
            message = _("The points of {name} lie on one line, where QDA has no ellipse: leave qda out of models.")
            raise ConfigError(message.format(name=name))
