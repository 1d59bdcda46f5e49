"""Pooling against torch, and the lecture's example."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional

from discern.errors import ConfigError
from discern.labs.pooling import SIXTEEN, run


def test_a_window_that_does_not_fit_whole_is_left_out() -> None:
    assert run(image=SIXTEEN, window=3).output.tolist() == [[11]]
    assert "left out" in run(image=SIXTEEN, window=3).sentences()[-1]
    assert not any("left out" in sentence for sentence in run(image=SIXTEEN, window=3, stride=1).sentences())


@settings(max_examples=60, deadline=None)
@given(
    height=st.integers(3, 9),
    width=st.integers(3, 9),
    window=st.integers(1, 3),
    stride=st.integers(1, 4),
    kind=st.sampled_from(["max", "average", "global"]),
    seed=st.integers(0, 2**16),
)
def test_agrees_with_torch(height: int, width: int, window: int, stride: int, kind: str, seed: int) -> None:
    image = np.random.default_rng(seed).permutation(height * width).reshape(height, width) * 0.5
    found = run(image=image, window=window, stride=stride, kind=kind)  # type: ignore[arg-type]
    x = torch.tensor(image[None, None], requires_grad=True)
    pools = {
        "max": lambda: functional.max_pool2d(x, window, stride),
        "average": lambda: functional.avg_pool2d(x, window, stride),
        "global": lambda: functional.adaptive_avg_pool2d(x, 1),
    }
    y = pools[kind]()
    y.sum().backward()
    assert x.grad is not None
    np.testing.assert_allclose(found.output, y[0, 0].detach().numpy(), atol=1e-12)
    np.testing.assert_allclose(found.gradient, x.grad[0, 0].numpy(), atol=1e-12)


@pytest.mark.parametrize(
    ("image", "window", "message"),
    [(np.ones((2, 3, 3)), 2, "expected one channel, got 2"), (np.ones((2, 5)), 3, "3 does not fit into 2 x 5")],
)
def test_what_cannot_be_pooled(image: np.ndarray, window: int, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        run(image=image, window=window)
