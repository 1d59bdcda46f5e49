"""Backpropagation against torch's autograd and optimizers."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.figure import Figure
from torch import nn
from torch.nn import functional

from discern.errors import ConfigError
from discern.labs.backprop.graph import to_array
from discern.labs.backprop.lab import Backprop, run

MODULES: dict[str, type[nn.Module]] = {
    "sigmoid": nn.Sigmoid,
    "tanh": nn.Tanh,
    "relu": nn.ReLU,
    "leaky_relu": nn.LeakyReLU,
    "relu6": nn.ReLU6,
    "mish": nn.Mish,
    "gelu": nn.GELU,
    "silu": nn.SiLU,
}


def flat(parameters: Any) -> list[float]:
    """Weights and bias of a layer, unit by unit, as the lab lists them."""
    weight, bias = parameters
    return torch.cat([weight.detach().flatten(1), bias.detach()[:, None]], 1).flatten().tolist()


def gradient_of(found: Backprop) -> list[float]:
    return [g.gradient for g in found.gradients]


@settings(max_examples=30, deadline=None)
@given(
    sizes=st.lists(st.integers(1, 4), min_size=2, max_size=4),
    activation=st.sampled_from(sorted(MODULES)),
    linear=st.booleans(),
    loss=st.sampled_from(["squared", "cross-entropy"]),
    rate=st.floats(0.001, 0.1),
    seed=st.integers(0, 2**16),
)
def test_dense_networks_agree_with_torch(
    sizes: list[int], activation: Any, linear: bool, loss: Any, rate: float, seed: int
) -> None:
    if loss == "cross-entropy" and sizes[-1] == 1:
        loss = "squared"
    torch.manual_seed(seed)
    layers = [nn.Linear(a, b, dtype=torch.float64) for a, b in itertools.pairwise(sizes)]
    steps: list[nn.Module] = [step for layer in layers for step in (layer, MODULES[activation]())]
    network = nn.Sequential(*steps[: -1 if linear or loss == "cross-entropy" else None])
    x, y = torch.randn(sizes[0], dtype=torch.float64), torch.eye(sizes[-1], dtype=torch.float64)[-1]
    found = run(
        layers=np.array(sizes, dtype=float),
        inputs=x.numpy(),
        target=y.numpy(),
        activation=activation,
        linear_output=linear,
        loss=loss,
        weights=np.array([value for layer in layers for value in flat(layer.parameters())]),
        lr=rate,
        steps=3,
    )
    optimizer = torch.optim.SGD(network.parameters(), lr=rate)
    for step, own_loss in enumerate(found.losses):
        z = network(x)
        expected = functional.cross_entropy(z, y) if loss == "cross-entropy" else (y - z).square().sum()
        assert own_loss == pytest.approx(expected.item(), rel=1e-9, abs=1e-12)
        optimizer.zero_grad()
        expected.backward()
        if step == 0:
            slopes = [value for layer in layers for value in flat([p.grad for p in layer.parameters()])]
            np.testing.assert_allclose(gradient_of(found), slopes, rtol=1e-9, atol=1e-12)
            np.testing.assert_allclose([g.autograd for g in found.gradients], slopes, rtol=1e-9, atol=1e-12)
            np.testing.assert_allclose([g.numerical for g in found.gradients], slopes, rtol=1e-3, atol=1e-3)
        optimizer.step()


@settings(max_examples=20, deadline=None)
@given(
    height=st.integers(4, 7),
    width=st.integers(4, 7),
    side=st.integers(1, 3),
    outputs=st.integers(1, 3),
    seed=st.integers(0, 2**16),
)
def test_the_tiny_cnn_agrees_with_torch(height: int, width: int, side: int, outputs: int, seed: int) -> None:
    torch.manual_seed(seed)
    conv = nn.Conv2d(1, 1, side, dtype=torch.float64)
    features = ((height - side + 1) // 2) * ((width - side + 1) // 2)
    dense = nn.Linear(features, outputs, dtype=torch.float64)
    x, y = torch.randn(1, 1, height, width, dtype=torch.float64), torch.randn(outputs, dtype=torch.float64)
    network = nn.Sequential(conv, nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(0), dense, nn.Tanh())
    (y - network(x)).square().sum().backward()
    found = run(
        "cnn",
        image=x[0, 0].numpy(),
        kernel=np.zeros((side, side)),
        weights=np.array([*flat(conv.parameters()), *flat(dense.parameters())]),
        target=y.numpy(),
        activation="tanh",
        steps=1,
    )
    slopes = [value for layer in (conv, dense) for value in flat([p.grad for p in layer.parameters()])]
    np.testing.assert_allclose(gradient_of(found), slopes, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose([g.autograd for g in found.gradients], slopes, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(to_array(found.nodes, "map"), conv(x)[0, 0].detach().numpy(), atol=1e-12)


@pytest.mark.parametrize("given", [{}, {"network": "cnn"}, {"layers": np.array([2.0, 3, 2, 2])}])
def test_a_gradient_is_the_sum_of_the_products_along_its_paths(given: dict[str, Any]) -> None:
    for gradient in run(**given).gradients:
        if gradient.n_paths == len(gradient.paths):
            total = sum(np.prod([float(f) for f in product.split(" * ")]) for product in gradient.products)
            assert total == pytest.approx(gradient.gradient, rel=2e-3, abs=1e-9)  # factors are written to 4 digits


def test_paths_multiply_with_the_width_of_the_layers() -> None:
    found = run(layers=np.array([1.0, 2, 3, 2]))
    assert found.gradients[0].n_paths == 3 * 2
    assert "(4 more)" in found.gradients[0].format_paths()


def test_a_rate_that_diverges_is_a_result() -> None:
    found = run(layers=np.array([1.0, 1]), inputs=np.array([3.0]), linear_output=True, lr=5.0, steps=100)
    assert found.diverged and len(found.losses) < 100
    assert any("diverges" in said for said in found.sentences())
    assert not run().diverged and any("fell in every step" in said for said in run().sentences())


def test_a_rate_that_is_too_large_is_told() -> None:
    given: dict[str, Any] = {"layers": np.array([1.0, 1]), "inputs": np.array([1.0]), "linear_output": True}
    assert any("too large" in said for said in run(**given, lr=0.51, steps=9).sentences())
    assert any("gradient became 0" in said for said in run(**given, lr=0.25, steps=9).sentences())


def test_dead_relus_are_told() -> None:
    found = run(activation="relu", inputs=np.array([1.0, 1]), weights=np.array([-1.0] * 9), steps=1)
    assert gradient_of(found) == [0.0] * 9
    assert any("9 of 9 gradients are 0" in said for said in found.sentences())
    assert found.gradients[0].format_paths() == "0"


@pytest.mark.parametrize("network", ["dense", "cnn"])
def test_the_animation_goes_forward_then_back(network: Any) -> None:
    found = run(network)
    written = []
    for frame in range(found.frames()):
        figure = Figure(figsize=found.figsize)
        found.plot_frame(figure, frame)
        written.append(sum(len(axes.texts) for axes in figure.get_axes()))
    assert written == sorted(written) and written[0] < written[-1]


def test_the_figure_holds_values_gradients_and_losses() -> None:
    figure, found = Figure(figsize=Backprop.figsize), run()
    found.plot(figure)
    network, losses = figure.get_axes()
    texts = {text.get_text() for text in network.texts}
    assert {f"z31 = {found.nodes['z31'].value:.4g}", f"{found.nodes['w311'].gradient:.3g}"} <= texts
    np.testing.assert_allclose(losses.get_lines()[0].get_ydata(), found.losses)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"layers": np.array([2.0])}, "two or more whole numbers"),
        ({"layers": np.array([2.0, 1.5])}, "two or more whole numbers"),
        ({"layers": np.array([20.0, 20])}, "420 weights are too many"),
        ({"inputs": np.ones(3)}, "Expected 2 inputs for a first layer of 2 units, got 3"),
        ({"target": np.ones(2)}, "Expected 1 target values for a last layer of 1 units, got 2"),
        ({"weights": np.ones(3)}, "Expected 9 weights .w211"),
        ({"loss": "cross-entropy"}, "two or more classes"),
        ({"network": "cnn", "kernel": np.ones((7, 7))}, "7 x 7 kernel on a 6 x 6 image"),
        ({"network": "cnn", "image": np.ones((2, 6, 6))}, "one channel and one kernel"),
        ({"network": "cnn", "image": np.ones((20, 20))}, "400 pixels are too many"),
        (
            {"inputs": np.array([1e9, 1]), "linear_output": True, "activation": "relu"},
            "too large before the first step",
        ),
    ],
)
def test_wrong_options_are_explained(given: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        run(**given)
