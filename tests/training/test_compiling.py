from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from discern.models.network import Model
from discern.models.registry import build_model
from discern.notices import Notice
from discern.training import compiling
from discern.training.compiling import CompileTrial, decide_compile
from discern.training.config import TrainConfig, make_config
from discern.training.cpu_convolutions import cpu_convolutions
from discern.training.probe import ComputePlan

CPU = torch.device("cpu")
LONG, SHORT = 10_000_000, 10_000
CONFIG = make_config(model="mlp-course", size=28, batch_size=8)


def choice(rate: float = 100.0) -> ComputePlan:
    return ComputePlan("fp32", "contiguous", {"fp32 contiguous": rate})


def pretend(monkeypatch: pytest.MonkeyPatch, trial: CompileTrial) -> list[tuple[int, ...]]:
    """Compiling costs and gives this; the list fills with the shapes that were tried."""
    shapes: list[tuple[int, ...]] = []

    def attempt(model: Model, choice: ComputePlan, shape: tuple[int, ...], device: torch.device) -> CompileTrial:
        shapes.append(shape)
        return trial

    monkeypatch.setattr(compiling, "_try_compiling", attempt)
    return shapes


def ask(
    config: TrainConfig = CONFIG, images: int = LONG, processes: int = 1, rate: float = 100.0
) -> tuple[str, tuple[Notice, ...]]:
    model = build_model("mlp-course", classes=3, size=28)
    return decide_compile(model, config, choice(rate), CPU, images, processes)


@pytest.mark.parametrize(
    "trial, images, pays",
    [
        (CompileTrial(100, 200, 60), 100_000, True),  # 1,000 s against 120 + 500
        (CompileTrial(100, 200, 60), 26_000, False),  # 260 s against 120 + 130
        (CompileTrial(100, 105, 60), LONG, False),  # noise does not choose
        (CompileTrial(100, 90, 60), LONG, False),
        (CompileTrial(100, 200, 600), 100_000, False),
        (CompileTrial(100, error="no compiler"), LONG, False),
    ],
)
def test_it_pays_where_the_whole_run_is_clearly_shorter(trial: CompileTrial, images: int, pays: bool) -> None:
    assert trial.pays_off(images) is pays


def test_a_long_run_is_compiled(monkeypatch: pytest.MonkeyPatch) -> None:
    pretend(monkeypatch, CompileTrial(100, 200, 60))
    answer, (why,) = ask(images=1_000_000)
    assert answer == "yes"
    assert why.text() == (
        "The network is compiled, which takes 60 s: training then runs at 200 instead of 100 images/s, and takes about "
        "85 minutes instead of 2.8 hours."
    )


def test_a_long_run_that_does_not_get_shorter_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    pretend(monkeypatch, CompileTrial(100, 101, 60))
    answer, (why,) = ask()
    assert answer == "no"
    assert why.text().startswith(
        "The network is not compiled, which would take 60 s: training would run at 101 instead"
    )


def test_a_short_run_is_not_held_up(monkeypatch: pytest.MonkeyPatch) -> None:
    shapes = pretend(monkeypatch, CompileTrial(100, 10_000, 1))
    assert ask(images=SHORT) == ("no", ())
    assert ask(images=LONG, processes=1000) == ("no", ())
    assert ask(CONFIG.replace(compile="no")) == ("no", ())
    assert shapes == []


def test_yes_needs_no_long_run(monkeypatch: pytest.MonkeyPatch) -> None:
    pretend(monkeypatch, CompileTrial(100, 50, 60))
    assert ask(CONFIG.replace(compile="yes"), images=SHORT)[0] == "yes"


@pytest.mark.parametrize("asked", ["auto", "yes"])
def test_a_failure_is_told_and_the_network_stays(monkeypatch: pytest.MonkeyPatch, asked: str) -> None:
    def broken(answers: object) -> object:
        raise RuntimeError("no C++ compiler\nin any of 20 places")

    monkeypatch.setattr(torch, "compile", broken)
    answer, (why,) = ask(CONFIG.replace(compile=asked))
    assert answer == "no"
    assert why.text() == (
        "The network is not compiled, because that fails on this machine (RuntimeError: no C++ compiler)."
    )


