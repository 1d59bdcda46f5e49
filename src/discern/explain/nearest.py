"""The training pictures that a model finds most like a picture, by what it decides by."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from discern.arrays import Rows
from discern.classifier.classifier import Classifier
from discern.explain.result import Explanation, show_picture
from discern.explain.subject import Seen
from discern.i18n import _
from discern.progress import Progress, silent

if TYPE_CHECKING:
    from matplotlib.axes import Axes

TOP = 7  # pictures


@dataclass(frozen=True, eq=False)
class Gallery:
    """Pictures to compare with.

    Attributes
    ----------
    features : Tensor
        What the classifier decides by of each, of length 1: (N, F).
    pixels : Rows
        As the classifier sees them: uint8 (N, H, W, C).
    labels, paths : tuple of str
        The class of each, and the name a person knows it by.
    """

    features: Tensor
    pixels: Rows
    labels: tuple[str, ...]
    paths: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class Nearest(Explanation):
    """The pictures nearest to one, the nearest first.

    Attributes
    ----------
    picture : numpy.ndarray
        What the classifier sees: uint8 (H, W, C).
    label, probability : str, float
        What it takes it for.
    pictures : numpy.ndarray
        uint8 (K, H, W, C).
    labels, paths : tuple of str
        Their classes and names.
    likeness : numpy.ndarray
        Cosine of the angle between the features, 1 where they point the same way: float32 (K,).
    """

    picture: np.ndarray
    label: str
    probability: float
    pictures: np.ndarray
    labels: tuple[str, ...]
    paths: tuple[str, ...]
    likeness: np.ndarray

    @property
    def inches(self) -> tuple[float, float]:  # type: ignore[override]
        return 9.0, 2.5 * self._rows() + 0.4

    def plot(self, ax: Axes) -> None:
        ax.set_axis_off()
        ax.set_title(_("the training pictures most like it, with their cosine"), fontsize=9)
        titles = ["\n".join((_("picture"), f"{self.label} {self.probability:.3f}"))]
        titles += [f"{label}\n{value:.3f}" for label, value in zip(self.labels, self.likeness, strict=True)]
        for i, (picture, title) in enumerate(zip([self.picture, *self.pictures], titles, strict=True)):
            row, column = divmod(i, 4)
            cell = ax.inset_axes((column / 4, 1 - (row + 1) / self._rows(), 0.23, 0.78 / self._rows()))
            show_picture(cell, picture)
            cell.set_title(title, fontsize=8)

    def to_json(self) -> dict[str, Any]:
        rows = zip(self.paths, self.labels, self.likeness.tolist(), strict=True)
        nearest = [{"path": path, "label": label, "likeness": value} for path, label, value in rows]
        return {"method": "nearest", "label": self.label, "probability": self.probability, "nearest": nearest}

    def _rows(self) -> int:
        return -(-(len(self.pictures) + 1) // 4)


def gallery(
    classifier: Classifier,
    pixels: Rows,
    labels: tuple[str, ...],
    paths: tuple[str, ...],
    progress: Progress = silent,
) -> Gallery:
    """What ``classifier`` decides by of each picture, uint8 (N, H, W, C)."""
    return Gallery(unit(classifier.encode(pixels, progress)), pixels, labels, paths)


def nearest(seen: Seen, features: Tensor, among: Gallery, top: int = TOP) -> Nearest:
    """The ``top`` pictures of ``among`` whose features point most as those of the picture, (F,) of length 1, do."""
    likeness = among.features @ features
    chosen = likeness.argsort(descending=True, stable=True)[:top]
    rows = chosen.tolist()
    return Nearest(
        seen.pixels,
        seen.label,
        seen.probability,
        np.stack([among.pixels[row] for row in rows]),
        tuple(among.labels[row] for row in rows),
        tuple(among.paths[row] for row in rows),
        likeness[chosen].numpy(),
    )


def unit(features: np.ndarray) -> Tensor:
    """Each row of length 1: float32 (N, F)."""
    return F.normalize(torch.from_numpy(features), dim=1)
