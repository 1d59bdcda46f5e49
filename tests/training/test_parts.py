from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from discern.preprocess.augment import Targets
from discern.training.losses import loss
from discern.training.parts import apart, parts


def batch(n: int, mixed: bool) -> tuple[torch.Tensor, Targets]:
    """Logits (n, 3) of random pictures, and targets."""
    random = torch.Generator().manual_seed(n)
    a, b = torch.randint(0, 3, (2, n), generator=random)
    targets = Targets(a, b, torch.rand(n, generator=random)) if mixed else Targets(a)
    return torch.randn(n, 3, generator=random), targets


@settings(max_examples=60, deadline=None)
@given(st.integers(2, 40), st.integers(1, 50), st.booleans(), st.booleans(), st.sampled_from([0.0, 0.2]))
def test_the_losses_of_the_parts_add_up(n: int, number: int, mixed: bool, weighted: bool, smoothing: float) -> None:
    logits, targets = batch(n, mixed)
    weights = torch.tensor([0.1, 1.0, 7.0]) if weighted else None
    some = list(parts(logits, targets, number, weights))
    total = sum(part.share * loss(part.x, part.targets, weights, smoothing) for part in some)
    assert float(total) == pytest.approx(float(loss(logits, targets, weights, smoothing)), rel=1e-5)
    assert torch.equal(torch.cat([part.x for part in some]), logits)
    assert torch.equal(torch.cat([part.targets.a for part in some]), targets.a)


@given(st.integers(1, 40), st.integers(1, 50))
def test_each_part_has_two_pictures_where_there_are_two(n: int, number: int) -> None:
    some = list(parts(*batch(n, mixed=False), number))
    sizes = [len(part.x) for part in some]
    assert sum(sizes) == n
    assert min(sizes) >= min(2, n)
    assert max(sizes) - min(sizes) <= 1
    assert len(some) == max(1, min(number, n // 2))
    assert [part.last for part in some] == [False] * (len(some) - 1) + [True]


def test_a_batch_in_one_part_is_the_batch() -> None:
    logits, targets = batch(5, mixed=True)
    (part,) = parts(logits, targets, 1, torch.ones(3))
    assert part.x is logits
    assert part.targets is targets
    assert part.share == 1.0


@pytest.mark.parametrize("last", [True, False])
def test_a_process_alone_has_nothing_to_hold_back(last: bool) -> None:
    with apart(nn.Identity(), last):
        pass
