from __future__ import annotations

import errno
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import nn
from torch.optim import Optimizer
from torch.optim.swa_utils import AveragedModel

from discern.errors import DiskError, RunError
from discern.models.registry import build_model
from discern.training import checkpoint
from discern.training.checkpoint import (
    BEST,
    LAST,
    PREVIOUS,
    TrainingState,
    load_best,
    load_checkpoint,
    read_state,
    save_best,
    save_checkpoint,
)
from discern.training.config import make_config
from discern.training.optimizers import make_optimizer

OPTIMIZERS = ["sgd", "adamw", "adam", "rmsprop", "gd"]
RECORD = {"epoch": 1, "validation": {"top1": 0.5, "loss": 1.0}, "seconds": 2.0}


def make(
    name: str = "sgd", seed: int = 0, model: str = "cnn-course", format: torch.memory_format = torch.contiguous_format
) -> tuple[nn.Module, Optimizer, AveragedModel]:
    """A network, its optimizer after two steps, and an average."""
    torch.manual_seed(seed)
    network = build_model(model, classes=3, size=28).to(memory_format=format)
    average = AveragedModel(network, use_buffers=True)
    optimizer = make_optimizer(network, make_config(**{"optimizer": name, "lr": 0.01}))
    for _step in range(2):
        network(torch.randn(4, 3, 28, 28)).square().sum().backward()
        optimizer.step()
        optimizer.zero_grad()
        average.update_parameters(network)
    return network, optimizer, average


def assert_same(one: Any, other: Any) -> None:
    """The same nest of dictionaries, lists and tensors, bit for bit."""
    if isinstance(one, dict):
        assert one.keys() == other.keys()
        for key in one:
            assert_same(one[key], other[key])
    elif isinstance(one, list | tuple):
        for a, b in zip(one, other, strict=True):
            assert_same(a, b)
    elif isinstance(one, torch.Tensor):
        assert torch.equal(one, other)
        assert one.dtype == other.dtype
        assert one.stride() == other.stride()
    else:
        assert one == other


@pytest.mark.parametrize("name", OPTIMIZERS)
@pytest.mark.parametrize("format", [torch.contiguous_format, torch.channels_last], ids=str)
def test_everything_comes_back_bit_for_bit(tmp_path: Path, name: str, format: torch.memory_format) -> None:
    network, optimizer, average = make(name, format=format)
    state = TrainingState(epoch=1, step=3, sums=[0.1, 2.0, 3.0], history=[RECORD], best_epoch=1)
    save_checkpoint(tmp_path, state, network, optimizer, average)
    other_network, other_optimizer, other_average = make(name, seed=1, format=format)
    assert load_checkpoint(tmp_path, other_network, other_optimizer, other_average) == state
    assert_same(network.state_dict(), other_network.state_dict())
    assert_same(average.state_dict(), other_average.state_dict())
    wanted, found = optimizer.state_dict()["state"], other_optimizer.state_dict()["state"]
    assert_same(
        {index: {k: v for k, v in state.items() if v is not None} for index, state in wanted.items()},
        {index: {k: v for k, v in state.items() if v is not None} for index, state in found.items()},
    )


@pytest.mark.parametrize("value", [0.1, 1 / 3, 2.0**-149, 16777217.0, float("nan")])
def test_sums_keep_every_bit(tmp_path: Path, value: float) -> None:
    sums = torch.tensor([value, 1.0, 2.0])
    network, optimizer, _average = make()
    save_checkpoint(tmp_path, TrainingState(sums=sums.tolist()), network, optimizer, None)
    back = torch.tensor(load_checkpoint(tmp_path, network, optimizer, None).sums)
    assert torch.equal(back.view(torch.int32), sums.view(torch.int32))


def test_without_a_checkpoint_a_run_starts_at_its_beginning(tmp_path: Path) -> None:
    network, optimizer, average = make()
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    assert load_checkpoint(tmp_path, network, optimizer, average) == TrainingState()
    assert_same(before, dict(network.state_dict()))


def test_the_files_are_safetensors(tmp_path: Path) -> None:
    network, optimizer, average = make()
    save_checkpoint(tmp_path, TrainingState(), network, optimizer, average)
    save_best(tmp_path, network.state_dict())
    assert sorted(file.name for file in tmp_path.iterdir()) == sorted([LAST, BEST])
    kinds = {name.split(".")[0] for name in load_file(tmp_path / LAST)}
    assert kinds == {"model", "average", "optimizer"}
    assert_same(dict(network.state_dict()), load_best(tmp_path))


@pytest.mark.parametrize("size", [0, 5, 100, -1])
def test_a_damaged_checkpoint_is_one_sentence(tmp_path: Path, size: int) -> None:
    network, optimizer, average = make()
    save_checkpoint(tmp_path, TrainingState(), network, optimizer, average)
    save_best(tmp_path, network.state_dict())
    for name in (LAST, BEST):
        (tmp_path / name).write_bytes((tmp_path / name).read_bytes()[:size])
    with pytest.raises(RunError, match=r"last\.safetensors is truncated or corrupt.*train again"):
        load_checkpoint(tmp_path, network, optimizer, average)
    with pytest.raises(RunError, match=r"best\.safetensors is missing, truncated or corrupt: train again"):
        load_best(tmp_path)


