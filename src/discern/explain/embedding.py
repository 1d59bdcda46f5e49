"""A map of the training pictures on which those lie together that a model finds alike, and one picture on it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from discern.explain.nearest import Gallery
from discern.explain.result import Explanation
from discern.explain.subject import Seen
from discern.i18n import _

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MOST = 2000  # pictures on the map: t-SNE takes longer than their number
PERPLEXITY = 30  # neighbours that t-SNE keeps near, fewer where there are few pictures


@dataclass(frozen=True, eq=False)
class Embedding(Explanation):
    """Two numbers a picture.

    Attributes
    ----------
    method : str
        ``embedding``, principal components, or ``embedding-tsne``.
    points : numpy.ndarray
        float32 (N, 2), of the training pictures.
    labels, paths : tuple of str
        The class of each, and the name a person knows it by.
    here : numpy.ndarray
        float32 (2,), of the picture that is explained.
    label, probability : str, float
        What the model takes that for.
    kept : float or None
        Share of the variance that two principal components keep.
    """

    method: str
    points: np.ndarray
    labels: tuple[str, ...]
    paths: tuple[str, ...]
    here: np.ndarray
    label: str
    probability: float
    kept: float | None

    inches = (6.0, 6.0)

    def plot(self, ax: Axes) -> None:
        from matplotlib import colormaps

        names, classes = np.array(self.labels), sorted(set(self.labels))
        palette = colormaps["tab10" if len(classes) <= 10 else "tab20"]
        for i, name in enumerate(classes):
            x, y = self.points[names == name].T
            ax.scatter(x, y, s=10, alpha=0.7, label=name, color=palette(i % 20))
        ax.scatter(
            self.here[0], self.here[1], s=160, marker="*", color="black", label=f"{self.label} {self.probability:.3f}"
        )
        ax.set_title(self.sentence(), fontsize=9)
        ax.set_xticks([])
        ax.set_yticks([])
        if len(classes) <= 20:
            ax.legend(fontsize=8)

    def to_json(self) -> dict[str, Any]:
        rows = zip(self.paths, self.labels, self.points.tolist(), strict=True)
        points = [{"path": path, "label": label, "point": point} for path, label, point in rows]
        return {"method": self.method, "kept": self.kept, "here": self.here.tolist(), "points": points}

    def sentence(self) -> str:
        """What is on the map."""
        if self.kept is None:
            return _("t-SNE of {n} training pictures and this one.").format(n=len(self.points))
        sentence = _("Two principal components of {n} training pictures keep {share:.1f} percent of the variance.")
        return sentence.format(n=len(self.points), share=100 * self.kept)


def pca(seen: Seen, features: Tensor, among: Gallery) -> Embedding:
    """The two directions in which the training pictures' features differ most."""
    rows, others, own = _some(features, among)
    middle = others.mean(axis=0)
    _left, sizes, directions = np.linalg.svd(others - middle, full_matrices=False)
    points, here = (others - middle) @ directions[:2].T, (own - middle) @ directions[:2].T
    kept = float((sizes[:2] ** 2).sum() / max((sizes**2).sum(), 1e-12))
    return _embedding("embedding", seen, among, rows, points, here, kept)


def tsne(seen: Seen, features: Tensor, among: Gallery) -> Embedding:
    """Near neighbours stay near (L. van der Maaten, G. Hinton, JMLR 9, 2008); distances far away mean nothing."""
    from sklearn.manifold import TSNE

    rows, others, own = _some(features, among)
    everything = np.concatenate([others, own[None]])
    perplexity = min(PERPLEXITY, max(1, len(others) // 3))
    found = TSNE(2, perplexity=perplexity, init="pca", random_state=0).fit_transform(everything)
    return _embedding("embedding-tsne", seen, among, rows, found[:-1], found[-1], None)


def _some(features: Tensor, among: Gallery) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Which pictures, at most `MOST`, drawn the same every time; their features, and the explained picture's."""
    count = len(among.features)
    rows = np.arange(count)
    if count > MOST:
        rows = np.sort(np.random.default_rng(0).permutation(count)[:MOST])
    return rows, among.features[torch.from_numpy(rows)].numpy(), features.numpy()


def _embedding(
    method: str,
    seen: Seen,
    among: Gallery,
    rows: np.ndarray,
    points: np.ndarray,
    here: np.ndarray,
    kept: float | None,
) -> Embedding:
    labels, paths = (tuple(names[row] for row in rows) for names in (among.labels, among.paths))
    points, here = points.astype(np.float32), here.astype(np.float32)
    return Embedding(method, points, labels, paths, here, seen.label, seen.probability, kept)
