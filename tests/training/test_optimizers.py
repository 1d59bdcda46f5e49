from __future__ import annotations

import itertools

import pytest
import torch
from torch import nn

from discern.models.registry import build_model
from discern.training.config import TrainConfig, make_config
from discern.training.optimizers import make_optimizer

CLASSES = {"sgd": "SGD", "gd": "SGD", "adamw": "AdamW", "adam": "Adam", "rmsprop": "RMSprop"}


def minimise(config: TrainConfig, steps: int = 3) -> list[float]:
    """The weight of y = w x after each step down (w - 1)^2 from w = 5."""
    model = nn.Linear(1, 1, bias=False)
    nn.init.constant_(model.weight, 5.0)
    optimizer, path = make_optimizer(model, config), []
    for _step in range(steps):
        ((model.weight - 1) ** 2).sum().backward()
        optimizer.step()
        optimizer.zero_grad()
        path.append(model.weight.item())
    return path


@pytest.mark.parametrize("name", CLASSES)
def test_the_name_gives_the_class(name: str) -> None:
    config = make_config(**{"optimizer": name, "lr": 0.01})
    optimizer = make_optimizer(nn.Linear(2, 2), config)
    assert type(optimizer).__name__ == CLASSES[name]
    assert {group["lr"] for group in optimizer.param_groups} == {0.01}


@pytest.mark.parametrize("name", CLASSES)
def test_only_weights_decay(name: str) -> None:
    model = build_model("cnn-course", classes=3, size=28)
    config = make_config(**{"optimizer": name, "weight_decay": 0.01})
    groups = make_optimizer(model, config).param_groups
    decays = {id(p): group["weight_decay"] for group in groups for p in group["params"]}
    named = dict(model.named_parameters())
    assert len(decays) == len(named)
    for name, parameter in named.items():
        weight = name.endswith("weight") and parameter.ndim > 1
        assert decays[id(parameter)] == (0.01 if weight else 0.0), name


def test_frozen_parameters_are_left_out() -> None:
    model = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2))
    model[0].requires_grad_(False)
    groups = make_optimizer(model, make_config()).param_groups
    assert {id(p) for group in groups for p in group["params"]} == {id(p) for p in model[1].parameters()}


def test_sgd_is_nesterovs() -> None:
    """Sutskever et al. 2013, eq. 3-4, as torch states it: v = m v + g; w = w - lr (g + m v)."""
    config = make_config(optimizer="sgd", lr=0.1, momentum=0.9, weight_decay=0.0)
    w, v, path = 5.0, 0.0, []
    for _step in range(3):
        g = 2 * (w - 1)
        v = 0.9 * v + g
        w -= 0.1 * (g + 0.9 * v)
        path.append(w)
    assert minimise(config) == pytest.approx(path, rel=1e-5)


def test_sgd_without_momentum_and_gd_are_plain_descent() -> None:
    path = [1 + 4 * 0.8**step for step in (1, 2, 3)]  # w - 1 shrinks by 1 - 2 lr
    assert minimise(make_config(optimizer="sgd", lr=0.1, momentum=0.0, weight_decay=0.0)) == pytest.approx(path)
    assert minimise(make_config(optimizer="gd", lr=0.1, momentum=0.9, weight_decay=0.0)) == pytest.approx(path)


def test_adamw_decays_apart_from_the_gradient() -> None:
    """Loshchilov & Hutter 2019, Algorithm 2: the first step is lr towards the minimum, after w (1 - lr decay)."""
    first = minimise(make_config(optimizer="adamw", lr=0.1, weight_decay=0.5), steps=1)
    assert first == pytest.approx([5 * (1 - 0.1 * 0.5) - 0.1], rel=1e-5)


def test_adam_takes_the_decay_into_the_gradient() -> None:
    first = minimise(make_config(optimizer="adam", lr=0.1, weight_decay=0.5), steps=1)
    assert first == pytest.approx([5 - 0.1], rel=1e-5)


@pytest.mark.parametrize("name", CLASSES)
def test_every_optimizer_learns_a_line(name: str) -> None:
    torch.manual_seed(0)
    x = torch.randn(64, 4)
    y = x @ torch.tensor([[1.0], [-2.0], [0.5], [0.0]]) + 3
    model = nn.Linear(4, 1)
    config = make_config(**{"optimizer": name, "lr": 0.05, "weight_decay": 0.0})
    optimizer = make_optimizer(model, config)
    losses = []
    for _step in range(100):
        loss = nn.functional.mse_loss(model(x), y)
        losses.append(loss.item())
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
    assert losses[-1] < 0.2 * losses[0]


def test_the_rates_of_early_layers_grow_to_that_of_the_head() -> None:
    model = build_model("resnet18-narrow", classes=3, size=28)
    groups = make_optimizer(model, make_config(first_layer_lr_scale=0.1, weight_decay=0.01)).param_groups
    shares = {id(p): group["lr_scale"] for group in groups for p in group["params"]}
    named = dict(model.named_parameters())
    assert len(shares) == len(named)
    layers = list(dict.fromkeys(name.rpartition(".")[0] for name in named))
    found = [shares[id(model.get_parameter(f"{layer}.weight"))] for layer in layers]
    assert found[0] == pytest.approx(0.1)
    assert (layers[-1], found[-1]) == ("fc", 1.0)
    steps = [later / earlier for earlier, later in itertools.pairwise(found)]
    assert steps == pytest.approx([10 ** (1 / (len(layers) - 1))] * len(steps))
    assert shares[id(named["fc.bias"])] == 1.0
    decays = {id(p): group["weight_decay"] for group in groups for p in group["params"]}
    assert all(decays[id(p)] == (0.01 if p.ndim > 1 else 0.0) for p in named.values())


def test_one_rate_is_two_groups() -> None:
    groups = make_optimizer(
        build_model("resnet18-narrow", classes=3, size=28), make_config(first_layer_lr_scale=1.0)
    ).param_groups
    assert [(group["lr_scale"], group["weight_decay"] > 0) for group in groups] == [(1.0, True), (1.0, False)]


def test_a_single_layer_is_the_head() -> None:
    (group, _bias) = make_optimizer(nn.Linear(2, 2), make_config(first_layer_lr_scale=0.1)).param_groups
    assert group["lr_scale"] == 1.0
