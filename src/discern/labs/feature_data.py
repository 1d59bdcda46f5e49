"""Feature vectors with labels, one per example: iris, digits, a table, or a run's embedded training images."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from discern.data.names import natural_key
from discern.data.table_file import TABLE_SUFFIXES, parse_number, read_cells
from discern.data.tabular import TARGETS, parse_numbers
from discern.errors import ConfigError, DataError, suggest
from discern.i18n import _

BUILT_IN = ("iris", "digits")
MAX_IMAGES = 2000  # training images of a run


@dataclass(frozen=True)
class FeatureData:
    """Feature vectors and their classes."""

    name: str  # of the data set, table or run
    features: tuple[str, ...]  # names of the columns
    values: np.ndarray  # float64 (N, F)
    classes: tuple[str, ...]  # empty where the data are unlabeled
    labels: np.ndarray  # int64 (N,), indices into `classes`; all 0 without classes
    image_shape: tuple[int, int] | None = None  # (H, W) where each row is an image

    def standardized(self) -> np.ndarray:
        """Return the values with mean 0 and standard deviation 1 in each column; a constant column becomes 0."""
        deviation = self.values.std(axis=0)
        return (self.values - self.values.mean(axis=0)) / np.where(deviation > 0, deviation, 1)


def load_feature_data(name: str) -> FeatureData:
    """Load ``iris``, ``digits``, a table, or the embeddings (of length 1) of a run's training images.

    Raises
    ------
    ConfigError
        When ``name`` is none of them.
    ModelError
        When the run is of a classical model, which has no embeddings.
    DataError
        When a table has text where a number belongs, or the images of a run have changed.
    RunError
        When the run is damaged.

    Examples
    --------
    >>> iris = load_feature_data("iris")
    >>> iris.values.shape, iris.classes
    ((150, 4), ('setosa', 'versicolor', 'virginica'))
    """
    if name in BUILT_IN:
        return _load_iris() if name == "iris" else _load_digits()
    if Path(name).suffix.lower() in TABLE_SUFFIXES:
        return read_feature_table(name)
    if Path(name).exists():
        return _load_run(name)
    message = _('Unknown data "{name}": choose {known}, a .csv file or a run.')
    raise ConfigError(message.format(name=name, known=", ".join(BUILT_IN)))


def read_feature_table(path: str) -> FeatureData:
    """Read a table; its class column is the one with a name of `TARGETS`, else the last that holds text, if any.

    Raises `DataError` when it cannot be read, has no rows or no numbers, or lacks a cell; the message says where.

    Examples
    --------
    >>> import tempfile
    >>> file = Path(tempfile.mkdtemp()) / "fat.csv"
    >>> count = file.write_text("fat,sex\\n22,F\\n10,M\\n")
    >>> table = read_feature_table(str(file))
    >>> table.features, table.values.tolist(), table.classes, table.labels.tolist()
    (('fat',), [[22.0], [10.0]], ('F', 'M'), [0, 1])
    """
    table = Path(path)
    columns = read_cells(table)
    texts = [name for name, cells in columns.items() if all(parse_number(cell) is None for cell in cells)]
    target = next((name for name in columns if name.casefold() in TARGETS), texts[-1] if texts else None)
    features = tuple(name for name in columns if name != target and name not in texts)
    if not features:
        raise DataError(_("{path} has no columns of numbers: write one row for each example.").format(path=path))
    values = np.stack([parse_numbers(table, name, columns[name]) for name in features], axis=1)
    if np.isnan(values).any():
        row, column = np.argwhere(np.isnan(values))[0]
        raise DataError(_missing_cell(path, row, features[column]))
    if target is None:
        return FeatureData(table.stem, features, values, (), np.zeros(len(values), dtype=np.int64))
    if "" in columns[target]:
        raise DataError(_missing_cell(path, columns[target].index(""), target))
    classes = tuple(sorted(set(columns[target]), key=natural_key))
    labels = np.array([classes.index(word) for word in columns[target]], dtype=np.int64)
    return FeatureData(table.stem, features, values, classes, labels)


def _missing_cell(path: str, row: int, column: str) -> str:
    message = _("{path}, row {row}, column {column}: the cell is empty; fill it or remove the row.")
    return message.format(path=path, row=row + 1, column=column)


def find_column(names: tuple[str, ...], wanted: str) -> int:
    """Return the index of a column that a person gives by its name, or by its number from 1.

    Raises `ConfigError` when there is none.

    Examples
    --------
    >>> find_column(("width", "height"), "height"), find_column(("width", "height"), "1")
    (1, 0)
    """
    if wanted in names:
        return names.index(wanted)
    if wanted.isdigit() and 1 <= int(wanted) <= len(names):
        return int(wanted) - 1
    raise ConfigError(_('Unknown column of numbers "{name}"{hint}.').format(name=wanted, hint=suggest(wanted, names)))


def _load_iris() -> FeatureData:
    """R. A. Fisher, The use of multiple measurements in taxonomic problems, 1936."""
    from sklearn.datasets import load_iris

    iris = load_iris()
    features = tuple(name.removesuffix(" (cm)") for name in iris.feature_names)
    return FeatureData("iris", features, iris.data, tuple(map(str, iris.target_names)), iris.target.astype(np.int64))


def _load_digits() -> FeatureData:
    from sklearn.datasets import load_digits

    digits = load_digits()
    features = tuple(f"{row + 1}, {column + 1}" for row, column in np.ndindex(8, 8))
    labels = digits.target.astype(np.int64)
    return FeatureData("digits", features, digits.data, tuple("0123456789"), labels, image_shape=(8, 8))


def _load_run(path: str) -> FeatureData:
    from discern.classifier.classifier import Classifier
    from discern.explanations.training import load_training_gallery
    from discern.runs.run_directory import RunDirectory

    run = RunDirectory(path)
    config = run.read_config()  # raises a RunError where it is none
    classifier = Classifier.load(path)
    origin, cache = config["data"]["origin"], config["config"].get("cache", "pixels")
    gallery = load_training_gallery(classifier, origin, run.split, cache, max_images=MAX_IMAGES)
    values = gallery.features.numpy().astype(np.float64)
    labels = np.array([classifier.classes.index(label) for label in gallery.labels], dtype=np.int64)
    features = tuple(str(i + 1) for i in range(values.shape[1]))
    return FeatureData(run.path.name, features, values, classifier.classes, labels)
