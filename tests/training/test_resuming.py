"""The same bits from the same seed, whatever a run went through."""

from __future__ import annotations

import signal
from pathlib import Path
from typing import Any

import pytest
import torch

from discern.errors import Interrupted
from discern.training import loop
from tests.trainers import (
    NETWORK,
    WAYS,
    after,
    assert_same_outcome,
    base_config,
    ctrl_c,
    die,
    make_trainer,
    train,
)


@pytest.mark.parametrize("way", WAYS)
def test_the_same_seed_gives_the_same_bits(tmp_path: Path, way: str) -> None:
    def noise(kind: str, fields: dict[str, Any]) -> None:
        torch.rand(3)  # a display that draws random numbers changes nothing

    one, other = train(WAYS[way], tmp_path / "one"), train(WAYS[way], tmp_path / "other", noise)
    assert_same_outcome(one, other)


def test_another_seed_gives_other_bits(tmp_path: Path) -> None:
    one, other = (train({**NETWORK, "seed": seed, "epochs": 1}, tmp_path / str(seed)) for seed in (0, 1))
    assert not torch.equal(one.best["fc.weight"], other.best["fc.weight"])


@pytest.mark.parametrize("stops", [[5, 2], [3, 3, 3, 3]], ids=str)
@pytest.mark.parametrize("way", WAYS)
def test_an_interrupted_run_goes_on_to_the_same_bits(tmp_path: Path, way: str, stops: list[int]) -> None:
    whole = train(WAYS[way], tmp_path / "whole")
    for steps in stops:
        with pytest.raises(Interrupted):
            train(WAYS[way], tmp_path / "parts", after(steps, ctrl_c))
    assert_same_outcome(whole, train(WAYS[way], tmp_path / "parts"))


@pytest.mark.parametrize("often", [1, 1e12], ids=["every step", "every epoch"])
@pytest.mark.parametrize("steps", [2, 9, 13])
def test_a_killed_run_goes_on_to_the_same_bits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, steps: int, often: float
) -> None:
    way = WAYS["nesterov, average, every augmentation"]
    whole = train(way, tmp_path / "whole")
    monkeypatch.setattr(loop, "LONG_EPOCH", often)
    with pytest.raises(SystemExit):
        train({**way, "checkpoint_seconds": 1e-9}, tmp_path / "killed", after(steps, die))
    resumed = make_trainer(base_config(way), tmp_path / "killed")
    assert resumed.state.epoch == steps // 5
    assert resumed.state.step == (steps % 5 - 1 if often == 1 else 0)  # the step it died in is not saved
    resumed.train()
    assert_same_outcome(whole, resumed)


def test_killed_between_the_best_weights_and_the_checkpoint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = train(NETWORK, tmp_path / "whole")
    with monkeypatch.context() as patch:
        patch.setattr(loop, "LONG_EPOCH", 1e12)
        save, saves = loop.save_checkpoint, []

        def save_or_die(*arguments: Any) -> None:
            saves.append(1)
            if len(saves) == 2:
                raise SystemExit
            save(*arguments)

        patch.setattr(loop, "save_checkpoint", save_or_die)
        with pytest.raises(SystemExit):
            train({**NETWORK, "checkpoint_seconds": 1e-9}, tmp_path / "killed")
    assert_same_outcome(whole, train(NETWORK, tmp_path / "killed"))


def test_a_finished_run_has_nothing_left_to_do(tmp_path: Path) -> None:
    whole = train(NETWORK, tmp_path)
    steps: list[str] = []
    again = train(NETWORK, tmp_path, lambda kind, fields: steps.append(kind))
    assert steps == []
    assert_same_outcome(whole, again)


def test_ctrl_c_is_ours_only_while_training(tmp_path: Path) -> None:
    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(Interrupted):
        train(NETWORK, tmp_path, after(1, ctrl_c))
    assert signal.getsignal(signal.SIGINT) is before