def test_what_was_found_is_kept_for_runs_of_every_length(monkeypatch: pytest.MonkeyPatch) -> None:
    shapes = pretend(monkeypatch, CompileTrial(100, 200, 60))
    assert ask(images=LONG)[0] == "yes"
    pretend(monkeypatch, CompileTrial(100, 1, 60))
    assert ask(images=LONG)[0] == "yes"
    assert ask(images=361_000)[0] == "yes"
    assert ask(images=361_000, rate=1000)[0] == "no"
    assert shapes == [(8, 3, 28, 28)]


def test_it_is_tried_with_the_images_that_a_process_takes_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    shapes = pretend(monkeypatch, CompileTrial(100, 200, 60))
    ask(CONFIG.replace(batch_size=64, accumulate_grad=4), processes=2)
    assert shapes == [(8, 3, 28, 28)]


def test_a_trial_leaves_the_network_and_the_random_numbers(monkeypatch: pytest.MonkeyPatch) -> None:
    compiled: list[Any] = []

    def same(answers: Any) -> Any:
        compiled.append(answers)
        return answers

    monkeypatch.setattr(torch, "compile", same)
    model = build_model("mlp-course", classes=3, size=28)
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    state = torch.get_rng_state()
    answer, _why = decide_compile(model, CONFIG.replace(compile="yes"), choice(), CPU, SHORT)
    assert answer == "yes"
    assert len(compiled) == 1
    assert torch.equal(torch.get_rng_state(), state)
    assert all(torch.equal(before[name], tensor) for name, tensor in model.state_dict().items())
    assert all(parameter.grad is None for parameter in model.parameters())


WITHOUT_COMPILER = """
import torch
from discern.models.registry import build_model
from discern.training.compiling import decide_compile
from discern.training.config import make_config
from discern.training.cpu_convolutions import cpu_convolutions
from discern.training.probe import ComputePlan

model, config = build_model("mlp-course", classes=3, size=28), make_config(
    model="mlp-course", size=28, batch_size=8, compile="yes"
)
answer, (why,) = decide_compile(model, config, ComputePlan("fp32", "contiguous", {}), torch.device("cpu"), 10_000)
print(answer, why.text())
"""


@pytest.mark.slow
def test_without_a_compiler_the_network_stays(tmp_path: Path) -> None:
    environment = os.environ | {"CXX": str(tmp_path / "none"), "TORCHINDUCTOR_CACHE_DIR": str(tmp_path / "inductor")}
    command = [sys.executable, "-c", WITHOUT_COMPILER]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=120)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("no The network is not compiled, because that fails on this machine (")
    assert "compiler found" in done.stdout


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # torch's compiler has its own
@pytest.mark.skipif(shutil.which("g++") is None, reason="torch.compile needs g++")
def test_a_compiled_network_learns_what_it_did() -> None:
    model = build_model("cnn-course", classes=3, size=28)
    state = model.state_dict()

    def gradients(answer: Callable[[Tensor], tuple[Tensor, ...]], x: Tensor) -> list[Tensor]:
        return list(torch.autograd.grad(answer(x)[0].square().sum(), list(model.parameters())))

    with torch._dynamo.config.patch(suppress_errors=False), cpu_convolutions(model):
        answers = compiling.compile_forward(model.forward_train)
        torch._dynamo.config.suppress_errors = False  # what fails here fails the test
        for n in (6, 5):  # batches differ by one image
            x = torch.randn(n, 3, 28, 28)
            for one, other in zip(gradients(answers, x), gradients(model.forward_train, x), strict=True):
                assert torch.allclose(one, other, rtol=1e-3, atol=1e-4)
    assert list(model.state_dict()) == list(state)
