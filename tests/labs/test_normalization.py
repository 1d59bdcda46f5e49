"""Normalisation against torch."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.collections import PatchCollection
from matplotlib.figure import Figure
from torch.nn import functional

from discern.errors import ConfigError
from discern.labs.normalization import run
from discern.labs.normalization.statistics import KINDS

shapes = st.tuples(st.integers(1, 3), st.integers(1, 3), st.integers(1, 3), st.integers(2, 4))


@settings(max_examples=60, deadline=None)
@given(
    shape=shapes,
    groups=st.integers(1, 3),
    kind=st.sampled_from(KINDS),
    affine=st.booleans(),
    eps=st.sampled_from([1e-5, 1e-3, 0.1]),
    seed=st.integers(0, 2**16),
)
def test_agrees_with_torch(
    shape: tuple[int, int, int, int], groups: int, kind: Any, affine: bool, eps: float, seed: int
) -> None:
    n, times, h, w = shape
    channels = times * groups
    rng = np.random.default_rng(seed)
    x = rng.normal(3.0, 2.0, (n, channels, h, w))
    gamma, beta = (rng.normal(size=channels), rng.normal(size=channels)) if affine else (None, None)
    found = run(kind, x, groups=groups, scale=gamma, shift=beta, eps=eps)
    tensor = torch.from_numpy(x)
    weight, bias = (None, None) if gamma is None or beta is None else (torch.from_numpy(gamma), torch.from_numpy(beta))
    wide = [None if one is None else one[:, None, None].expand(channels, h, w) for one in (weight, bias)]
    by_torch = {
        "batch": lambda: functional.batch_norm(tensor, None, None, weight, bias, training=True, eps=eps),
        "layer": lambda: functional.layer_norm(tensor, (channels, h, w), *wide, eps=eps),
        "instance": lambda: functional.instance_norm(tensor, weight=weight, bias=bias, eps=eps),
        "group": lambda: functional.group_norm(tensor, groups, weight, bias, eps=eps),
    }
    np.testing.assert_allclose(found.output, by_torch[kind]().numpy(), atol=1e-9)


@settings(max_examples=20, deadline=None)
@given(shape=shapes, steps=st.integers(1, 12), momentum=st.floats(0.01, 1.0), seed=st.integers(0, 2**16))
def test_running_statistics_agree_with_torch(
    shape: tuple[int, int, int, int], steps: int, momentum: float, seed: int
) -> None:
    x = np.random.default_rng(seed).normal(3.0, 2.0, shape)
    found = run("batch", x, steps=steps, momentum=momentum)
    layer = torch.nn.BatchNorm2d(shape[1], momentum=momentum, dtype=torch.float64)
    for state in found.running[1:]:
        trained = layer(torch.from_numpy(x)).detach().numpy()
        assert layer.running_mean is not None and layer.running_var is not None
        np.testing.assert_allclose(state.mean, layer.running_mean.numpy(), atol=1e-9)
        np.testing.assert_allclose(state.variance, layer.running_var.numpy(), atol=1e-9)
    np.testing.assert_allclose(found.output, trained, atol=1e-9)
    np.testing.assert_allclose(found.evaluation, layer.eval()(torch.from_numpy(x)).detach().numpy(), atol=1e-9)


def test_which_maps_share_a_mean() -> None:
    groups = run("group", np.arange(32.0).reshape(2, 4, 2, 2), groups=2).groups
    assert groups["batch"].tolist() == [[0, 1, 2, 3]] * 2
    assert groups["layer"].tolist() == [[0] * 4, [1] * 4]
    assert groups["instance"].tolist() == [[0, 1, 2, 3], [4, 5, 6, 7]]
    assert groups["group"].tolist() == [[0, 0, 1, 1], [2, 2, 3, 3]]


def test_evaluation_differs_for_batch_alone() -> None:
    for kind in KINDS:
        found = run(kind)
        assert np.allclose(found.output, found.evaluation) == (kind != "batch")
        assert bool(found.frames()) == (kind == "batch")


def test_a_constant_set_becomes_zero_and_is_told() -> None:
    found = run("layer", np.full((2, 2, 2), 7.0))
    assert not found.normalized.any()
    assert any("values are equal" in said for said in found.sentences())
    assert not any("values are equal" in said for said in run("layer").sentences())


def test_the_channels_of_several_examples_may_follow_one_another() -> None:
    maps = np.arange(16.0).reshape(4, 2, 2)
    assert run(tensor=maps, examples=2).tensor.tolist() == maps.reshape(2, 2, 2, 2).tolist()


def test_the_figure_colors_the_cells_by_their_set() -> None:
    figure = Figure()
    found = run("group")
    found.plot(figure)
    cells = [axes.collections[0] for axes in figure.get_axes()]
    assert all(isinstance(one, PatchCollection) for one in cells)
    numbers = np.repeat(found.groups["group"].ravel(), 4)
    colors = cells[4].get_facecolor()
    for one, other in np.ndindex(len(numbers), len(numbers)):
        assert (numbers[one] == numbers[other]) == np.array_equal(colors[one], colors[other])  # type: ignore[index]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"kind": "group", "groups": 3}, "4 channels do not divide into 3 equal groups"),
        ({"tensor": np.ones((3, 2, 2)), "examples": 2}, "3 maps do not divide into 2 examples"),
        ({"scale": np.ones(3)}, "scale has 3 numbers for 4 channels"),
        ({"kind": "instance", "tensor": np.ones((2, 1, 1))}, "one value has no variance"),
        ({"tensor": np.ones((70, 70))}, "4900 values, more than the 4096"),
    ],
)
def test_what_cannot_be_normalised(given: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        run(**given)
