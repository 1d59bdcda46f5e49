"""The same steps to the bit as torch's own optimizers, and no compiler is loaded for them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn
from torch.optim import SGD, Adam, AdamW, Optimizer, RMSprop

from discern.training.optimizers import without_dynamo

KINDS: list[tuple[type[Optimizer], dict[str, Any]]] = [
    (SGD, {"momentum": 0.9, "nesterov": True, "fused": True}),
    (SGD, {}),
    (AdamW, {"fused": True}),
    (Adam, {"weight_decay": 0.01}),
    (RMSprop, {}),
]


def trained(kind: Any, settings: dict[str, Any], compiled: bool = False) -> tuple[torch.Tensor, Optimizer]:
    """The weights after some steps, one group of the two coming late."""
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.Linear(8, 2))
    optimizer = kind(model[0].parameters(), lr=0.05, **settings)
    optimizer.add_param_group({"params": list(model[2].parameters()), "lr": 0.01})
    call: Any = torch.compile(model, backend="eager") if compiled else model
    for _step in range(4):
        call(torch.randn(16, 4)).square().mean().backward()
        optimizer.step()
        optimizer.zero_grad()
    assert all(p.grad is None for p in model.parameters())
    return nn.utils.parameters_to_vector(model.parameters()).detach(), optimizer


@pytest.mark.parametrize(("kind", "settings"), KINDS, ids=lambda value: getattr(value, "__name__", "settings"))
def test_the_steps_are_torchs_own_to_the_bit(kind: type[Optimizer], settings: dict[str, Any]) -> None:
    (ours, optimizer), (theirs, _) = trained(without_dynamo(kind), settings), trained(kind, settings)
    assert torch.equal(ours, theirs)
    assert isinstance(optimizer, kind) and type(optimizer).__name__ == kind.__name__


def test_a_step_may_take_a_closure_and_hooks() -> None:
    weight, seen = nn.Parameter(torch.ones(2)), []
    optimizer = without_dynamo(SGD)([weight], lr=0.5)
    optimizer.register_step_post_hook(lambda *_told: seen.append("hook"))

    def closure() -> torch.Tensor:
        optimizer.zero_grad()
        loss = weight.sum()
        loss.backward()
        return loss

    loss: Any = optimizer.step(closure)  # type: ignore[arg-type]
    assert loss.item() == 2
    assert weight.tolist() == [0.5, 0.5] and seen == ["hook"]


def test_torchs_own_class_stays_as_it_was() -> None:
    before = {name: getattr(Optimizer, name) for name in ("add_param_group", "zero_grad")}
    trained(without_dynamo(SGD), {})
    assert {name: getattr(Optimizer, name) for name in before} == before
    assert without_dynamo(SGD) is without_dynamo(SGD) is not SGD


def test_an_optimizer_that_nothing_wraps_is_taken_as_it_is() -> None:
    class Halving(Optimizer):
        def __init__(self, params: Any, lr: float) -> None:
            super().__init__(params, {"lr": lr})

        def step(self, closure: Any = None) -> None:  # type: ignore[override]
            for group in self.param_groups:
                for p in group["params"]:
                    p.mul_(0.5)  # raises unless gradients are off

    weight = nn.Parameter(torch.ones(1))
    without_dynamo(Halving)([weight], lr=1.0).step()
    assert weight.item() == 0.5


def test_a_compiled_network_trains_with_it() -> None:
    settings = {"momentum": 0.9}
    assert torch.allclose(
        trained(without_dynamo(SGD), settings, compiled=True)[0], trained(SGD, settings)[0], atol=1e-6
    )


def test_training_loads_no_compiler(tmp_path: Path) -> None:
    code = f"""
import sys, torch
from discern.training.config import make_config
from discern.training.optimizers import make_optimizer
import discern
for name in ("sgd", "gd", "adamw", "adam", "rmsprop"):
    model = torch.nn.Linear(2, 1)
    optimizer = make_optimizer(model, make_config(optimizer=name))
    model(torch.ones(1, 2)).sum().backward()
    optimizer.step()
    optimizer.zero_grad()
discern.train("digits", model="lenet", out={str(tmp_path / "run")!r}, epochs=1, train_limit=64)
assert "torch._dynamo" not in sys.modules
"""
    subprocess.run([sys.executable, "-W", "error", "-c", code], check=True)
