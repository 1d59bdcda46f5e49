"""Features that people thought of against those of a network: how well each keeps the classes of images apart."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from discern.data.builtin import open_builtin
from discern.data.dataset import Dataset
from discern.data.folder import open_folder
from discern.data.image import decode_reduced
from discern.data.open import open_data
from discern.errors import ConfigError, ImageError
from discern.evaluation.intervals import wilson
from discern.files import data_folders, weights_folders
from discern.i18n import _
from discern.preprocess.spec import Preprocess
from discern.result import Result, Table

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from discern.classical.embedding import FrozenBackbone

FRUIT = "fruit"
MOST = 300  # images
SIDE = 96  # pixels
DRAWS = 100  # of one image a class
NETWORK = "mobilenet-0.25"


@dataclass(frozen=True)
class Kind:
    """One kind of features.

    Attributes
    ----------
    title : str
    size : int
        Numbers an image.
    right : int
        Images whose nearest neighbour among the others is of their class.
    from_one : float
        Accuracy of the nearest neighbour among one image a class, the mean over `DRAWS` draws.
    silhouette : float
        From -1 to 1: how much nearer the own class is than the next (Rousseeuw 1987).
    points : numpy.ndarray
        float64 (N, 2): the first two principal components.
    """

    title: str
    size: int
    right: int
    from_one: float
    silhouette: float
    points: np.ndarray


@dataclass(frozen=True)
class Separability(Result):
    """Several kinds of features of the same images.

    Attributes
    ----------
    name : str
        Of the data set.
    classes : tuple of str
    labels : numpy.ndarray
        int64 (N,).
    kinds : tuple of Kind
    notes : tuple of str
        What was not at hand.
    """

    name: str
    classes: tuple[str, ...]
    labels: np.ndarray
    kinds: tuple[Kind, ...]
    notes: tuple[str, ...]

    figsize = (15.0, 3.9)

    def sentences(self) -> Sequence[str]:
        n, best = len(self.labels), max(self.kinds, key=lambda kind: kind.from_one)
        message = _(
            "With one known image of each class, the nearest neighbour names {share:.0f} of 100 others right by "
            "{title}, the best kind here; with all others known, {right} of {n}."
        )
        return [
            message.format(share=100 * best.from_one, title=best.title, right=best.right, n=n),
            _("The first three kinds were thought of by people and have names; a network's numbers have none."),
            _("Without training, a network's numbers are random mixtures of pixels, and yet keep what is alike alike."),
            _("Where images are turns of one object, a neighbour is nearly a copy: that flatters every kind."),
            *self.notes,
        ]

    def tables(self) -> Sequence[Table]:
        n, rows = len(self.labels), []
        for kind in self.kinds:
            low, high = wilson(kind.right, n)
            right = f"{kind.right}/{n}"
            rows.append(
                (kind.title, kind.size, right, kind.right / n, f"{low:.3f}-{high:.3f}", kind.from_one, kind.silhouette)
            )
        accuracy = (_("nearest neighbour right"), _("accuracy"), _("interval at 95 %"), _("from one a class"))
        titles = (_("features"), _("numbers"), *accuracy, _("silhouette"))
        title = _("{name}: each image left out in turn, features standardised").format(name=self.name)
        return [Table(title, titles, rows)]

    def plot(self, figure: Figure) -> None:
        axes = figure.subplots(1, len(self.kinds))
        for ax, kind in zip(axes, self.kinds, strict=True):
            for label, name in enumerate(self.classes):
                x, y = kind.points[self.labels == label].T
                ax.scatter(x, y, s=12, alpha=0.7, label=name)
            ax.set_title(f"{kind.title}\n{kind.from_one:.2f}", fontsize=10)
            ax.set_xticks([])
            ax.set_yticks([])
        handles, names = axes[0].get_legend_handles_labels()
        figure.legend(handles, names, loc="outside lower center", ncols=len(names))


def compare(images: str, seed: int) -> Separability:
    """Compare hand-crafted features with those of a network, untrained and, where weights are found, trained.

    Raises
    ------
    DataError, ConfigError
        When there are no such images, or fewer than two classes of them.
    """
    from discern.classical.features import FEATURES

    dataset, notes = _opened(images)
    rows = np.flatnonzero(dataset.labels >= 0)
    if len(rows) > MOST:
        rows = np.sort(np.random.default_rng(seed).permutation(rows)[:MOST])
    present, labels = np.unique(dataset.labels[rows], return_inverse=True)
    if not 2 <= len(present) < len(rows):
        message = _("{name} has too few images to compare: at least two classes of several are needed.")
        raise ConfigError(message.format(name=dataset.name))
    pixels = np.stack([_pixels(dataset, int(row)) for row in rows])  # (N, SIDE, SIDE, 3)
    kinds = [
        _kind(title, FEATURES[name](pixels), labels)
        for name, title in (("handcrafted", _("hand-made")), ("color", _("colours")), ("hog", _("edge directions")))
    ]
    kinds.append(_kind(_("untrained network"), _network()(pixels), labels))
    weights = _weights()
    if weights is not None:
        kinds.append(_kind(_("trained network"), _network(weights)(pixels), labels))
    else:
        from discern.models.pretrained import KERAS_WEIGHTS

        message = _("No trained weights were found: put {file} into {folder} to see what training adds.")
        notes.append(message.format(file=KERAS_WEIGHTS[NETWORK], folder=weights_folders()[-1]))
    classes = tuple(dataset.classes[label] for label in present)
    return Separability(dataset.name, classes, labels.astype(np.int64), tuple(kinds), tuple(notes))


def _opened(images: str) -> tuple[Dataset, list[str]]:
    """Return the images and sentences about them; the digits where the fruit data set cannot be found."""
    if images != FRUIT or Path(images).exists():
        return open_data(images), []
    for folder in data_folders():
        if (folder / FRUIT).is_dir():
            return open_folder(folder / FRUIT), []
    message = _("The fruit images were not found, so these are the digits: put a folder fruit into {folder}.")
    return open_builtin("digits"), [message.format(folder=data_folders()[0])]


def _pixels(dataset: Dataset, row: int) -> np.ndarray:
    spec = Preprocess(size=SIDE)
    try:
        return spec.apply(*decode_reduced(dataset.store.read(row), spec.min_side))
    except ImageError as error:
        raise ImageError(f"{dataset.store.path(row)}: {error}", error.kind) from error


def _kind(title: str, features: np.ndarray, labels: np.ndarray) -> Kind:
    from sklearn.decomposition import PCA
    from sklearn.metrics import silhouette_score
    from sklearn.neighbors import NearestNeighbors

    spread = features.std(axis=0)
    x = ((features - features.mean(axis=0)) / np.where(spread > 1e-8, spread, 1)).astype(np.float64)  # (N, F)
    nearest = NearestNeighbors(n_neighbors=1).fit(x).kneighbors(return_distance=False)[:, 0]  # none is its own
    points = PCA(2, random_state=0).fit_transform(x)
    right = int((labels[nearest] == labels).sum())
    silhouette = float(silhouette_score(x, labels))
    return Kind(title, features.shape[1], right, _from_one(x, labels), silhouette, points)


def _from_one(x: np.ndarray, labels: np.ndarray) -> float:
    from sklearn.metrics import pairwise_distances

    random, far = np.random.default_rng(0), pairwise_distances(x)
    by_class = [np.flatnonzero(labels == label) for label in range(labels.max() + 1)]
    shares = []
    for _draw in range(DRAWS):
        known = np.array([random.choice(rows) for rows in by_class])
        right = far[:, known].argmin(axis=1) == labels
        shares.append((right.sum() - len(known)) / (len(labels) - len(known)))
    return float(np.mean(shares))


def _weights() -> Path | None:
    from discern.models.pretrained import KERAS_WEIGHTS, find_local

    return find_local(KERAS_WEIGHTS[NETWORK])


def _network(weights: Path | None = None) -> FrozenBackbone:
    """MobileNet at a quarter of its width, random unless ``weights`` are given."""
    from discern.classical.embedding import BackboneSpec, FrozenBackbone
    from discern.models.pretrained import get_input_spec
    from discern.models.weights import load_weights

    input_spec = get_input_spec(NETWORK)
    spec = Preprocess(size=SIDE, mean=input_spec.mean, std=input_spec.std, interpolation="bilinear")
    backbone = BackboneSpec(model=NETWORK, model_args={"stem": "imagenet"}, preprocess=spec, source=str(weights or ""))
    network = backbone.build()
    if weights is not None:
        load_weights(network, weights, new=network.heads)
    return FrozenBackbone(backbone, network)
