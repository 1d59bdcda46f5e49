"""The training images most similar to an image, by the features that a model decides by."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from discern.arrays import ArrayLike
from discern.classifier.classifier import Classifier
from discern.explanations.drawing import draw_tiles
from discern.explanations.explain_input import ExplainedImage
from discern.i18n import _
from discern.progress import Progress, ignore_progress
from discern.result import Result, Table

if TYPE_CHECKING:
    from matplotlib.figure import Figure

TOP_K = 7  # images
COLUMNS = 4


@dataclass(frozen=True, eq=False)
class Gallery:
    """Images to compare with."""

    features: Tensor  # what the classifier decides by of each, of length 1: (N, F)
    pixels: ArrayLike  # as the classifier reads them: uint8 (N, H, W, C)
    labels: tuple[str, ...]  # the class of each
    paths: tuple[str, ...]  # the name a person knows it by


@dataclass(frozen=True, eq=False)
class Nearest(Result):
    """The images nearest to one, the nearest first."""

    image: ExplainedImage  # the one, and what it was taken for
    images: np.ndarray  # uint8 (K, H, W, C)
    labels: tuple[str, ...]
    paths: tuple[str, ...]
    similarity: np.ndarray  # float32 (K,) cosine of the angle between the features, 1 where they point the same way

    @property
    def figsize(self) -> tuple[float, float]:
        return 9.0, 2.6 * -(-(len(self.images) + 1) // COLUMNS) + 0.4

    def sentences(self) -> list[str]:
        return [self.image.describe()]

    def tables(self) -> list[Table]:
        similarity = (f"{value:.3f}" for value in self.similarity.tolist())
        columns = (_("training image"), _("class"), _("cosine similarity"))
        return [Table("", columns, list(zip(self.paths, self.labels, similarity, strict=True)), text_columns=2)]

    def plot(self, figure: Figure) -> None:
        """Draw the image, then those like it."""
        title = _("image")
        tiles = [(f"{title}\n{self.image.label} {self.image.probability:.3f}", self.image.pixels)]
        for image, label, value in zip(self.images, self.labels, self.similarity.tolist(), strict=True):
            tiles.append((f"{label}\n{value:.3f}", image))
        draw_tiles(figure, tiles, COLUMNS, _("most similar training images, with their cosine similarity"))

    def to_json(self) -> dict[str, Any]:
        images = zip(self.paths, self.labels, self.similarity.tolist(), strict=True)
        nearest = [{"path": path, "label": label, "similarity": value} for path, label, value in images]
        return {"method": "nearest", **self.image.to_json(), "nearest": nearest}


def build_gallery(
    classifier: Classifier,
    pixels: ArrayLike,
    labels: tuple[str, ...],
    paths: tuple[str, ...],
    progress: Progress = ignore_progress,
) -> Gallery:
    """Compute the features of each image, uint8 (N, H, W, C)."""
    return Gallery(to_unit_length(classifier.encode(pixels, progress)), pixels, labels, paths)


def find_nearest(image: ExplainedImage, features: Tensor, gallery: Gallery, top_k: int = TOP_K) -> Nearest:
    """Find the ``top_k`` images of ``gallery`` whose features are most similar to those of the image, (F,)."""
    similarity = gallery.features @ features
    top = similarity.argsort(descending=True, stable=True)[:top_k]
    indices = top.tolist()
    return Nearest(
        image,
        np.stack([gallery.pixels[index] for index in indices]),
        tuple(gallery.labels[index] for index in indices),
        tuple(gallery.paths[index] for index in indices),
        similarity[top].numpy(),
    )


def to_unit_length(features: np.ndarray) -> Tensor:
    """Scale each row to length 1: float32 (N, F)."""
    return F.normalize(torch.from_numpy(features), dim=1)
