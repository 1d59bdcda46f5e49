from __future__ import annotations

import json
from collections.abc import Mapping

import pytest
import torch
from torch import nn

from discern.files import cache_folder
from discern.models.registry import build_model
from discern.training import probe
from discern.training.config import make_config
from discern.training.probe import ComputePlan, autocast, discard_stale, get_memory_format, move_to, plan_compute

CPU = torch.device("cpu")
WAYS = ("fp32 contiguous", "fp32 channels_last", "bf16 contiguous", "bf16 channels_last")


def pretend(monkeypatch: pytest.MonkeyPatch, rates: Mapping[str, float]) -> list[str]:
    """Measured rates are these; the list fills with what was measured."""
    asked: list[str] = []

    def rate(model: nn.Module, way: tuple[str, str], shape: tuple[int, ...], device: torch.device) -> float:
        asked.append(" ".join(way))
        return rates[" ".join(way)]

    monkeypatch.setattr(probe, "_measure_rate", rate)
    return asked


@pytest.mark.parametrize(
    "rates, wanted",
    [
        ((100, 100, 100, 100), WAYS[0]),
        ((100, 109, 109, 109), WAYS[0]),  # noise does not choose
        ((100, 120, 125, 130), WAYS[1]),  # nor between those that are faster
        ((100, 90, 200, 150), WAYS[2]),
        ((100, 120, 200, 400), WAYS[3]),
    ],
)
def test_the_plain_way_stays_unless_another_is_clearly_faster(
    monkeypatch: pytest.MonkeyPatch, rates: tuple[float, ...], wanted: str
) -> None:
    pretend(monkeypatch, dict(zip(WAYS, rates, strict=True)))
    choice = plan_compute(nn.Identity(), make_config(), CPU)
    assert f"{choice.precision} {choice.memory_format}" == wanted
    assert set(choice.measured) == set(WAYS)
    for way, rate in zip(WAYS, rates, strict=True):
        assert f"{way} {rate:,.0f}" in choice.notice().text()


def test_what_is_set_is_not_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = pretend(monkeypatch, {})
    choice = plan_compute(nn.Identity(), make_config(precision="bf16", memory_format="contiguous", compile="no"), CPU)
    assert choice == ComputePlan("bf16", "contiguous", {})
    assert choice.rate == 0
    assert choice.notice().text() == "Using bf16, contiguous, as set."
    assert asked == []


def test_whoever_asks_whether_to_compile_knows_how_long_steps_are(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = pretend(monkeypatch, {"bf16 contiguous": 70})
    choice = plan_compute(nn.Identity(), make_config(precision="bf16", memory_format="contiguous"), CPU)
    assert choice.rate == 70
    assert choice.notice().text() == "Using bf16, contiguous, as set."
    assert asked == ["bf16 contiguous"]


def test_only_what_is_open_is_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = pretend(monkeypatch, dict.fromkeys(WAYS, 1.0))
    assert plan_compute(nn.Identity(), make_config(precision="fp32"), CPU).precision == "fp32"
    assert asked == list(WAYS[:2])


def test_the_answer_is_kept_for_this_network_and_size(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = pretend(monkeypatch, dict(zip(WAYS, (100, 90, 200, 150), strict=True)))
    first = plan_compute(nn.Identity(), make_config(model="lenet"), CPU)
    pretend(monkeypatch, dict(zip(WAYS, (900, 1, 1, 1), strict=True)))
    assert plan_compute(nn.Identity(), make_config(model="lenet"), CPU) == first
    assert plan_compute(nn.Identity(), make_config(model="lenet", size=64), CPU).precision == "fp32"
    assert len(asked) == 4


@pytest.mark.parametrize("text", ["{", "", '{"x": 1}', "[]", "[" * 100_000, "3"])
def test_a_spoilt_answer_is_measured_again(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    pretend(monkeypatch, dict.fromkeys(WAYS, 1.0))
    cache_folder().mkdir(parents=True, exist_ok=True)
    (cache_folder() / "measurements.json").write_text(text)
    assert plan_compute(nn.Identity(), make_config(), CPU).precision == "fp32"
    assert len(json.loads((cache_folder() / "measurements.json").read_text())) >= 1


def test_a_real_probe_leaves_the_network_and_the_random_numbers() -> None:
    model = build_model("cnn-course", classes=3, size=28)
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    state = torch.get_rng_state()
    choice = plan_compute(model, make_config(model="cnn-course", size=28, batch_size=4), CPU)
    assert all(rate > 0 for rate in choice.measured.values())
    assert torch.equal(torch.get_rng_state(), state)
    assert all(torch.equal(before[name], tensor) for name, tensor in model.state_dict().items())
    assert all(parameter.grad is None for parameter in model.parameters())


def test_precision_and_layout_are_torchs() -> None:
    layer, x = nn.Linear(2, 2), torch.ones(1, 2)
    for precision, kind in (("fp32", torch.float32), ("bf16", torch.bfloat16)):
        with autocast(precision, CPU):
            assert layer(x).dtype == kind
    assert get_memory_format("channels_last") == torch.channels_last
    assert get_memory_format("contiguous") == torch.contiguous_format
    assert move_to(layer, "channels_last", CPU) is layer


def test_what_training_gives_the_lie_is_measured_again(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = pretend(monkeypatch, dict.fromkeys(WAYS, 15.0))
    choice = plan_compute(nn.Identity(), make_config(), CPU)
    assert discard_stale(choice, 40.0) is None  # a training may be a little faster than its steps were
    plan_compute(nn.Identity(), make_config(), CPU)
    assert len(asked) == len(WAYS)
    notice = discard_stale(choice, 1400.0)
    assert notice is not None and "1,400 images/s, but its steps were benchmarked at 15," in notice.text()
    plan_compute(nn.Identity(), make_config(), CPU)
    assert len(asked) == 2 * len(WAYS)


def test_what_was_not_measured_is_not_doubted() -> None:
    assert discard_stale(ComputePlan("fp32", "contiguous", {}), 1e9) is None


@pytest.mark.parametrize("wrong", [3, {}, {"precision": "fp8"}, {"measured": {}}, {"date": "today"}, {"extra": 1}])
def test_an_entry_that_is_no_plan_is_measured_again(monkeypatch: pytest.MonkeyPatch, wrong: object) -> None:
    asked = pretend(monkeypatch, dict.fromkeys(WAYS, 15.0))
    first = plan_compute(nn.Identity(), make_config(), CPU)
    file = cache_folder() / "measurements.json"
    ((name, entry),) = json.loads(file.read_text()).items()
    file.write_text(json.dumps({name: {**entry, **wrong} if isinstance(wrong, dict) and wrong else wrong}))
    assert plan_compute(nn.Identity(), make_config(), CPU) == first
    assert len(asked) == 2 * len(WAYS)
