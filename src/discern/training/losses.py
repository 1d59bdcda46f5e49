"""The loss: cross-entropy with smoothing, class weights and mixed targets."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from discern.preprocess.augment import Targets


def loss(logits: Tensor, targets: Targets, weights: Tensor | None = None, smoothing: float = 0.0) -> Tensor:
    """Mean cross-entropy of a batch. (N, C), (N,) -> ()

    Where two pictures were mixed it is ``lam`` times the loss against the one class plus ``1 - lam`` times that
    against the other (Zhang et al. 2018, "mixup", eq. 2). Smoothing: Szegedy et al. 2016, section 7.

    Examples
    --------
    >>> loss(torch.zeros(1, 2), Targets(torch.tensor([0])))
    tensor(0.6931)
    """
    if targets.b is None or targets.lam is None:
        return cross_entropy(logits, targets.a, weight=weights, label_smoothing=smoothing)
    a, b = (
        cross_entropy(logits, t, weight=weights, label_smoothing=smoothing, reduction="none")
        for t in (targets.a, targets.b)
    )
    return (targets.lam * a + (1 - targets.lam) * b).mean()


def mass(targets: Targets, weights: Tensor | None = None) -> Tensor | float:
    """What `loss` divides the sum over a batch by: the number of pictures, or where classes weigh, their weights.

    Examples
    --------
    >>> mass(Targets(torch.tensor([0, 1, 1]))), mass(Targets(torch.tensor([0, 1, 1])), torch.tensor([0.5, 2.0]))
    (3.0, tensor(4.5000))
    """
    if weights is None or targets.b is not None:
        return float(len(targets.a))
    return weights[targets.a].sum()


def class_weights(labels: np.ndarray, classes: int) -> Tensor:
    """Weights inverse to how often each class occurs, with mean 1 over the pictures. int (N,) -> float32 (C,)

    The formula is scikit-learn's ``class_weight="balanced"``: n / (classes * count).

    Examples
    --------
    >>> class_weights(np.array([0, 0, 0, 1]), 2)
    tensor([0.6667, 2.0000])
    """
    counts = np.bincount(labels, minlength=classes).clip(min=1)
    return torch.tensor(len(labels) / (classes * counts), dtype=torch.float32)
