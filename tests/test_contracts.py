"""What every network of the table keeps: a new row is tested here without a change to this file."""

from __future__ import annotations

import functools
import inspect
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from discern.models.network import Network
from discern.models.registry import TABLE
from discern.models.spec import SHAPE_ARGS, ModelSpec
from discern.models.summary import summarize
from discern.models.weights import load_weights, save_weights

SIZES = (28, 32, 64)
SMALL = 28
CLASSES = 4
HEAVY = 700_000_000  # multiply-adds a small image: learning takes more than 10 s on a busy core


@functools.cache
def on_meta(name: str, size: int, channels: int = 3) -> Network:
    """The network without memory or arithmetic: enough for shapes and counts."""
    with torch.device("meta"):
        return TABLE[name].build(CLASSES, channels, size).eval()


def made(name: str, channels: int = 3, seed: int = 0) -> Network:
    torch.manual_seed(seed)
    return TABLE[name].build(CLASSES, channels, SMALL)


def images(count: int, channels: int = 3) -> Tensor:
    return torch.randn(count, channels, SMALL, SMALL, generator=torch.Generator().manual_seed(1))


@functools.cache
def work(name: str) -> int:
    """Multiply-adds for one small image."""
    return summarize(on_meta(name, SMALL), SMALL).multiply_adds


def by_work(most: int | None = None) -> pytest.MarkDecorator:
    """Every name; slow are those of more work than ``most``, and those whose class has a variant of less."""
    lightest = {}
    for name in sorted(TABLE, key=work, reverse=True):
        lightest[TABLE[name].family.module] = name
    rows = []
    for name in TABLE:
        slow = name not in lightest.values() or (most is not None and work(name) > most)
        rows.append(pytest.param(name, marks=[pytest.mark.slow] if slow else []))
    return pytest.mark.parametrize("name", rows)


every = pytest.mark.parametrize("name", TABLE)
computed = by_work()  # networks that are really built and run: the lightest of a class at once, the others with -m slow


@every
def test_row_tells_a_person_what_it_is(name: str) -> None:
    row = TABLE[name]
    assert row.name == name
    assert row.family.idea().endswith(".")
    assert row.family.paper
    assert row.channels in (1, 3)
    assert 1980 < row.family.year < 2100


@every
def test_file_opens_with_paper_and_idea(name: str) -> None:
    text = inspect.getmodule(type(on_meta(name, SMALL))).__doc__ or ""
    assert "Paper:" in text or "Source:" in text
    assert "Idea:" in text
    assert "Deviation:" in text


@every
def test_constructor_is_explicit(name: str) -> None:
    found = inspect.signature(type(on_meta(name, SMALL))).parameters.values()
    assert tuple(parameter.name for parameter in found)[:3] == SHAPE_ARGS
    assert all(parameter.kind is parameter.POSITIONAL_OR_KEYWORD for parameter in found)
    assert all(parameter.default is not parameter.empty for parameter in found)


@every
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("size", [*SIZES, "native"])
def test_shapes(name: str, size: int | str, channels: int) -> None:
    side = TABLE[name].size if size == "native" else int(size)
    network = on_meta(name, side, channels)
    x = torch.zeros(2, channels, side, side, device="meta")
    assert network(x).shape == (2, CLASSES)
    maps = network.stages(x)
    assert len(maps) >= 2
    assert all(map.shape[0] == 2 and map.dim() in (2, 4) and map.numel() > 0 for map in maps.values())
    assert network.forward_head(network.pool(list(maps.values())[-1])).shape == (2, CLASSES)


@computed
def test_head_makes_the_logits(name: str) -> None:
    network = made(name)
    assert network.head is network.get_submodule(network.head_name)
    assert next(iter(network.head.parameters())).shape[0] == CLASSES
    network.set_submodule(network.head_name, nn.Identity())
    assert network.eval()(images(2)).shape[0] == 2


@computed
def test_stages_are_finite_and_end_in_the_logits(name: str) -> None:
    network = made(name).eval()
    with torch.no_grad():
        maps = network.stages(images(2))
        logits = network(images(2))
        again = network.forward_head(network.pool(list(maps.values())[-1]))
    assert all(torch.isfinite(map).all() for map in maps.values())
    assert torch.equal(logits, again)


@computed
def test_gradient_reaches_every_parameter(name: str) -> None:
    network = made(name).train()
    sum(nn.functional.cross_entropy(logits, torch.arange(4)) for logits in network.forward_train(images(4))).backward()
    without = [key for key, p in network.named_parameters() if p.grad is None or not p.grad.abs().sum() > 0]
    assert not without


@computed
def test_same_seed_same_weights(name: str) -> None:
    first, second = made(name).state_dict(), made(name).state_dict()
    assert all(torch.equal(tensor, second[key]) for key, tensor in first.items())


@computed
def test_saved_and_loaded_gives_the_same_logits(name: str, tmp_path: Path) -> None:
    network, other = made(name), made(name, seed=1)
    network.train()(images(4))  # moves the running statistics off their start
    save_weights(network, tmp_path / "model.safetensors")
    load_weights(other, tmp_path / "model.safetensors")
    with torch.no_grad():
        assert torch.equal(network.eval()(images(2)), other.eval()(images(2)))


@computed
def test_channels_last_gives_the_same_logits(name: str) -> None:
    network = made(name).eval()
    with torch.no_grad():
        before = network(images(2))
        after = network.to(memory_format=torch.channels_last)(images(2).to(memory_format=torch.channels_last))
    torch.testing.assert_close(after, before, rtol=1e-4, atol=1e-4)


@computed
def test_exports(name: str) -> None:
    network = made(name).eval()
    exported = torch.export.export(network, (images(2),)).module()
    with torch.no_grad():
        torch.testing.assert_close(exported(images(2)), network(images(2)))


@by_work(HEAVY)
def test_learns_sixteen_images(name: str) -> None:
    x, labels = images(16), torch.arange(16) % CLASSES
    normalised = any(isinstance(module, nn.BatchNorm2d) for module in on_meta(name, SMALL).modules())
    rates = (1e-3, 1e-4) if normalised else (1e-4, 1e-3)  # the likely one first: plain deep networks want small steps
    assert any(learns(made(name), x, labels, rate) for rate in rates)


def learns(network: Network, x: Tensor, labels: Tensor, rate: float, most: int = 60) -> bool:
    """Whether every image gets its label, in evaluation mode, within ``most`` steps."""
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.momentum = 0.9  # at 0.1 the running statistics need more steps than the weights
    optimizer = torch.optim.AdamW(network.parameters(), lr=rate)
    for step in range(1, most + 1):
        optimizer.zero_grad()
        nn.functional.cross_entropy(network.train()(x), labels).backward()
        optimizer.step()
        if step % 2 == 0:
            with torch.no_grad():
                if torch.equal(network.eval()(x).argmax(1), labels):
                    return True
    return False


def test_rows_are_found_by_their_name() -> None:
    assert all(isinstance(row, ModelSpec) and name == row.name for name, row in TABLE.items())
