from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.utils.class_weight import compute_class_weight
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, one_hot

from discern.preprocess.augment import Targets
from discern.training.loop import no_sync_unless_last
from discern.training.losses import compute_class_weights, compute_loss, split_batch

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
    found = compute_loss(logits, Targets(a), weights, smoothing)
    assert torch.equal(found, cross_entropy(logits, a, weight=weights, label_smoothing=smoothing))


@given(SEEDS, CLASSES, SMOOTHING)
def test_mixed_targets_are_the_cross_entropy_with_mixed_probabilities(
    seed: int, classes: int, smoothing: float
) -> None:
    logits, a, b, lam = batch(seed, classes)
    logits.requires_grad_()
    mixed = lam[:, None] * one_hot(a, classes) + (1 - lam)[:, None] * one_hot(b, classes)
    wanted = cross_entropy(logits, mixed, label_smoothing=smoothing)
    found = compute_loss(logits, Targets(a, b, lam), None, smoothing)
    assert torch.allclose(found, wanted, rtol=1e-12)
    gradients = [torch.autograd.grad(value, logits, retain_graph=True)[0] for value in (found, wanted)]
    assert torch.allclose(*gradients, atol=1e-12)


@given(SEEDS, CLASSES)
def test_mixing_a_image_with_its_own_class_changes_nothing(seed: int, classes: int) -> None:
    logits, a, _b, lam = batch(seed, classes)
    assert torch.allclose(compute_loss(logits, Targets(a, a, lam)), compute_loss(logits, Targets(a)))


@given(SEEDS, CLASSES)
def test_mixed_targets_weigh_classes_as_probabilities_do(seed: int, classes: int) -> None:
    logits, a, b, lam = batch(seed, classes)
    weights = torch.arange(1, classes + 1, dtype=torch.float64)
    mixed = lam[:, None] * one_hot(a, classes) + (1 - lam)[:, None] * one_hot(b, classes)
    wanted = cross_entropy(logits, mixed, weight=weights)
    assert torch.allclose(compute_loss(logits, Targets(a, b, lam), weights), wanted)


@given(st.lists(st.integers(1, 40), min_size=2, max_size=6))
def test_class_weights_are_scikit_learns(counts: list[int]) -> None:
    labels = np.repeat(np.arange(len(counts)), counts)
    wanted = compute_class_weight("balanced", classes=np.arange(len(counts)), y=labels)
    found = compute_class_weights(labels, len(counts))
    assert found.dtype == torch.float32
    assert found.numpy() == pytest.approx(wanted, rel=1e-6)
    assert float(found[torch.from_numpy(labels)].mean()) == pytest.approx(1, rel=1e-5)


def test_a_class_without_images_gets_a_finite_weight() -> None:
    assert torch.isfinite(compute_class_weights(np.array([0, 0, 1]), 3)).all()


def mixed_batch(n: int, mixed: bool) -> tuple[torch.Tensor, Targets]:
    """Logits (n, 3) of random images, and targets."""
    random = torch.Generator().manual_seed(n)
    a, b = torch.randint(0, 3, (2, n), generator=random)
    targets = Targets(a, b, torch.rand(n, generator=random)) if mixed else Targets(a)
    return torch.randn(n, 3, generator=random), targets


@settings(max_examples=60, deadline=None)
@given(st.integers(2, 40), st.integers(1, 50), st.booleans(), st.booleans(), st.sampled_from([0.0, 0.2]))
def test_the_losses_of_the_parts_add_up(n: int, number: int, mixed: bool, weighted: bool, smoothing: float) -> None:
    logits, targets = mixed_batch(n, mixed)
    weights = torch.tensor([0.1, 1.0, 7.0]) if weighted else None
    some = list(split_batch(logits, targets, number, weights))
    total = sum(part.loss_weight * compute_loss(part.x, part.targets, weights, smoothing) for part in some)
    assert float(total) == pytest.approx(float(compute_loss(logits, targets, weights, smoothing)), rel=1e-5)
    assert torch.equal(torch.cat([part.x for part in some]), logits)
    assert torch.equal(torch.cat([part.targets.a for part in some]), targets.a)


@given(st.integers(1, 40), st.integers(1, 50))
def test_each_part_has_two_images_where_there_are_two(n: int, number: int) -> None:
    some = list(split_batch(*mixed_batch(n, mixed=False), number))
    sizes = [len(part.x) for part in some]
    assert sum(sizes) == n
    assert min(sizes) >= min(2, n)
    assert max(sizes) - min(sizes) <= 1
    assert len(some) == max(1, min(number, n // 2))
    assert [part.is_last for part in some] == [False] * (len(some) - 1) + [True]


def test_a_batch_in_one_part_is_the_batch() -> None:
    logits, targets = mixed_batch(5, mixed=True)
    (part,) = split_batch(logits, targets, 1, torch.ones(3))
    assert part.x is logits
    assert part.targets is targets
    assert part.loss_weight == 1.0


@pytest.mark.parametrize("last", [True, False])
def test_a_process_alone_has_nothing_to_hold_back(last: bool) -> None:
    with no_sync_unless_last(nn.Identity(), last):
        pass
