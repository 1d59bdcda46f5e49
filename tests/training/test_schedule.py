from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.optim.lr_scheduler import CosineAnnealingLR, LRScheduler, MultiStepLR, StepLR

from discern.training.config import Config
from discern.training.schedule import factor

CONFIGS = st.builds(
    Config,
    epochs=st.integers(1, 300),
    warmup=st.just(0.0) | st.floats(0.01, 20),
    schedule=st.sampled_from(["cosine", "triangular", "onecycle", "step", "multistep", "constant"]),
    step_epochs=st.integers(1, 50),
    milestones=st.lists(st.integers(1, 300), max_size=3).map(tuple),
    gamma=st.floats(0.01, 1),
)
SMOOTH = CONFIGS.filter(lambda config: config.schedule in ("cosine", "triangular", "onecycle"))


@given(CONFIGS, st.floats(0, 1))
def test_never_below_0_nor_above_1(config: Config, share: float) -> None:
    assert 0 <= factor(config, share * config.epochs) <= 1 + 1e-12


@given(SMOOTH, st.floats(0, 1))
def test_smooth_schedules_have_no_jump(config: Config, share: float) -> None:
    epoch = share * config.epochs
    steepest = 1 / min(max(config.warmup, 1e-9), 0.5 * config.epochs) + 12 / config.epochs
    step = 1e-4 / steepest
    assert abs(factor(config, min(epoch + step, config.epochs)) - factor(config, epoch)) <= 2e-4


@given(SMOOTH)
def test_smooth_schedules_end_at_0(config: Config) -> None:
    assert factor(config, config.epochs) == pytest.approx(0, abs=1e-12)


@given(SMOOTH)
def test_smooth_schedules_reach_1_once(config: Config) -> None:
    peak = 0.3 * config.epochs if config.schedule == "onecycle" else min(config.warmup, 0.5 * config.epochs)
    assert factor(config, peak) == pytest.approx(1)
    after = [factor(config, peak + (config.epochs - peak) * i / 20) for i in range(21)]
    assert after == sorted(after, reverse=True)


@given(st.integers(2, 100), st.floats(0.5, 10))
def test_warm_up_is_linear(epochs: int, warmup: float) -> None:
    config = Config(epochs=epochs, warmup=warmup, schedule="constant")
    end = min(warmup, epochs / 2)
    assert factor(config, 0) == 0
    assert factor(config, end / 4) == pytest.approx(0.25)
    assert factor(config, end) == 1


@pytest.mark.parametrize(
    "config, reference",
    [
        (Config(epochs=30, warmup=0, schedule="cosine"), lambda optimizer: CosineAnnealingLR(optimizer, 30)),
        (Config(epochs=30, warmup=0, schedule="step", step_epochs=7, gamma=0.3), lambda o: StepLR(o, 7, 0.3)),
        (
            Config(epochs=30, warmup=0, schedule="multistep", milestones=(5, 20), gamma=0.1),
            lambda optimizer: MultiStepLR(optimizer, [5, 20], 0.1),
        ),
    ],
    ids=["cosine", "step", "multistep"],
)
def test_whole_epochs_are_torchs(config: Config, reference: type[LRScheduler]) -> None:
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0)
    scheduler = reference(optimizer)
    for epoch in range(30):
        assert factor(config, epoch) == pytest.approx(scheduler.get_last_lr()[0], abs=1e-9)
        optimizer.step()
        scheduler.step()
