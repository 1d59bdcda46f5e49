"""A convolution as a matrix, for every shape a convolution can have."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from discern.errors import ModelError
from discern.labs.network import run
from discern.labs.network.matrix import build_matrix


@settings(max_examples=40, deadline=None)
@given(
    groups=st.integers(1, 2),
    inner=st.integers(1, 2),
    outer=st.integers(1, 2),
    kernel=st.tuples(st.integers(1, 3), st.integers(1, 3)),
    stride=st.integers(1, 2),
    padding=st.integers(0, 2),
    dilation=st.integers(1, 2),
    bias=st.booleans(),
    side=st.integers(5, 7),
)
def test_the_matrix_is_the_convolution(
    groups: int,
    inner: int,
    outer: int,
    kernel: tuple[int, int],
    stride: int,
    padding: int,
    dilation: int,
    bias: bool,
    side: int,
) -> None:
    conv = nn.Conv2d(groups * inner, groups * outer, kernel, stride, padding, dilation, groups, bias)
    found = build_matrix("conv", conv, side)
    np.testing.assert_allclose(found.product, found.convolution, atol=1e-5)
    assert found.weight.max() <= found.kernel.size
    np.testing.assert_array_equal(found.values[found.weight == 0], 0)
    if padding == 0:  # every output is connected to all of its kernel
        assert set((found.weight > 0).sum(axis=1)) == {inner * kernel[0] * kernel[1]}


def test_a_matrix_that_is_too_large_has_the_first_kernels() -> None:
    found = build_matrix("conv", nn.Conv2d(256, 64, 3, padding=1))
    assert len(found.kernel) == len(found.product) == 4_000_000 // (36 * 256 * 36)
    np.testing.assert_allclose(found.product, found.convolution, atol=1e-5)


def test_depthwise_layers_see_one_channel() -> None:
    found = run("mobilenet", layer="stage1.0.dw", side=6)
    assert found.matrix.kernel.shape[1:] == (1, 3, 3)
    assert found.summary.trainable == 3_217_226  # 1,000 classes make 4,231,976


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"model": "resnet81"}, "did you mean resnet18"),
        ({"layer": "c2"}, 'Unknown convolution "c2": choose one of c1, c3'),
        ({"side": 3}, r"kernel of c1 is 5 x 5, larger than 3 padded"),
        ({"model": "mlp-course"}, "no convolution to write out"),
    ],
)
def test_unknown_names(options: dict[str, object], message: str) -> None:
    with pytest.raises(ModelError, match=message):
        run(**options)  # type: ignore[arg-type]
