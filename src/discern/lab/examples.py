"""Examples as rows of numbers: iris, the digits, a CSV, or what a run's network makes of its pictures."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from discern.errors import ConfigError, nearest
from discern.i18n import _
from discern.lab.columns import read_columns

NAMED = ("iris", "digits")
MOST = 2000  # training pictures of a run


@dataclass(frozen=True)
class Examples:
    """Rows of numbers.

    Attributes
    ----------
    name : str
        What a person calls them.
    features : tuple of str
        Names of the columns.
    values : numpy.ndarray
        float64 (N, F).
    classes : tuple of str
        Empty where nothing says them.
    labels : numpy.ndarray
        int64 (N,), positions in ``classes``; all 0 without classes.
    picture : tuple of int or None
        (H, W) where each row is a picture.
    """

    name: str
    features: tuple[str, ...]
    values: np.ndarray
    classes: tuple[str, ...]
    labels: np.ndarray
    picture: tuple[int, int] | None = None

    def scaled(self) -> np.ndarray:
        """The values with mean 0 and standard deviation 1 in each column; a column that is constant becomes 0."""
        spread = self.values.std(axis=0)
        return (self.values - self.values.mean(axis=0)) / np.where(spread > 0, spread, 1)


def examples(name: str) -> Examples:
    """Open ``iris``, ``digits``, a .csv file, or a run by its directory: its network's features, of length 1.

    Raises
    ------
    ConfigError
        When there is no such thing, or the CSV has text where a number is wanted.
    ModelError
        When the run is of a classical model, which has no features of its own.
    RunError, DataError
        When the run or its pictures are not as they were.

    Examples
    --------
    >>> found = examples("iris")
    >>> found.values.shape, found.classes
    ((150, 4), ('setosa', 'versicolor', 'virginica'))
    """
    if name in NAMED:
        return _iris() if name == "iris" else _digits()
    if Path(name).suffix.lower() in (".csv", ".tsv", ".txt"):
        found = read_columns(name)
        return Examples(Path(name).stem, found.names, found.values, found.classes, found.labels)
    if Path(name).exists():
        return _embedded(name)
    near = nearest(name, NAMED)
    sentence = _("There are no examples {name}: give one of {known}, a .csv file or a run.")
    raise ConfigError(sentence.format(name=name, known=", ".join(near or NAMED)))


def _iris() -> Examples:
    """R. A. Fisher, The use of multiple measurements in taxonomic problems, 1936."""
    from sklearn.datasets import load_iris

    found = load_iris()
    features = tuple(name.removesuffix(" (cm)") for name in found.feature_names)
    return Examples("iris", features, found.data, tuple(map(str, found.target_names)), found.target.astype(np.int64))


def _digits() -> Examples:
    from sklearn.datasets import load_digits

    found = load_digits()
    features = tuple(f"{row + 1}, {column + 1}" for row, column in np.ndindex(8, 8))
    labels = found.target.astype(np.int64)
    return Examples("digits", features, found.data, tuple("0123456789"), labels, picture=(8, 8))


def _embedded(path: str) -> Examples:
    from discern.classifier.classifier import Classifier
    from discern.explain.training import training_gallery
    from discern.run import RunDirectory

    run = RunDirectory(path)
    run.read_config()  # a RunError where it is none
    classifier = Classifier.load(path)
    gallery = training_gallery(classifier, run, most=MOST)
    values = gallery.features.numpy().astype(np.float64)
    labels = np.array([classifier.classes.index(label) for label in gallery.labels], dtype=np.int64)
    features = tuple(str(i + 1) for i in range(values.shape[1]))
    return Examples(run.path.name, features, values, classifier.classes, labels)
