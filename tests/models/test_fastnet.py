"""Whitening, near-identity filters and shifts: what sets this network apart."""

from __future__ import annotations

import pytest
import torch

from discern.errors import ModelError
from discern.models.fastnet import FastNet, Shift, Whitening, build_near_identity
from discern.models.registry import build_model


def smooth(n: int, channels: int, side: int = 16) -> torch.Tensor:
    """Images whose neighbors are alike, as those of real images are."""
    noise = torch.randn(n, channels, side // 4, side // 4, generator=torch.Generator().manual_seed(0))
    return torch.nn.functional.interpolate(noise, size=side, mode="bilinear")


@pytest.mark.parametrize("channels", [1, 3])
def test_answers_of_the_whitening_are_uncorrelated_and_of_variance_one(channels: int) -> None:
    whiten, x = Whitening(channels), smooth(200, channels)
    whiten.fit(x, epsilon=0.0)
    answers = whiten(x).detach().double().permute(1, 0, 2, 3).flatten(1)
    half = len(answers) // 2
    covariance = answers[:half] @ answers[:half].T / answers.shape[1]
    torch.testing.assert_close(covariance, torch.eye(half, dtype=torch.float64), atol=0.02, rtol=0)
    torch.testing.assert_close(answers[half:], -answers[:half])


def test_filters_of_the_whitening_are_kept_but_not_trained() -> None:
    network = build_model("fastnet", classes=3)
    assert "whiten.weight" in network.state_dict()
    assert {"whiten.weight", "block1.norm1.weight"}.isdisjoint(dict(network.named_parameters()))


def test_near_identity_hands_its_input_on() -> None:
    x = torch.randn(2, 4, 6, 6)
    torch.testing.assert_close(build_near_identity(4, 9)(x)[:, :4], x)
    torch.testing.assert_close(build_near_identity(4, 2)(x), x[:, :2])


def test_a_shift_moves_and_does_not_scale() -> None:
    norm, x = Shift(3), torch.randn(64, 3, 8, 8) * 5 + 2
    torch.nn.init.constant_(norm.bias, 0.5)
    y = norm(x)
    torch.testing.assert_close(y.mean(dim=(0, 2, 3)), torch.full((3,), 0.5))
    torch.testing.assert_close(y.std(dim=(0, 2, 3)), torch.ones(3), atol=1e-3, rtol=0)


def test_prepare_is_of_the_images_alone() -> None:
    one, other = FastNet(width=0.1), FastNet(width=0.1)
    for network in (one, other):
        network.init_from_data(smooth(20, 3))
    assert torch.equal(one.whiten.weight, other.whiten.weight)


def test_too_small_images_are_refused() -> None:
    with pytest.raises(ModelError, match="fastnet needs images of at least 10x10"):
        FastNet(size=9)
