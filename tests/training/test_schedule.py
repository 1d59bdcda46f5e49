from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.optim.lr_scheduler import CosineAnnealingLR, LRScheduler, MultiStepLR, StepLR

from discern.training.config import TrainConfig, make_config
from discern.training.schedule import lr_multiplier

CONFIGS = st.builds(
    make_config,
    epochs=st.integers(1, 300),
    warmup=st.just(0.0) | st.floats(0.01, 20),
    schedule=st.sampled_from(["cosine", "triangular", "onecycle", "step", "multistep", "constant"]),
    step_epochs=st.integers(1, 50),
    milestones=st.lists(st.integers(1, 300), max_size=3).map(tuple),
    gamma=st.floats(0.01, 1),
)
SMOOTH = CONFIGS.filter(lambda config: config.optim.schedule in ("cosine", "triangular", "onecycle"))


@given(CONFIGS, st.floats(0, 1))
def test_never_below_0_nor_above_1(config: TrainConfig, share: float) -> None:
    assert 0 <= lr_multiplier(config, share * config.optim.epochs) <= 1 + 1e-12


@given(SMOOTH, st.floats(0, 1))
def test_smooth_schedules_have_no_jump(config: TrainConfig, share: float) -> None:
    epoch = share * config.optim.epochs
    steepest = 1 / min(max(config.optim.warmup, 1e-9), 0.5 * config.optim.epochs) + 12 / config.optim.epochs
    step = 1e-4 / steepest
    assert abs(lr_multiplier(config, min(epoch + step, config.optim.epochs)) - lr_multiplier(config, epoch)) <= 2e-4


@given(SMOOTH)
def test_smooth_schedules_end_at_0(config: TrainConfig) -> None:
    assert lr_multiplier(config, config.optim.epochs) == pytest.approx(0, abs=1e-12)


@given(SMOOTH)
def test_smooth_schedules_reach_1_once(config: TrainConfig) -> None:
    peak = (
        0.3 * config.optim.epochs
        if config.optim.schedule == "onecycle"
        else min(config.optim.warmup, 0.5 * config.optim.epochs)
    )
    assert lr_multiplier(config, peak) == pytest.approx(1)
    after = [lr_multiplier(config, peak + (config.optim.epochs - peak) * i / 20) for i in range(21)]
    assert after == sorted(after, reverse=True)


@given(st.integers(2, 100), st.floats(0.5, 10))
def test_warm_up_is_linear(epochs: int, warmup: float) -> None:
    config = make_config(epochs=epochs, warmup=warmup, schedule="constant")
    end = min(warmup, epochs / 2)
    assert lr_multiplier(config, 0) == 0
    assert lr_multiplier(config, end / 4) == pytest.approx(0.25)
    assert lr_multiplier(config, end) == 1


@pytest.mark.parametrize(
    "config, reference",
    [
        (make_config(epochs=30, warmup=0, schedule="cosine"), lambda optimizer: CosineAnnealingLR(optimizer, 30)),
        (make_config(epochs=30, warmup=0, schedule="step", step_epochs=7, gamma=0.3), lambda o: StepLR(o, 7, 0.3)),
        (
            make_config(epochs=30, warmup=0, schedule="multistep", milestones=(5, 20), gamma=0.1),
            lambda optimizer: MultiStepLR(optimizer, [5, 20], 0.1),
        ),
    ],
    ids=["cosine", "step", "multistep"],
)
def test_whole_epochs_are_torchs(config: TrainConfig, reference: type[LRScheduler]) -> None:
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0)
    scheduler = reference(optimizer)
    for epoch in range(30):
        assert lr_multiplier(config, epoch) == pytest.approx(scheduler.get_last_lr()[0], abs=1e-9)
        optimizer.step()
        scheduler.step()
