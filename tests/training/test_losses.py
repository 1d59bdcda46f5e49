from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from sklearn.utils.class_weight import compute_class_weight
from torch import Tensor
from torch.nn.functional import cross_entropy, one_hot

from discern.preprocess.augment import Targets
from discern.training.losses import class_weights, loss

SEEDS, CLASSES, SMOOTHING = st.integers(0, 1000), st.integers(2, 6), st.sampled_from([0.0, 0.1, 0.5])


def batch(seed: int, classes: int, n: int = 7) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Logits (N, C) in float64, two sets of labels (N,), weights of the first (N,)."""
    random = torch.Generator().manual_seed(seed)
    logits = 3 * torch.randn(n, classes, generator=random, dtype=torch.float64)
    a, b = torch.randint(classes, (2, n), generator=random)
    return logits, a, b, torch.rand(n, generator=random, dtype=torch.float64)


@given(SEEDS, CLASSES, SMOOTHING)
def test_plain_targets_are_torchs_cross_entropy(seed: int, classes: int, smoothing: float) -> None:
    logits, a, _b, _lam = batch(seed, classes)
    weights = torch.arange(1, classes + 1, dtype=torch.float64)
    found = loss(logits, Targets(a), weights, smoothing)
    assert torch.equal(found, cross_entropy(logits, a, weight=weights, label_smoothing=smoothing))


@given(SEEDS, CLASSES, SMOOTHING)
def test_mixed_targets_are_the_cross_entropy_with_mixed_probabilities(
    seed: int, classes: int, smoothing: float
) -> None:
    logits, a, b, lam = batch(seed, classes)
    logits.requires_grad_()
    mixed = lam[:, None] * one_hot(a, classes) + (1 - lam)[:, None] * one_hot(b, classes)
    wanted = cross_entropy(logits, mixed, label_smoothing=smoothing)
    found = loss(logits, Targets(a, b, lam), None, smoothing)
    assert torch.allclose(found, wanted, rtol=1e-12)
    gradients = [torch.autograd.grad(value, logits, retain_graph=True)[0] for value in (found, wanted)]
    assert torch.allclose(*gradients, atol=1e-12)


@given(SEEDS, CLASSES)
def test_mixing_a_picture_with_its_own_class_changes_nothing(seed: int, classes: int) -> None:
    logits, a, _b, lam = batch(seed, classes)
    assert torch.allclose(loss(logits, Targets(a, a, lam)), loss(logits, Targets(a)))


@given(SEEDS, CLASSES)
def test_mixed_targets_weigh_classes_as_probabilities_do(seed: int, classes: int) -> None:
    logits, a, b, lam = batch(seed, classes)
    weights = torch.arange(1, classes + 1, dtype=torch.float64)
    mixed = lam[:, None] * one_hot(a, classes) + (1 - lam)[:, None] * one_hot(b, classes)
    wanted = cross_entropy(logits, mixed, weight=weights)
    assert torch.allclose(loss(logits, Targets(a, b, lam), weights), wanted)


@given(st.lists(st.integers(1, 40), min_size=2, max_size=6))
def test_class_weights_are_scikit_learns(counts: list[int]) -> None:
    labels = np.repeat(np.arange(len(counts)), counts)
    wanted = compute_class_weight("balanced", classes=np.arange(len(counts)), y=labels)
    found = class_weights(labels, len(counts))
    assert found.dtype == torch.float32
    assert found.numpy() == pytest.approx(wanted, rel=1e-6)
    assert float(found[torch.from_numpy(labels)].mean()) == pytest.approx(1, rel=1e-5)


def test_a_class_without_pictures_gets_a_finite_weight() -> None:
    assert torch.isfinite(class_weights(np.array([0, 0, 1]), 3)).all()
