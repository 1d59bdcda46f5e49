"""Examples as rows of numbers: iris, the digits, a table, or what a run's network makes of its pictures."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from discern.data.cells import TABLE_SUFFIXES, as_number, read_cells
from discern.data.order import natural
from discern.data.rows import TARGETS, numbers_of
from discern.errors import ConfigError, DataError, nearest
from discern.i18n import _

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
    """Open ``iris``, ``digits``, a table, or a run by its directory: its network's features, of length 1.

    Raises
    ------
    ConfigError
        When there is no such thing.
    ModelError
        When the run is of a classical model, which has no features of its own.
    DataError
        When a table has text where a number is wanted, or a run's pictures are not as they were.
    RunError
        When the run is not as it was.

    Examples
    --------
    >>> found = examples("iris")
    >>> found.values.shape, found.classes
    ((150, 4), ('setosa', 'versicolor', 'virginica'))
    """
    if name in NAMED:
        return _iris() if name == "iris" else _digits()
    if Path(name).suffix.lower() in TABLE_SUFFIXES:
        return read_examples(name)
    if Path(name).exists():
        return _embedded(name)
    near = nearest(name, NAMED)
    sentence = _("There are no examples {name}: give one of {known}, a .csv file or a run.")
    raise ConfigError(sentence.format(name=name, known=", ".join(near or NAMED)))


def read_examples(path: str) -> Examples:
    """Read a table: the class, which it may lack, is in a column called so (`TARGETS`), else in the last of words.

    Raises
    ------
    DataError
        When it cannot be read, has no rows or no numbers, or a cell lacks one; the sentence says where.

    Examples
    --------
    >>> import tempfile
    >>> file = Path(tempfile.mkdtemp()) / "fat.csv"
    >>> count = file.write_text("fat,sex\\n22,F\\n10,M\\n")
    >>> found = read_examples(str(file))
    >>> found.features, found.values.tolist(), found.classes, found.labels.tolist()
    (('fat',), [[22.0], [10.0]], ('F', 'M'), [0, 1])
    """
    table = Path(path)
    held = read_cells(table)
    words = [name for name, cells in held.items() if not any(as_number(cell) is not None for cell in cells)]
    said = next((name for name in held if name.casefold() in TARGETS), words[-1] if words else None)
    features = tuple(name for name in held if name != said and name not in words)
    if not features:
        raise DataError(_("{path} has no rows of numbers: write one for each example.").format(path=path))
    values = np.stack([numbers_of(table, name, held[name]) for name in features], axis=1)
    if np.isnan(values).any():
        row, column = np.argwhere(np.isnan(values))[0]
        raise DataError(_lacking(path, row, features[column]))
    if said is None:
        return Examples(table.stem, features, values, (), np.zeros(len(values), dtype=np.int64))
    if "" in held[said]:
        raise DataError(_lacking(path, held[said].index(""), said))
    classes = tuple(sorted(set(held[said]), key=natural))
    labels = np.array([classes.index(word) for word in held[said]], dtype=np.int64)
    return Examples(table.stem, features, values, classes, labels)


def _lacking(path: str, row: int, column: str) -> str:
    sentence = _("{path}, row {row}, column {column}: nothing stands here; fill the cell, or drop the row.")
    return sentence.format(path=path, row=row + 1, column=column)


def place(names: tuple[str, ...], wanted: str) -> int:
    """The position of a column that a person names, or numbers from 1.

    Raises
    ------
    ConfigError
        When there is none.

    Examples
    --------
    >>> place(("width", "height"), "height"), place(("width", "height"), "1")
    (1, 0)
    """
    if wanted in names:
        return names.index(wanted)
    if wanted.isdigit() and 1 <= int(wanted) <= len(names):
        return int(wanted) - 1
    sentence = _("There is no column of numbers called {name}: take one of {names}.")
    raise ConfigError(sentence.format(name=repr(wanted), names=", ".join(nearest(wanted, names) or names)))


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