def test_best_weights_that_are_gone(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="missing"):
        load_best(tmp_path)


def test_a_checkpoint_of_another_network(tmp_path: Path) -> None:
    network, optimizer, average = make()
    save_checkpoint(tmp_path, TrainingState(), network, optimizer, None)
    other = make(model="mlp-course")
    for into in ((other[0], other[1], None), (network, optimizer, average)):  # another one; one without an average
        with pytest.raises(RunError, match="belongs to another network"):
            load_checkpoint(tmp_path, *into)


@pytest.mark.parametrize("metadata", [{}, {"progress": "{"}, {"progress": "[]"}, {"progress": '{"place": 1}'}])
def test_a_safetensors_file_that_is_no_checkpoint(tmp_path: Path, metadata: dict[str, str]) -> None:
    network, optimizer, _average = make()
    tensors = {f"model.{name}": tensor for name, tensor in network.state_dict().items()}
    save_file(tensors, tmp_path / LAST, metadata)
    with pytest.raises(RunError, match="truncated or corrupt"):
        load_checkpoint(tmp_path, network, optimizer, None)


def test_a_full_disk_leaves_the_checkpoint_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    network, optimizer, _average = make()
    save_checkpoint(tmp_path, TrainingState(epoch=1), network, optimizer, None)

    def half(tensors: object, path: Path, metadata: object) -> None:
        path.write_bytes(b"half")
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(checkpoint, "save_file", half)
    with pytest.raises(DiskError, match="full"):
        save_checkpoint(tmp_path, TrainingState(epoch=2), network, optimizer, None)
    assert load_checkpoint(tmp_path, network, optimizer, None).epoch == 1
    assert sorted(file.name for file in tmp_path.iterdir()) == [LAST, PREVIOUS]


def test_best_is_higher_accuracy_then_lower_loss() -> None:
    state = TrainingState()
    assert state.is_best(RECORD)
    state.best_epoch = 1
    state.end_epoch(RECORD)
    for top1, loss, better in [
        (0.6, 9.0, True),
        (0.5, 0.9, True),
        (0.5, 1.0, False),
        (0.5, 1.1, False),
        (0.4, 0, False),
    ]:
        assert state.is_best({"validation": {"top1": top1, "loss": loss}}) == better


def test_closing_an_epoch_stands_at_the_next() -> None:
    state = TrainingState(step=5, sums=[1.0, 2.0, 3.0])
    state.end_epoch(RECORD)
    assert state == TrainingState(epoch=1, step=0, seconds=2.0, history=[RECORD])


def test_by_loss_accuracy_does_not_count() -> None:
    state = TrainingState()
    assert state.is_best(RECORD, by_loss=True)
    state.best_epoch = 1
    state.end_epoch(RECORD)
    for top1, loss, better in [(0.9, 1.1, False), (0.1, 0.9, True), (0.9, 1.0, False), (0.5, float("nan"), False)]:
        assert state.is_best({"validation": {"top1": top1, "loss": loss}}, by_loss=True) == better


def test_where_a_run_stands_is_read_without_its_tensors(tmp_path: Path) -> None:
    network, optimizer, _average = make()
    assert read_state(tmp_path) == TrainingState()
    state = TrainingState(epoch=1, history=[RECORD], best_epoch=1, is_finished=True)
    save_checkpoint(tmp_path, state, network, optimizer, None)
    assert read_state(tmp_path) == state
    for content in (b"", (tmp_path / LAST).read_bytes()[:-1]):
        (tmp_path / LAST).write_bytes(content)
        with pytest.raises(RunError, match=r"last\.safetensors is truncated or corrupt"):
            read_state(tmp_path)


def flip_bit(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)


def test_a_flipped_bit_is_noticed_and_the_checkpoint_before_resumes(tmp_path: Path) -> None:
    network, optimizer, _average = make()
    save_checkpoint(tmp_path, TrainingState(step=1), network, optimizer, None)
    save_checkpoint(tmp_path, TrainingState(step=2), network, optimizer, None)
    flip_bit(tmp_path / LAST)
    with pytest.raises(RunError, match=r"corrupt: rename .*previous\.safetensors, the checkpoint before"):
        load_checkpoint(tmp_path, network, optimizer, None)
    (tmp_path / PREVIOUS).rename(tmp_path / LAST)
    assert load_checkpoint(tmp_path, network, optimizer, None).step == 1
    save_best(tmp_path, network.state_dict())
    flip_bit(tmp_path / BEST)
    with pytest.raises(RunError, match="corrupt: train again"):
        load_best(tmp_path)
