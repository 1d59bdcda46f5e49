"""The loss: cross-entropy with smoothing, class weights and mixed targets, of a batch at once or in micro-batches."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from discern.preprocess.augment import Targets


def compute_loss(logits: Tensor, targets: Targets, weights: Tensor | None = None, smoothing: float = 0.0) -> Tensor:
    """Compute the mean cross-entropy of a batch. (N, C), (N,) -> ()

    Where two images were mixed it is ``lam`` times the loss against the one class plus ``1 - lam`` times that
    against the other (Zhang et al. 2018, "mixup", eq. 2). Smoothing: Szegedy et al. 2016, section 7.

    Examples
    --------
    >>> compute_loss(torch.zeros(1, 2), Targets(torch.tensor([0])))
    tensor(0.6931)
    """
    if targets.b is None or targets.lam is None:
        return cross_entropy(logits, targets.a, weight=weights, label_smoothing=smoothing)
    a, b = (
        cross_entropy(logits, t, weight=weights, label_smoothing=smoothing, reduction="none")
        for t in (targets.a, targets.b)
    )
    return (targets.lam * a + (1 - targets.lam) * b).mean()


def loss_normalizer(targets: Targets, weights: Tensor | None = None) -> Tensor | float:
    """Return what `compute_loss` divides the sum over a batch by: the number of images, or the sum of class weights.

    Examples
    --------
    >>> targets = Targets(torch.tensor([0, 1, 1]))
    >>> loss_normalizer(targets), loss_normalizer(targets, torch.tensor([0.5, 2.0]))
    (3.0, tensor(4.5000))
    """
    if weights is None or targets.b is not None:
        return float(len(targets.a))
    return weights[targets.a].sum()


def compute_class_weights(labels: np.ndarray, classes: int) -> Tensor:
    """Compute weights inverse to how often each class occurs, with mean 1 over the images. int (N,) -> float32 (C,)

    The formula is scikit-learn's ``class_weight="balanced"``: n / (classes * count).

    Examples
    --------
    >>> compute_class_weights(np.array([0, 0, 0, 1]), 2)
    tensor([0.6667, 2.0000])
    """
    counts = np.bincount(labels, minlength=classes).clip(min=1)
    return torch.tensor(len(labels) / (classes * counts), dtype=torch.float32)


class MicroBatch(NamedTuple):
    """Some of the images of a step, where all at once would not fit in memory: their gradients add up."""

    x: Tensor  # (n, ...)
    targets: Targets
    loss_weight: Tensor | float  # of the mean loss over these images in the mean loss over the step
    is_last: bool  # the gradients are complete after it


def split_batch(x: Tensor, targets: Targets, number: int, weights: Tensor | None = None) -> Iterator[MicroBatch]:
    """Split a batch into ``number`` micro-batches of equal size or one image less; fewer where one had a single image.

    The sum over them of loss_weight times `compute_loss` is the loss of the complete batch.

    Examples
    --------
    >>> [(len(micro.x), micro.loss_weight) for micro in split_batch(torch.zeros(5, 8), Targets(torch.zeros(5)), 2)]
    [(3, 0.6), (2, 0.4)]
    """
    number = max(1, min(number, len(x) // 2))  # batch normalization needs two images
    if number == 1:
        yield MicroBatch(x, targets, 1.0, True)
        return
    total = loss_normalizer(targets, weights)
    columns = [(None,) * number if column is None else column.tensor_split(number) for column in targets]
    for i, (images, a, b, lam) in enumerate(zip(x.tensor_split(number), *columns, strict=True), start=1):
        own = Targets(a, b, lam)
        yield MicroBatch(images, own, loss_normalizer(own, weights) / total, i == number)
