"""Muon: steps of equal length in every direction for filters, Nesterov's SGD for the rest."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from discern.models.registry import build_model
from discern.training.config import make_config
from discern.training.optimizers import HEAD_LR, NORM_BIAS_SCALE, Muon, make_optimizer, orthogonalize


@settings(max_examples=15, deadline=None)
@given(st.integers(2, 40), st.integers(2, 40), st.integers(0, 99))
def test_orthogonal_keeps_directions_and_evens_their_lengths(rows: int, columns: int, seed: int) -> None:
    matrix = torch.randn(rows, columns, generator=torch.Generator().manual_seed(seed))
    u, s, v = torch.linalg.svd(matrix, full_matrices=False)
    found = u.T @ orthogonalize(matrix) @ v.T
    lengths = found.diagonal()
    certain = s > 0.3 * s[0]  # three steps bring only these near to 1
    assert lengths[certain].min() > 0.5 and lengths.max() < 1.4
    assert (found - lengths.diag()).abs().max() < 0.1


def test_a_step_of_filters() -> None:
    conv = nn.Conv2d(2, 4, 3, bias=False)
    before = conv.weight.detach().clone()
    optimizer = Muon([{"params": [conv.weight], "orthogonal": True}], lr=0.1, momentum=0.6)
    conv.weight.grad = torch.randn_like(conv.weight)
    optimizer.step()
    lengthened = before * (4**0.5 / before.norm())
    moved = (lengthened - conv.weight.detach()) / 0.1
    torch.testing.assert_close(moved.flatten(1), orthogonalize(conv.weight.grad.flatten(1)), atol=0.05, rtol=0)


def test_the_rest_moves_as_torch_sgd_moves_it() -> None:
    torch.manual_seed(0)
    ours, theirs = nn.Linear(5, 3), nn.Linear(5, 3)
    theirs.load_state_dict(ours.state_dict())
    mine = Muon([{"params": list(ours.parameters()), "weight_decay": 0.01}], lr=0.1, momentum=0.85)
    peer = torch.optim.SGD(theirs.parameters(), lr=0.1, momentum=0.85, weight_decay=0.01, nesterov=True)
    for _step in range(4):
        x = torch.randn(8, 5)
        for network, optimizer in ((ours, mine), (theirs, peer)):
            optimizer.zero_grad()
            network(x).square().sum().backward()
            optimizer.step()
    torch.testing.assert_close(list(ours.parameters()), list(theirs.parameters()))


def test_every_parameter_has_one_group_and_its_rate() -> None:
    network = build_model("fastnet", classes=3, model_args={"width": 0.1})
    config = make_config(optimizer="muon", lr=0.24, batch_size=500)
    groups = make_optimizer(network, config).param_groups
    named = {id(p): name for name, p in network.named_parameters()}
    assert sorted(named) == sorted(id(p) for group in groups for p in group["params"])
    filters, head, shifts, early = groups
    assert all(group["lr"] == 0.24 for group in groups)
    assert [named[id(p)] for p in head["params"]] == ["fc.weight"]
    assert [named[id(p)] for p in early["params"]] == ["whiten.bias"]
    assert all("norm" in named[id(p)] for p in shifts["params"])
    assert filters["orthogonal"] and not head["orthogonal"]
    assert head["lr_scale"] * config.optim.lr == pytest.approx(HEAD_LR * 500)
    assert shifts["lr_scale"] == pytest.approx(NORM_BIAS_SCALE * head["lr_scale"])
    assert early["until"] < 1


def test_frozen_parameters_are_left_out() -> None:
    network = build_model("fastnet", classes=3, model_args={"width": 0.1})
    network.block1.requires_grad_(False)
    groups = make_optimizer(network, make_config(optimizer="muon")).param_groups
    assert {id(p) for p in network.block1.parameters()}.isdisjoint(id(p) for group in groups for p in group["params"])
