"""Points of several classes on a plane: synthetic ones, two columns of iris or of a file, or embeddings of a run."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from discern.errors import ConfigError, nearest, suggest
from discern.i18n import _
from discern.labs.feature_data import BUILT_IN, FeatureData, find_column, load_feature_data

MAX_POINTS = 2000  # kernels of all pairs are in memory
MIN_PER_CLASS = 5  # three to train on, two to test on
MAX_CLASSES = 20
SHAPES = ("blobs", "moons", "circles", "spirals")


@dataclass(frozen=True)
class Plane:
    """Points with classes."""

    title: str  # what they are
    axes: tuple[str, str]  # names of the two coordinates
    points: np.ndarray  # float64 (N, 2)
    labels: np.ndarray  # int64 (N,), indices into `classes`
    classes: tuple[str, ...]  # names
    left_out: int = 0  # points beyond `MAX_POINTS`, removed at random


def load_points(data: str, columns: str, n: int, noise: float, seed: int) -> Plane:
    """Load points of a synthetic shape, two columns of iris or a file, or two principal components.

    By default they are the first two columns of iris and of a file, and the principal components of digits and of a
    run's embeddings. Raises `ConfigError` when there is no such ``data``, it has no classes, or its columns do not fit;
    and what `discern.labs.feature_data.load_feature_data` raises.

    Examples
    --------
    >>> load_points("moons", "", 10, 0.1, 0).points.shape
    (10, 2)
    >>> load_points("iris", "1, 4", 0, 0, 0).axes
    ('sepal length', 'petal width')
    """
    if data in SHAPES:
        return _draw_shape(data, n, noise, seed)
    if data not in BUILT_IN and not Path(data).exists() and nearest(data, SHAPES):
        raise ConfigError(_('Unknown data "{name}"{hint}.').format(name=data, hint=suggest(data, SHAPES)))
    table = load_feature_data(data)
    if len(table.classes) < 2:
        message = _("{path} has {n} classes: add a column called class with at least two.")
        raise ConfigError(message.format(path=data, n=len(table.classes)))
    axes, points = _choose_axes(table, columns, reduce=data == "digits" or Path(data).is_dir())
    present = np.unique(table.labels)
    classes = tuple(table.classes[label] for label in present)
    labels = np.searchsorted(present, table.labels).astype(np.int64)
    if len(points) > MAX_POINTS:
        indices = np.sort(np.random.default_rng(seed).permutation(len(points))[:MAX_POINTS])
        return Plane(table.name, axes, points[indices], labels[indices], classes, len(points) - MAX_POINTS)
    return Plane(table.name, axes, points, labels, classes)


def check_points(plane: Plane) -> None:
    """Raise `ConfigError` when a class has too few points, there are too many classes, or a column is constant."""
    if len(plane.classes) > MAX_CLASSES:
        message = _("{title} has {n} classes, and a figure shows at most {maximum}: check the class column.")
        raise ConfigError(message.format(title=plane.title, n=len(plane.classes), maximum=MAX_CLASSES))
    counts = np.bincount(plane.labels, minlength=len(plane.classes))
    if counts.min() < MIN_PER_CLASS:
        name, n = plane.classes[int(counts.argmin())], int(counts.min())
        message = _("{title} has {n} points of {name}: give at least {minimum} of each class.")
        raise ConfigError(message.format(title=plane.title, n=n, name=name, minimum=MIN_PER_CLASS))
    for name, column in zip(plane.axes, plane.points.T, strict=True):
        if np.ptp(column) == 0:
            message = _("{title}: column {name} is {value:g} in every row: choose another.")
            raise ConfigError(message.format(title=plane.title, name=name, value=column[0]))


def _choose_axes(table: FeatureData, columns: str, reduce: bool) -> tuple[tuple[str, str], np.ndarray]:
    """Return the names of the two axes, and the points (N, 2)."""
    if columns == "pca" or (reduce and not columns):
        from sklearn.decomposition import PCA

        pca = PCA(2, random_state=0).fit(table.values)
        ratios = pca.explained_variance_ratio_
        label = _("component {i} ({ratio:.1%} of variance)")
        first, second = (label.format(i=i, ratio=ratio) for i, ratio in enumerate(ratios, start=1))
        return (first, second), pca.transform(table.values)
    names = [name.strip() for name in (columns or "1, 2").split(",") if name.strip()]
    if len(names) != 2 or len(table.features) < 2:
        message = _("columns: expected pca, or two of {names}, separated by a comma, got {columns}.")
        raise ConfigError(message.format(columns=columns, names=", ".join(table.features)))
    one, other = (find_column(table.features, name) for name in names)
    return (table.features[one], table.features[other]), table.values[:, [one, other]]


def _draw_shape(shape: str, n: int, noise: float, seed: int) -> Plane:
    from sklearn.datasets import make_blobs, make_circles, make_moons

    makers: dict[str, Callable[[], tuple[np.ndarray, np.ndarray]]] = {
        "blobs": lambda: make_blobs(n, centers=3, cluster_std=6 * noise, random_state=seed),
        "moons": lambda: make_moons(n, noise=noise, random_state=seed),
        "circles": lambda: make_circles(n, noise=noise, factor=0.45, random_state=seed),
        "spirals": lambda: _draw_spirals(n, noise, seed),
    }
    points, labels = makers[shape]()
    classes = tuple("ABC"[: int(labels.max()) + 1])
    return Plane(shape, ("x", "y"), points, labels.astype(np.int64), classes)


def _draw_spirals(n: int, noise: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Draw two arms around each other, one and a half turns: (n, 2), (n,)."""
    random = np.random.default_rng(seed)
    labels = np.arange(n) % 2
    radius = 3 * math.pi * np.sqrt(random.uniform(0.02, 1, n))
    angle = radius + math.pi * labels  # the second arm starts on the other side
    points = radius[:, None] * np.stack([np.cos(angle), np.sin(angle)], axis=1) / (3 * math.pi)
    return points + random.normal(0, 0.2 * noise, (n, 2)), labels
