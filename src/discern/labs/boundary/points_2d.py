"""Points of several classes on a plane: made ones, two columns of iris or of a file, or what a network reads."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from discern.errors import ConfigError, nearest
from discern.i18n import _
from discern.labs.feature_data import BUILT_IN, FeatureData, find_column, load_feature_data

MOST = 2000  # points: kernels of all pairs are held in memory
FEWEST = 5  # of a class: three to learn from, two to judge by
MOST_CLASSES = 20
SHAPES = ("blobs", "moons", "circles", "spirals")


@dataclass(frozen=True)
class Plane:
    """Points with classes.

    Attributes
    ----------
    title : str
        What they are.
    axes : tuple of str
        What the two numbers are.
    points : numpy.ndarray
        float64 (N, 2).
    labels : numpy.ndarray
        int64 (N,), positions in ``classes``.
    classes : tuple of str
    left_out : int
        Points that there were more than `MOST`.
    """

    title: str
    axes: tuple[str, str]
    points: np.ndarray
    labels: np.ndarray
    classes: tuple[str, ...]
    left_out: int = 0


def plane(data: str, columns: str, n: int, noise: float, seed: int) -> Plane:
    """Points of a made shape, two columns of iris or a file, or two principal components.

    Parameters
    ----------
    data : str
        One of `SHAPES`, or what `discern.labs.feature_data.load_feature_data` opens.
    columns : str
        Two of its columns, by name or counted from 1, with a comma between; or ``pca``. Unless given, the first two of
        iris and of a file, and the principal components of digits and of what a run's network makes of its images.
    n, noise
        Points of a made shape, and how far they scatter.

    Raises
    ------
    ConfigError
        When there is no such thing, it has no classes, or its columns will not do.
    DataError
        When a file will not do, or a run's images are gone.
    ModelError, RunError
        When the run is none, or one of a classical model.

    Examples
    --------
    >>> plane("moons", "", 10, 0.1, 0).points.shape
    (10, 2)
    >>> plane("iris", "1, 4", 0, 0, 0).axes
    ('sepal length', 'petal width')
    """
    if data in SHAPES:
        return _build_model(data, n, noise, seed)
    if data not in BUILT_IN and not Path(data).exists() and (near := nearest(data, SHAPES)):
        message = _("There are no points called {name}: did you mean {near}?")
        raise ConfigError(message.format(name=data, near=", ".join(near)))
    found = load_feature_data(data)
    if len(found.classes) < 2:
        message = _("{path} has {n} classes: add a column called class that says at least two.")
        raise ConfigError(message.format(path=data, n=len(found.classes)))
    axes, points = _two(found, columns, use_all=data == "digits" or Path(data).is_dir())
    present = np.unique(found.labels)
    classes = tuple(found.classes[label] for label in present)
    labels = np.searchsorted(present, found.labels).astype(np.int64)
    if len(points) > MOST:
        chosen = np.sort(np.random.default_rng(seed).permutation(len(points))[:MOST])
        return Plane(found.name, axes, points[chosen], labels[chosen], classes, len(points) - MOST)
    return Plane(found.name, axes, points, labels, classes)


def check(plane: Plane) -> None:
    """Refuse points from which no boundary can be learned.

    Raises
    ------
    ConfigError
        When a class has too few, there are too many classes, or a column says nothing.
    """
    if len(plane.classes) > MOST_CLASSES:
        message = _("{title} has {n} classes: an image of at most {most} can be read; check which column says them.")
        raise ConfigError(message.format(title=plane.title, n=len(plane.classes), best_count=MOST_CLASSES))
    counts = np.bincount(plane.labels, minlength=len(plane.classes))
    if counts.min() < FEWEST:
        name, n = plane.classes[int(counts.argmin())], int(counts.min())
        message = _("{title} has {n} points of {name}: at least {fewest} of each class are needed.")
        raise ConfigError(message.format(title=plane.title, n=n, name=name, fewest=FEWEST))
    for name, column in zip(plane.axes, plane.points.T, strict=True):
        if np.ptp(column) == 0:
            message = _("{title}: column {name} is {value:g} in every row: take another.")
            raise ConfigError(message.format(title=plane.title, name=name, value=column[0]))


def _two(found: FeatureData, columns: str, use_all: bool) -> tuple[tuple[str, str], np.ndarray]:
    """Names of the two axes, and the points (N, 2)."""
    if columns == "pca" or (use_all and not columns):
        from sklearn.decomposition import PCA

        reduced = PCA(2, random_state=0).fit(found.values)
        shares = 100 * reduced.explained_variance_ratio_
        first, second = (_("component {i} ({fraction:.0f} %)").format(i=i + 1, fraction=shares[i]) for i in range(2))
        return (first, second), reduced.transform(found.values)
    wanted = [name.strip() for name in (columns or "1, 2").split(",") if name.strip()]
    if len(wanted) != 2 or len(found.features) < 2:
        message = _("columns={columns} will not do: it takes two of {names}, with a comma between, or pca.")
        raise ConfigError(message.format(columns=repr(columns), names=", ".join(found.features)))
    one, other = (find_column(found.features, name) for name in wanted)
    return (found.features[one], found.features[other]), found.values[:, [one, other]]


def _build_model(shape: str, n: int, noise: float, seed: int) -> Plane:
    from sklearn.datasets import make_blobs, make_circles, make_moons

    makers: dict[str, Callable[[], tuple[np.ndarray, np.ndarray]]] = {
        "blobs": lambda: make_blobs(n, centers=3, cluster_std=6 * noise, random_state=seed),
        "moons": lambda: make_moons(n, noise=noise, random_state=seed),
        "circles": lambda: make_circles(n, noise=noise, factor=0.45, random_state=seed),
        "spirals": lambda: _spirals(n, noise, seed),
    }
    points, labels = makers[shape]()
    classes = tuple("ABC"[: int(labels.max()) + 1])
    return Plane(shape, ("x", "y"), points, labels.astype(np.int64), classes)


def _spirals(n: int, noise: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Draw two arms around each other, one and a half turns: (n, 2), (n,)."""
    random = np.random.default_rng(seed)
    labels = np.arange(n) % 2
    along = 3 * math.pi * np.sqrt(random.uniform(0.02, 1, n))
    angle = along + math.pi * labels
    points = along[:, None] * np.stack([np.cos(angle), np.sin(angle)], axis=1) / (3 * math.pi)
    return points + random.normal(0, 0.2 * noise, (n, 2)), labels
