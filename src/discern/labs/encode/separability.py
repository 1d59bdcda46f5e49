"""Hand-crafted features against those of a network: how well each separates the classes of images."""

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
from discern.notices import Notice
from discern.preprocess.spec import Preprocess
from discern.result import Result, Table

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from discern.classical.embedding import FrozenBackbone

FRUIT = "fruit"
MAX_IMAGES = 300
SIDE = 96  # pixels
DRAWS = 100  # of one image per class
NETWORK = "mobilenet-0.25"


@dataclass(frozen=True)
class FeatureKind:
    """How well one kind of features separates the classes."""

    title: str  # its name
    size: int  # numbers per image
    correct: int  # images whose nearest neighbor among the others is of their class
    one_shot: float  # accuracy of the nearest neighbor among one image per class, the mean over `DRAWS` draws
    silhouette: float  # from -1 to 1: how much nearer the own class is than the next (Rousseeuw 1987)
    points: np.ndarray  # float64 (N, 2): the first two principal components


@dataclass(frozen=True)
class Separability(Result):
    """Several kinds of features of the same images."""

    name: str  # of the data set
    classes: tuple[str, ...]  # names
    labels: np.ndarray  # int64 (N,), indices into `classes`
    kinds: tuple[FeatureKind, ...]  # in the order of the figure
    notices: tuple[Notice, ...]  # data or weights that were not found

    figsize = (15.0, 3.9)

    def sentences(self) -> Sequence[str]:
        n, best = len(self.labels), max(self.kinds, key=lambda kind: kind.one_shot)
        message = _(
            "With one labeled image per class, nearest-neighbor accuracy is highest with {title}: {accuracy:.3f}; with "
            "all other images labeled, {correct} of {n} are correct."
        )
        return [
            message.format(accuracy=best.one_shot, title=best.title, correct=best.correct, n=n),
            _("The first three kinds were designed by people and have a meaning; a network's features have none."),
            _("Features of an untrained network are random mixtures of pixels, and still map similar images nearby."),
            _("Where images are views of one object, the nearest neighbor is nearly a copy: every kind looks better."),
            *(notice.text() for notice in self.notices),
        ]

    def tables(self) -> Sequence[Table]:
        n, rows = len(self.labels), []
        for kind in self.kinds:
            low, high = wilson(kind.correct, n)
            accuracy = f"{kind.correct / n:.3f}", f"{low:.3f}–{high:.3f}"
            rows.append((kind.title, kind.size, *accuracy, f"{kind.one_shot:.3f}", f"{kind.silhouette:.3f}"))
        columns = (
            _("features"),
            _("size"),
            _("nearest-neighbor accuracy"),
            _("95 % CI"),
            _("with one image per class"),
            _("silhouette"),
        )
        title = _("{name}: leave-one-out over {n} images, features standardized").format(name=self.name, n=n)
        return [Table(title, columns, rows)]

    def plot(self, figure: Figure) -> None:
        axes = figure.subplots(1, len(self.kinds))
        for ax, kind in zip(axes, self.kinds, strict=True):
            for label, name in enumerate(self.classes):
                x, y = kind.points[self.labels == label].T
                ax.scatter(x, y, s=12, alpha=0.7, label=name)
            ax.set_title(f"{kind.title}\n{kind.one_shot:.3f}", fontsize=10)
            ax.set(xticks=[], yticks=[])
        handles, names = axes[0].get_legend_handles_labels()
        figure.legend(handles, names, loc="outside lower center", ncols=len(names))


def compare_features(images: str, seed: int) -> Separability:
    """Compare hand-crafted features with those of a network, untrained and, where weights are found, trained.

    Raises `DataError` when there are no such images, `ConfigError` when there are fewer than two classes of them.
    """
    from discern.classical.features import FEATURES
    from discern.models.pretrained import KERAS_WEIGHTS, find_local

    dataset, notices = _open_images(images)
    indices = np.flatnonzero(dataset.labels >= 0)
    if len(indices) > MAX_IMAGES:
        indices = np.sort(np.random.default_rng(seed).permutation(indices)[:MAX_IMAGES])
    present, labels = np.unique(dataset.labels[indices], return_inverse=True)
    if not 2 <= len(present) < len(indices):
        message = _("{name} has too few images to compare: give at least two classes of several images.")
        raise ConfigError(message.format(name=dataset.name))
    pixels = np.stack([_decode(dataset, int(index)) for index in indices])  # (N, SIDE, SIDE, 3)
    handcrafted = (("handcrafted", _("hand-crafted")), ("color", _("colors")), ("hog", _("edge directions")))
    kinds = [_measure(title, FEATURES[name](pixels), labels) for name, title in handcrafted]
    kinds.append(_measure(_("untrained network"), _build_backbone()(pixels), labels))
    weights = find_local(KERAS_WEIGHTS[NETWORK])
    if weights is not None:
        kinds.append(_measure(_("trained network"), _build_backbone(weights)(pixels), labels))
    else:
        missing = {"file": KERAS_WEIGHTS[NETWORK], "folder": str(weights_folders()[-1])}
        notices.append(Notice("labs.no_trained_weights", missing))
    classes = tuple(dataset.classes[label] for label in present)
    return Separability(dataset.name, classes, labels.astype(np.int64), tuple(kinds), tuple(notices))


def _open_images(images: str) -> tuple[Dataset, list[Notice]]:
    """Open the images; the digits, with a notice, where the fruit data set cannot be found."""
    if images != FRUIT or Path(images).exists():
        return open_data(images), []
    for folder in data_folders():
        if (folder / FRUIT).is_dir():
            return open_folder(folder / FRUIT), []
    return open_builtin("digits"), [Notice("labs.no_fruit", {"folder": str(data_folders()[0])})]


def _decode(dataset: Dataset, index: int) -> np.ndarray:
    spec = Preprocess(size=SIDE)
    try:
        return spec.apply(*decode_reduced(dataset.store.read(index), spec.min_side))
    except ImageError as error:
        raise ImageError(f"{dataset.store.path(index)}: {error}", error.kind) from error


def _measure(title: str, features: np.ndarray, labels: np.ndarray) -> FeatureKind:
    from sklearn.decomposition import PCA
    from sklearn.metrics import silhouette_score
    from sklearn.neighbors import NearestNeighbors

    spread = features.std(axis=0)
    x = ((features - features.mean(axis=0)) / np.where(spread > 1e-8, spread, 1)).astype(np.float64)  # (N, F)
    nearest = NearestNeighbors(n_neighbors=1).fit(x).kneighbors(return_distance=False)[:, 0]  # never itself
    points = PCA(2, random_state=0).fit_transform(x)
    correct = int((labels[nearest] == labels).sum())
    silhouette = float(silhouette_score(x, labels))
    return FeatureKind(title, features.shape[1], correct, _one_shot_accuracy(x, labels), silhouette, points)


def _one_shot_accuracy(x: np.ndarray, labels: np.ndarray) -> float:
    from sklearn.metrics import pairwise_distances

    random, distances = np.random.default_rng(0), pairwise_distances(x)
    by_class = [np.flatnonzero(labels == label) for label in range(labels.max() + 1)]
    accuracies = []
    for _draw in range(DRAWS):
        labeled = np.array([random.choice(indices) for indices in by_class])
        correct = distances[:, labeled].argmin(axis=1) == labels
        accuracies.append((correct.sum() - len(labeled)) / (len(labels) - len(labeled)))  # the labeled do not count
    return float(np.mean(accuracies))


def _build_backbone(weights: Path | None = None) -> FrozenBackbone:
    """Build MobileNet at a quarter of its width, random unless ``weights`` are given."""
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
