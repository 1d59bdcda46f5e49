"""A map of the training images on which those lie together that a model finds similar, and one image on it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from discern.evaluation.comparison_figure import assign_colors
from discern.explanations.explain_input import ExplainedImage
from discern.explanations.nearest import Gallery
from discern.figures import INK
from discern.i18n import _
from discern.result import Result, Table

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MAX_IMAGES = 2000  # on the map: the time of t-SNE grows faster than their number
MAX_PERPLEXITY = 30  # neighbours that t-SNE keeps near, fewer where there are few images


@dataclass(frozen=True, eq=False)
class Embedding(Result):
    """Two numbers an image."""

    method: str  # embedding, principal components, or embedding-tsne
    points: np.ndarray  # float32 (N, 2) of the training images
    labels: tuple[str, ...]  # the class of each
    paths: tuple[str, ...]  # the name a person knows it by
    point: np.ndarray  # float32 (2,) of the image that is explained
    image: ExplainedImage  # that image, and what it was taken for
    explained_variance: float | None  # fraction of the variance that two principal components keep

    @property
    def figsize(self) -> tuple[float, float]:
        return 6.0, 6.0

    def sentences(self) -> list[str]:
        return [self.image.describe(), self._title()]

    def tables(self) -> list[Table]:
        return []  # the points are in the figure and in `to_json`

    def plot(self, figure: Figure) -> None:
        """Draw a dot a training image, colored by class, and a star for the image."""
        ax = figure.subplots()
        labels, colors = np.array(self.labels), assign_colors(sorted(set(self.labels)))
        for name, color in colors.items():
            x, y = self.points[labels == name].T
            ax.scatter(x, y, s=10, alpha=0.7, label=name, color=color)
        name = f"{self.image.label} {self.image.probability:.3f}"
        ax.scatter(float(self.point[0]), float(self.point[1]), s=160, marker="*", color=INK, label=name)
        ax.set_title(self._title(), fontsize=9)
        ax.set(xticks=[], yticks=[])
        if len(colors) <= 20:
            ax.legend(fontsize=8)

    def to_json(self) -> dict[str, Any]:
        images = zip(self.paths, self.labels, self.points.tolist(), strict=True)
        return {
            "method": self.method,
            **self.image.to_json(),
            "explained_variance": self.explained_variance,
            "point": self.point.tolist(),
            "points": [{"path": path, "label": label, "point": point} for path, label, point in images],
        }

    def _title(self) -> str:
        if self.explained_variance is None:
            return _("t-SNE of {n} training images and this one.").format(n=len(self.points))
        message = _("Two principal components of {n} training images explain {fraction:.1%} of the variance.")
        return message.format(n=len(self.points), fraction=self.explained_variance)


def embed_pca(image: ExplainedImage, features: Tensor, gallery: Gallery) -> Embedding:
    """Project on the two directions in which the training images' features differ most."""
    indices, others, own = _select(features, gallery)
    mean = others.mean(axis=0)
    _left, singular_values, directions = np.linalg.svd(others - mean, full_matrices=False)
    points, point = (others - mean) @ directions[:2].T, (own - mean) @ directions[:2].T
    variance = singular_values**2
    explained_variance = float(variance[:2].sum() / max(variance.sum(), 1e-12))
    return _embedding("embedding", image, gallery, indices, points, point, explained_variance)


def embed_tsne(image: ExplainedImage, features: Tensor, gallery: Gallery) -> Embedding:
    """Keep near neighbours near (L. van der Maaten, G. Hinton, JMLR 9, 2008); large distances mean nothing."""
    from sklearn.manifold import TSNE

    indices, others, own = _select(features, gallery)
    perplexity = min(MAX_PERPLEXITY, max(1, len(others) // 3))
    tsne = TSNE(2, perplexity=perplexity, init="pca", random_state=0)
    points = tsne.fit_transform(np.concatenate([others, own[None]]))  # t-SNE has no transform: all of them at once
    return _embedding("embedding-tsne", image, gallery, indices, points[:-1], points[-1], None)


def _select(features: Tensor, gallery: Gallery) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Draw at most `MAX_IMAGES`, the same every time; their indices and features, and the explained image's."""
    count = len(gallery.features)
    indices = np.arange(count)
    if count > MAX_IMAGES:
        indices = np.sort(np.random.default_rng(0).permutation(count)[:MAX_IMAGES])
    return indices, gallery.features[torch.from_numpy(indices)].numpy(), features.numpy()


def _embedding(
    method: str,
    image: ExplainedImage,
    gallery: Gallery,
    indices: np.ndarray,
    points: np.ndarray,
    point: np.ndarray,
    explained_variance: float | None,
) -> Embedding:
    labels, paths = (tuple(names[index] for index in indices) for names in (gallery.labels, gallery.paths))
    points, point = points.astype(np.float32), point.astype(np.float32)
    return Embedding(method, points, labels, paths, point, image, explained_variance)
